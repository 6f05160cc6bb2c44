// The panels beside the map: morphing, the sounds to come, presets, and what the server says.

import { html, useEffect, useState } from "./vendor/preact-htm.js";
import { colour } from "./colours.js";
import { onAnswer, send, sendSound, sendTogether } from "./link.js";
import { corners, sendSoon, strike, velocity } from "./play.js";
import { set, use } from "./store.js";
import { Name, Pad, Slider, Toggle } from "./widgets.js";

const AXES = 8; // of the principal axes, those that say most
const AXIS_REACH = 3; // standard deviations each way

/** Text without its trailing zeros. */
const number = (value, digits = 2) => String(Number(value.toFixed(digits)));

/** The colour of a named point: that of its class. */
function inkOf(model, name) {
  const label = model.classes.findIndex(([each]) => each === name);
  const anchor = label < 0 ? model.anchors.find(([each]) => each === name) : null;
  return label >= 0 ? colour(label) : anchor ? colour(anchor[1]) : "var(--ink)";
}

function useNamed(count) {
  const model = use("model");
  const names = use("names") ?? [];
  const [chosen, setChosen] = useState(null);
  const usual = Array.from({ length: count }, (_, i) => model.classes[i % model.classes.length][0]);
  const now = (chosen ?? usual).map((name, i) => (names.includes(name) ? name : usual[i]));
  return [now, (i, name) => setChosen(now.map((each, at) => (at === i ? name : each)))];
}

function Between() {
  use("theme");
  const model = use("model");
  const [[a, b], name] = useNamed(2);
  const [t, setT] = useState(0);
  const go = (a, b, t) => sendSoon("/morph/between", "/morph/between", a, b, t);
  const ends = { "--from": inkOf(model, a), "--to": inkOf(model, b) };
  return html`<section class="card between" style=${ends}>
    <h2>From – to</h2>
    <div class="row ends">
      <${Name} label="From" value=${a} style=${{ color: ends["--from"] }} onChange=${(to) => (name(0, to), go(to, b, t))} />
      <${Name} label="To" value=${b} style=${{ color: ends["--to"] }} onChange=${(to) => (name(1, to), go(a, to, t))} />
    </div>
    <input
      class="morph"
      type="range"
      min="0"
      max="1"
      step="any"
      value=${t}
      aria-label="From ${a} to ${b}"
      aria-valuetext="${Math.round(100 * t)} percent"
      onInput=${(event) => {
        const now = Number(event.target.value);
        setT(now);
        go(a, b, now);
      }}
    />
    <button
      type="button"
      class="strike"
      onClick=${() => sendTogether(["/morph/between", a, b, t], ["/morph/trigger", velocity()])}
    >
      Strike
    </button>
  </section>`;
}

function Corners() {
  const model = use("model");
  const [names, name] = useNamed(4);
  const [[x, y], setPlace] = useState([0.5, 0.5]);
  const message = (names, x, y) => {
    const weights = corners(x, y);
    return ["/morph/weights", ...names.flatMap((each, i) => [each, weights[i]])];
  };
  const move = (x, y) => {
    setPlace([x, y]);
    sendSoon("/morph/weights", ...message(names, x, y));
  };
  return html`<section class="card">
    <h2>Four corners</h2>
    <${Pad}
      label="Between ${names.join(", ")}; arrow keys move, space strikes"
      x=${x}
      y=${y}
      onMove=${move}
      onPress=${() => strike()}
    >
      ${names.map(
        (each, i) => html`<span class="corner" style=${{ "--glow": inkOf(model, each) }} key=${i}>
          <${Name}
            label="Corner ${i + 1}"
            value=${each}
            style=${{ color: inkOf(model, each) }}
            onChange=${(to) => name(i, to)}
          />
        </span>`,
      )}
    <//>
  </section>`;
}

function Classes() {
  const model = use("model");
  const [weights, setWeights] = useState({});
  const all = model.classes.map(([name]) => weights[name] ?? 0);
  const change = (i, value) => {
    const now = all.map((each, at) => (at === i ? value : each));
    setWeights(Object.fromEntries(model.classes.map(([name], at) => [name, now[at]])));
    if (now.some((each) => each > 0)) sendSoon("/morph/weights", "/morph/weights", ...now);
  };
  return html`<section class="card">
    <h2>Mixture of classes</h2>
    ${model.classes.map(
      ([name], i) => html`<div style=${{ "--accent": colour(i) }} key=${name}>
        <${Slider} label=${name} min="0" max="1" value=${all[i]} show=${(v) => number(v)} onInput=${(v) => change(i, v)} />
      </div>`,
    )}
  </section>`;
}

