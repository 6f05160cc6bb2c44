// The page: the bar, the map with its pads, and the panels.

import { html, render, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { colour } from "./colours.js";
import { connect, send, sendSound } from "./link.js";
import { SoundMap } from "./map.js";
import { HitsPanel, MorphPanel, PresetsPanel, ServerPanel } from "./panels.js";
import { drag, press, release, sendSoon, strike } from "./play.js";
import { SequencerPanel } from "./sequencer.js";
import { get, set, use, watch } from "./store.js";
import { Slider } from "./widgets.js";

const PANELS = [
  ["morph", "Morph", MorphPanel],
  ["steps", "Steps", SequencerPanel],
  ["hits", "Hits", HitsPanel],
  ["presets", "Presets", PresetsPanel],
  ["server", "Server", ServerPanel],
];
const PAD_KEYS = "asdfghjkl";
const SILENT_DB = -60;
const NOTE_MS = 6000;

const short = (name) => name.split("/").pop();

function Meter({ side }) {
  const peak = Math.round(use(`status.peak_${side}_db`) ?? SILENT_DB);
  const part = Math.min(1, Math.max(0, 1 - peak / SILENT_DB));
  return html`<span class="meter"><span class=${peak > -1 ? "hot" : ""} style=${{ transform: `scaleX(${part})` }}></span></span>`;
}

function Gain() {
  const gain = use("status.gain_db") ?? 0;
  const [held, setHeld] = useState(null);
  useEffect(() => {
    const timer = setTimeout(() => setHeld(null), 600);
    return () => clearTimeout(timer);
  }, [held]);
  return html`<div class="gain">
    <${Slider}
      label="Gain"
      min="-40"
      max="12"
      step="0.5"
      value=${held ?? Math.max(-40, gain)}
      show=${(v) => `${Number(v.toFixed(1))} dB`}
      onInput=${(v) => (setHeld(v), sendSoon("/morph/gain", "/morph/gain", v))}
    />
  </div>`;
}

function Bar() {
  const connected = use("connected");
  const model = use("model");
  const [voices, most, late] = [use("status.voices"), use("status.max_voices"), use("status.late_blocks")];
  return html`<header>
    <h1>soundmorph</h1>
    <p class="state" role="status">
      <span class="lamp ${connected ? "on" : ""}" aria-hidden="true"></span>
      ${connected ? model?.name : connected === false ? "No server; trying again" : "Connecting"}
    </p>
    <div class="meters" role="img" aria-label="Output level">
      <${Meter} side="left" /><${Meter} side="right" />
    </div>
    <p class="figure">${voices ?? 0} / ${most ?? 0} <span>voices</span></p>
    ${late > 0 && html`<p class="figure warn">${late} <span>late</span></p>`}
    <${Gain} />
    <div class="row">
      <button type="button" onClick=${() => send("/morph/undo")} aria-label="Undo the latest move">↶</button>
      <button type="button" onClick=${() => send("/morph/redo")} aria-label="Redo">↷</button>
      <button type="button" onClick=${() => send("/morph/stop")}>Stop</button>
      <button type="button" class="panic" onClick=${() => send("/morph/panic")}>Panic</button>
    </div>
  </header>`;
}

/** The outline of a sound. */
function Picture({ peaks }) {
  if (!peaks) return null;
  return html`<svg class="picture" viewBox="0 -50 ${peaks.length} 100" preserveAspectRatio="none" aria-hidden="true">
    <path d=${peaks.map((peak, i) => `M${i + 0.5} ${-(peak + 1) / 2}v${peak + 1}`).join("")} />
  </svg>`;
}

/** Files dropped on the map become presets, one after the other. */
async function drop(event) {
  event.preventDefault();
  for (const file of [...event.dataTransfer.files]) await sendSound(file);
}

function Map() {
  const frame = useRef();
  const map = useRef();
  const [tip, setTip] = useState(null);
  const [said, setSaid] = useState("");
  const [hand, setHand] = useState(false);
  useEffect(() => {
    const shown = new SoundMap(frame.current, {
      press(pointer, place, dot, pressure) {
        setTip(null);
        if (dot && get("picking")) {
          get("picking").take(dot.name);
          set("picking", null);
        }
        press(pointer, place, dot, pressure);
      },
      drag,
      release,
      hover: (dot, x, y) => setTip(dot && { dot, x, y, index: shown.dots.indexOf(dot) }),
      focus: (dot) => setSaid(`${short(dot.name)}, ${shown.classes[dot.label][0]}`),
      pick: (dot) => strike(dot.name),
    });
    map.current = shown;
    window.soundmap = shown;
    const ends = [
      watch("model", (model) => shown.setModel(model)),
      watch("regions", (regions) => shown.setRegions(regions)),
      watch("presets", (presets) => shown.setPresets(presets)),
      watch("xy", (place) => shown.setPoint(place)),
    ];
    return () => ends.forEach((end) => end());
  }, []);
  const search = (event) => {
    const found = map.current.setFound(event.target.value);
    setSaid(event.target.value.trim() ? `${found.length} found` : "");
    return found;
  };
  const model = use("model");
  const pictures = use("pictures");
  return html`<div class="map-area" onDragOver=${(event) => event.preventDefault()} onDrop=${drop}>
    <div
      class="map"
      ref=${frame}
      tabindex="0"
      role="application"
      aria-label="Map of the sounds"
      aria-describedby="map-help"
    >
      <canvas class="sounds" aria-hidden="true"></canvas>
      <canvas class="moving" aria-hidden="true"></canvas>
      ${tip &&
      html`<div class="tip" style=${{ left: `${tip.x}px`, top: `${tip.y}px`, "--accent": colour(tip.dot.label) }}>
        <${Picture} peaks=${pictures?.[tip.index]} />
        ${short(tip.dot.name)}<small>${model.classes[tip.dot.label][0]}</small>
      </div>`}
      <p id="map-help" class="sr">
        Press to play, drag to morph; each further finger is a sound of its own. Arrow keys walk from sound to sound,
        space plays, plus and minus zoom.
      </p>
      <div class="map-tools">
        <button type="button" aria-label="Zoom in" onClick=${() => map.current.zoom(1.5)}>+</button>
        <button type="button" aria-label="Zoom out" onClick=${() => map.current.zoom(1 / 1.5)}>−</button>
        <button type="button" aria-label="Whole map" onClick=${() => map.current.fit()}>⤢</button>
        <button
          type="button"
          aria-label="Dragging moves the map"
          aria-pressed=${hand ? "true" : "false"}
          onClick=${() => setHand((map.current.hand = !hand))}
        >
          ✥
        </button>
      </div>
    </div>
    <div class="map-search">
      <input
        type="search"
        placeholder="Find a sound"
        aria-label="Find a sound on the map"
        onInput=${search}
        onKeyDown=${(event) => {
          if (event.key !== "Enter") return;
          const [first] = search(event);
          if (first) strike(first.name), map.current.flash(first);
        }}
      />
      <span class="said" aria-live="polite">${said}</span>
    </div>
  </div>`;
}

function Pads() {
  const model = use("model");
  const likely = use("probabilities") ?? [];
  if (!model) return null;
  return html`<div class="pads" role="group" aria-label="Classes">
    ${model.classes.map(
      ([name], i) => html`<button
        type="button"
        class="class-pad"
        key=${name}
        style=${{ "--accent": colour(i), "--share": likely[i] ?? 0 }}
        onPointerDown=${() => strike(name)}
        onKeyDown=${(event) => {
          if ((event.key === " " || event.key === "Enter") && !event.repeat) {
            event.preventDefault();
            strike(name);
          }
        }}
      >
        ${name}${PAD_KEYS[i] && html`<kbd>${PAD_KEYS[i]}</kbd>`}
      </button>`,
    )}
  </div>`;
}

function Panels() {
  const [shown, setShown] = useState("morph");
  const model = use("model");
  const tab = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = PANELS.findIndex(([id]) => id === shown);
    const [next] = PANELS[(at + step + PANELS.length) % PANELS.length];
    setShown(next);
    document.getElementById(`tab-${next}`).focus();
    event.stopPropagation();
  };
  return html`<aside>
    <div class="tabs" role="tablist" aria-label="Panels" onKeyDown=${tab}>
      ${PANELS.map(
        ([id, label]) => html`<button
          type="button"
          role="tab"
          key=${id}
          id="tab-${id}"
          aria-controls="panel-${id}"
          aria-selected=${id === shown ? "true" : "false"}
          tabindex=${id === shown ? 0 : -1}
          onClick=${() => setShown(id)}
        >
          ${label}
        </button>`,
      )}
    </div>
    ${PANELS.map(
      ([id, , Panel]) => html`<div
        class="panel"
        role="tabpanel"
        key=${id}
        id="panel-${id}"
        aria-labelledby="tab-${id}"
        hidden=${id !== shown}
      >
        ${model && (id === shown || id === "morph") && html`<${Panel} />`}
      </div>`,
    )}
  </aside>`;
}

