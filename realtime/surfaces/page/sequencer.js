// The sequencer's grid. The server plays it; the page edits and shows it.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { colour } from "./colours.js";
import { onAnswer, send } from "./link.js";
import { sendSoon } from "./play.js";
import { get, set, use, watch } from "./store.js";
import { Name, Slider, Toggle } from "./widgets.js";

const LENGTHS = [16, 24, 32, 48, 64];
const BEAT = 4; // steps
const USUAL_VELOCITY = 0.8;
const PIXELS_A_VELOCITY = 90; // of a drag up or down

const pairs = (values) =>
  Object.fromEntries(Array.from({ length: values.length >> 1 }, (_, i) => [values[2 * i], values[2 * i + 1]]));

// ---- what the server says

onAnswer("/morph/seq.reply", (...values) => {
  const head = pairs(values);
  set("seq", head);
  set("lanes", (get("lanes") ?? []).slice(0, head.lanes));
});

onAnswer("/morph/seq/lane.reply", (index, ...values) => {
  const at = values.indexOf("steps");
  const lane = pairs(values.slice(0, at));
  const steps = values.slice(at + 1);
  lane.steps = Array.from({ length: steps.length >> 1 }, (_, i) => [steps[2 * i], steps[2 * i + 1]]);
  const lanes = [...(get("lanes") ?? [])];
  lanes[index] = lane;
  set("lanes", lanes);
});

onAnswer("/morph/patterns.reply", (...names) => set("patterns", names));

let revision = null;

watch("status.seq_revision", (now) => {
  if (now === revision) return;
  revision = now;
  send("/morph/get/seq");
  send("/morph/get/patterns");
});

watch("connected", (connected) => {
  revision = null;
  if (connected) send("/morph/get/seq");
});

// ---- the grid

/** The colour of a lane: that of the class or sound it begins at. */
function inkOf(model, name) {
  const label = model.classes.findIndex(([each]) => each === name);
  if (label >= 0) return colour(label);
  const anchor = model.anchors.find(([each]) => each === name);
  return anchor ? colour(anchor[1]) : "var(--ink)";
}

/** One step: press turns it on or off, a drag up or down sets its velocity, or its place between the two sounds. */
function Step({ lane, index, velocity, morph, morphing }) {
  const held = useRef(null);
  const path = `/morph/seq/lane/${lane}`;
  const change = (value) => {
    const held = Math.min(1, Math.max(0, value));
    if (morphing) sendSoon(`${path}/m${index}`, `${path}/morph/${index}`, held);
    else sendSoon(`${path}/v${index}`, `${path}/step/${index}`, held);
  };
  const value = morphing ? morph : velocity;
  return html`<button
    type="button"
    class=${index % BEAT === 0 ? "step beat" : "step"}
    aria-pressed=${velocity > 0 ? "true" : "false"}
    aria-label="Lane ${lane + 1}, step ${index + 1}${velocity > 0 ? `, velocity ${Math.round(100 * velocity)} %` : ""}"
    style=${{ "--velocity": velocity, "--morph": morph, "--level": value }}
    onPointerDown=${(event) => {
      event.target.setPointerCapture(event.pointerId);
      held.current = { y: event.clientY, value: value || USUAL_VELOCITY, moved: false };
    }}
    onPointerMove=${(event) => {
      if (!held.current) return;
      const by = held.current.y - event.clientY;
      if (Math.abs(by) < 4 && !held.current.moved) return;
      held.current.moved = true;
      change(Math.max(morphing ? 0 : 0.02, held.current.value + by / PIXELS_A_VELOCITY));
    }}
    onPointerUp=${() => {
      if (held.current && !held.current.moved && !morphing) change(velocity > 0 ? 0 : USUAL_VELOCITY);
      held.current = null;
    }}
    onKeyDown=${(event) => {
      const step = { ArrowUp: 0.1, ArrowDown: -0.1 }[event.key];
      if (event.key === " " || event.key === "Enter") change(morphing ? 1 - Math.round(morph) : velocity > 0 ? 0 : USUAL_VELOCITY);
      else if (step) change(value + step);
      else return;
      event.preventDefault();
      event.stopPropagation();
    }}
  ></button>`;
}

function Lane({ lane, index, morphing }) {
  const model = use("model");
  const path = `/morph/seq/lane/${index}`;
  const follows = !lane.from && !lane.to;
  const ink = inkOf(model, lane.from);
  return html`<div class="lane ${lane.mute ? "mute" : ""}" style=${{ "--accent": ink, "--far": inkOf(model, lane.to) }}>
    <div class="lane-head">
      ${follows
        ? html`<span class="grow">the point</span>`
        : html`<${Name} label="Sound of lane ${index + 1}" value=${lane.from} onChange=${(name) => send(`${path}/sound`, name, lane.to === lane.from ? name : lane.to)} />
            ${morphing && html`<${Name} label="Lane ${index + 1} morphs to" value=${lane.to} onChange=${(name) => send(`${path}/sound`, lane.from, name)} />`}`}
      <${Toggle} label="Mute" on=${lane.mute === 1} onToggle=${(on) => send(`${path}/mute`, on ? 1 : 0)} />
      <button type="button" class="quiet" aria-label="Remove lane ${index + 1}" onClick=${() => send(`${path}/remove`)}>✕</button>
    </div>
    <div class="steps" role="group" aria-label="Steps of lane ${index + 1}">
      ${lane.steps.map(
        ([velocity, morph], step) =>
          html`<${Step} key=${step} ...${{ lane: index, index: step, velocity, morph, morphing }} />`,
      )}
    </div>
    ${lane.missing && html`<p class="warn">There is no sound “${lane.missing}” any more.</p>`}
  </div>`;
}