function Axes() {
  const model = use("model");
  const macros = use("macros") ?? [];
  const words = use("axes") ?? [];
  const [held, setHeld] = useState({});
  const count = Math.min(AXES, model.axes);
  if (!count) return null;
  return html`<section class="card">
    <h2>What the sounds differ in</h2>
    ${Array.from({ length: count }, (_, i) => {
      const [low, high] = words[i] ?? ["", ""];
      const value = held[i] ?? macros[i] ?? 0;
      return html`<div
        class="axis"
        key=${i}
        onPointerDown=${() => setHeld({ ...held, [i]: value })}
        onPointerUp=${() => setHeld({})}
        onPointerCancel=${() => setHeld({})}
      >
        <${Slider}
          label=${low && high ? `${low} – ${high}` : `Axis ${i + 1}`}
          min=${-AXIS_REACH}
          max=${AXIS_REACH}
          value=${value}
          show=${(v) => number(v, 1)}
          onInput=${(v) => {
            if (i in held) setHeld({ ...held, [i]: v });
            sendSoon(`/morph/macro/${i}`, `/morph/macro/${i}`, v);
          }}
        />
      </div>`;
    })}
    <button type="button" onClick=${() => strike()}>Strike</button>
  </section>`;
}

export function MorphPanel() {
  return html`<${Between} /><${Corners} /><${Classes} /><${Axes} />`;
}

/** A slider for a setting that the server keeps. */
function Setting({ label, name, min, max, step, show, toServer = (v) => v, fromServer = (v) => v }) {
  const settings = use("settings") ?? {};
  const [held, setHeld] = useState(null);
  const value = held ?? fromServer(settings[name] ?? 0);
  useEffect(() => {
    if (held === null) return undefined;
    const timer = setTimeout(() => setHeld(null), 600);
    return () => clearTimeout(timer);
  }, [held]);
  const input = (v) => {
    setHeld(v);
    sendSoon(`/morph/${name}`, `/morph/${name}`, toServer(v));
  };
  return html`<${Slider} ...${{ label, min, max, step, value, show, onInput: input }} />`;
}

const LONGEST_MS = 2000; // of a decay; the end of the slider leaves sounds as they are

/** How the sliders of some settings differ from what the server says of them. */
const SLIDERS = {
  pitch: { min: -24, max: 24, step: 1, show: (v) => `${v > 0 ? "+" : ""}${number(v)} semitones` },
  pan: {
    show: (v) => (Math.abs(v) < 0.01 ? "middle" : `${Math.round(100 * Math.abs(v))} % ${v < 0 ? "left" : "right"}`),
  },
  decay: {
    min: 20,
    max: LONGEST_MS,
    step: 10,
    show: (v) => (v >= LONGEST_MS ? "as it is" : `${Math.round(v)} ms`),
    toServer: (v) => (v >= LONGEST_MS ? 0 : v),
    fromServer: (v) => (v === 0 ? LONGEST_MS : v),
  },
  choke: { label: "Choke group", show: (v) => (v ? String(v) : "none") },
};

const capital = (name) => name[0].toUpperCase() + name.slice(1);

export function HitsPanel() {
  const loud = use("velocity") ?? 1;
  const settings = use("settings") ?? {};
  const mode = use("status.mode");
  const rows = use("model").settings;
  return html`<section class="card">
      <h2>Sounds to come</h2>
      <${Slider}
        label="Velocity"
        min="0.05"
        max="1"
        value=${loud}
        show=${(v) => `${Math.round(100 * v)} %`}
        onInput=${(v) => set("velocity", v)}
      />
      ${rows
        .filter((row) => !row.switch)
        .map((row) => {
          const show = (v) => `${number(v)} ${row.unit}`.trim();
          return html`<${Setting} key=${row.name} label=${capital(row.name)} show=${show} ...${row} ...${SLIDERS[row.name]} />`;
        })}
      <div class="row">
        ${rows
          .filter((row) => row.switch)
          .map(
            ({ name }) => html`<${Toggle}
              key=${name}
              label=${capital(name)}
              on=${settings[name] === 1}
              onToggle=${(on) => send(`/morph/${name}`, on ? 1 : 0)}
            />`,
          )}
        <${Toggle}
          label="Follow the point while sounding"
          on=${mode === "live"}
          onToggle=${(on) => send("/morph/mode", on ? "live" : "latch")}
        />
      </div>
    </section>
    <section class="card">
      <h2>How the point travels</h2>
      <${Setting} label="Glide" name="glide" min="0" max="4000" step="10" show=${(v) => (v ? `${Math.round(v)} ms` : "at once")} />
    </section>`;
}