function Notes() {
  const messages = use("messages") ?? [];
  const [seen, setSeen] = useState(0);
  const latest = messages[0];
  useEffect(() => {
    if (!latest) return undefined;
    const timer = setTimeout(() => setSeen(latest.number), NOTE_MS);
    return () => clearTimeout(timer);
  }, [latest]);
  return html`<div class="notes" role="alert">
    ${latest && latest.number > seen && html`<p><code>${latest.address}</code> ${latest.line}</p>`}
  </div>`;
}

function App() {
  const names = use("names") ?? [];
  return html`<${Bar} />
    <main>
      <div class="stage"><${Map} /><${Pads} /></div>
      <${Panels} />
    </main>
    <${Notes} />
    <datalist id="names">${names.map((name) => html`<option value=${name} key=${name}></option>`)}</datalist>`;
}

/** All names that messages may use. */
function collectNames() {
  const model = get("model");
  if (!model) return;
  const presets = get("presets") ?? [];
  set("names", [...new Set([...model.classes, ...presets, ...model.anchors].map(([name]) => name))]);
}

/** The computer's keyboard: letters strike the classes, space the point, Escape is panic. */
function listenToKeys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.key === "Escape") send("/morph/panic");
  if (event.target.closest("input, textarea, select, button, [role=application]") && event.target.type !== "range") return;
  const name = get("model")?.classes[PAD_KEYS.indexOf(event.key)]?.[0];
  if (name !== undefined) strike(name);
  else if (event.key === " ") strike();
  else return;
  event.preventDefault();
}

watch("model", collectNames);
watch("presets", collectNames);
addEventListener("keydown", listenToKeys);
history.replaceState(null, "", location.pathname);
render(html`<${App} />`, document.body);
connect();