/** Mark the step that sounds, without drawing the grid anew. */
function showStep(step) {
  for (const each of document.querySelectorAll(".step.now")) each.classList.remove("now");
  for (const each of document.querySelectorAll(`.steps > :nth-child(${step + 1})`)) each.classList.add("now");
}

function Patterns() {
  const names = use("patterns") ?? [];
  const current = use("seq")?.pattern;
  const [name, setName] = useState("");
  return html`<section class="card">
    <h2>Patterns</h2>
    <form
      class="row"
      onSubmit=${(event) => {
        event.preventDefault();
        if (name.trim()) send("/morph/seq/store", name.trim());
        setName("");
      }}
    >
      <input class="grow" type="text" aria-label="Name of the pattern" placeholder="Name this pattern" maxlength="60" value=${name} onInput=${(event) => setName(event.target.value)} />
      <button type="submit">Store</button>
    </form>
    <ul class="list">
      ${names.map(
        (each) => html`<li key=${each}>
          <button type="button" class="grow left" aria-pressed=${each === current ? "true" : "false"} onClick=${() => send("/morph/seq/recall", each)}>${each}</button>
          <button type="button" class="quiet" aria-label="Delete the pattern ${each}" onClick=${() => confirm(`Delete the pattern ${each}?`) && send("/morph/seq/delete", each)}>✕</button>
        </li>`,
      )}
    </ul>
  </section>`;
}

export function SequencerPanel() {
  const model = use("model");
  const seq = use("seq");
  const lanes = use("lanes") ?? [];
  const [morphing, setMorphing] = useState(false);
  const [tempo, setTempo] = useState(null);
  useEffect(() => setTempo(null), [seq?.tempo]);
  useEffect(() => watch("status.seq_step", showStep), []);
  if (!seq) return html`<p class="hint">Waiting for the sequencer …</p>`;
  const add = () => {
    const used = new Set(lanes.map(({ from }) => from));
    const [next] = model.classes.find(([name]) => !used.has(name)) ?? model.classes[0];
    send("/morph/seq/add", next);
  };
  return html`<section class="card">
      <div class="row transport">
        <button
          type="button"
          class="strike grow"
          aria-pressed=${seq.playing ? "true" : "false"}
          onClick=${() => send(seq.playing ? "/morph/seq/stop" : "/morph/seq/start")}
        >
          ${seq.playing ? "■ Stop" : "▶ Play"}
        </button>
        <button type="button" aria-label="Undo in the grid" disabled=${!seq.undo} onClick=${() => send("/morph/seq/undo")}>↶</button>
        <button type="button" aria-label="Redo in the grid" disabled=${!seq.redo} onClick=${() => send("/morph/seq/redo")}>↷</button>
      </div>
      <${Slider}
        label="Tempo"
        min="40"
        max="240"
        step="1"
        value=${tempo ?? seq.tempo}
        show=${(v) => `${Number(v.toFixed(1))} bpm`}
        onInput=${(v) => (setTempo(v), sendSoon("/morph/seq/tempo", "/morph/seq/tempo", v))}
      />
      <${Slider}
        label="Swing"
        min="50"
        max="75"
        step="1"
        value=${seq.swing}
        show=${(v) => (v <= 50 ? "straight" : `${Math.round(v)} %`)}
        onInput=${(v) => sendSoon("/morph/seq/swing", "/morph/seq/swing", v)}
      />
      <div class="row">
        <select aria-label="Steps" value=${String(seq.steps)} onChange=${(event) => send("/morph/seq/steps", Number(event.target.value))}>
          ${[...new Set([...LENGTHS, seq.steps])].sort((a, b) => a - b).map((n) => html`<option value=${String(n)} key=${n}>${n} steps</option>`)}
        </select>
        <${Toggle} label="Edit morphs" on=${morphing} onToggle=${setMorphing} />
      </div>
    </section>
    <section class="card lanes ${morphing ? "morphing" : ""}">
      ${lanes.map((lane, i) => lane && html`<${Lane} key=${i} ...${{ lane, index: i, morphing }} />`)}
      <div class="row">
        <button type="button" class="grow" onClick=${add}>Add a lane</button>
        <button type="button" onClick=${() => send("/morph/seq/add")}>Lane of the point</button>
      </div>
      ${lanes.length === 0 && html`<p class="hint">A lane plays one sound. Press a step to set it; drag it up or down for how loud.</p>`}
    </section>
    <${Patterns} />`;
}