export function PresetsPanel() {
  const presets = use("presets") ?? [];
  const [name, setName] = useState("");
  const store = (event) => {
    event.preventDefault();
    if (name.trim()) send("/morph/preset/store", name.trim());
    setName("");
  };
  return html`<section class="card">
    <h2>Presets</h2>
    <form class="row" onSubmit=${store}>
      <input
        class="grow"
        type="text"
        aria-label="Name of a new preset"
        placeholder="Name this place"
        maxlength="60"
        value=${name}
        onInput=${(event) => setName(event.target.value)}
      />
      <button type="submit">Store</button>
    </form>
    <label class="file">
      A sound file (or drop it on the map)
      <input
        type="file"
        accept=".wav,.flac,.aif,.aiff,.ogg"
        multiple
        onChange=${async (event) => {
          for (const file of [...event.target.files]) await sendSound(file);
          event.target.value = "";
        }}
      />
    </label>
    ${presets.length === 0 && html`<p class="hint">Store the place where the point is, and find it here at the next start.</p>`}
    <ul class="list">
      ${presets.map(
        ([each]) => html`<li key=${each}>
          <button type="button" class="grow left" onClick=${() => strike(each)}>${each}</button>
          <button type="button" onClick=${() => send("/morph/preset/recall", each)} aria-label="Go to ${each}">Go</button>
          <button
            type="button"
            class="quiet"
            aria-label="Delete ${each}"
            onClick=${() => confirm(`Delete the preset ${each}?`) && send("/morph/preset/delete", each)}
          >
            ✕
          </button>
        </li>`,
      )}
    </ul>
  </section>`;
}

function Models() {
  const playing = use("model").name;
  const [names, setNames] = useState([]);
  const [loading, setLoading] = useState("");
  useEffect(() => {
    fetch("/page/models").then(async (answer) => answer.ok && setNames(await answer.json()));
    onAnswer("/morph/done", (address) => address === "/morph/model" && setLoading(""));
    onAnswer("/morph/error", (address) => address === "/morph/model" && setLoading(""));
  }, []);
  return html`<section class="card">
    <h2>Model</h2>
    <div class="row">
      ${names.map(
        (name) => html`<button
          type="button"
          key=${name}
          aria-pressed=${name === playing ? "true" : "false"}
          disabled=${loading !== ""}
          onClick=${() => {
            setLoading(name);
            send("/morph/model", name);
          }}
        >
          ${name === loading ? `${name} …` : name}
        </button>`,
      )}
    </div>
  </section>`;
}

export function ServerPanel() {
  const status = use("status") ?? {};
  const pages = use("pages");
  const messages = use("messages") ?? [];
  const facts = [
    ["Playing for", `${Math.floor(status.seconds ?? 0)} s`],
    ["Hits", status.hits],
    ["Voices", `${status.voices} of ${status.max_voices}`],
    ["Message to sound (99 %)", status.p99_ms ? `${number(status.p99_ms, 1)} ms` : "–"],
    ["Late blocks", status.late_blocks],
    ["Device interruptions", status.xruns],
    ["Voices let go", status.shed],
    ["Refused messages", status.refused],
    ["Pages open", pages],
  ];
  const theme = use("theme");
  return html`<${Models} />
    <section class="card">
      <h2>Server</h2>
      <dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    </section>
    <section class="card">
      <h2>Picture</h2>
      <${Toggle} label="Light" on=${theme === "light"} onToggle=${(on) => set("theme", on ? "light" : "dark")} />
    </section>
    <section class="card">
      <h2>Refused messages</h2>
      ${messages.length === 0 && html`<p class="hint">What any program sends and the server cannot carry out appears here, with the reason.</p>`}
      <ul class="messages">
        ${messages.map(
          ({ number, time, address, line }) => html`<li key=${number}>
            <time>${time}</time> <code>${address}</code> ${line}
          </li>`,
        )}
      </ul>
    </section>`;
}
