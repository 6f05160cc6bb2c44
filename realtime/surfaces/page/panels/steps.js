// The sequencer below map and panels. The server plays it; the page edits and shows it.

import { html, useEffect, useState } from "../ui.js";
import { Icon } from "../icons.js";
import { send } from "../link.js";
import { sendSoon } from "../play.js";
import "../sequencer.js";
import { get, use, watch } from "../store.js";
import { IconButton, Slider, StoreForm, Toggle, useHeld } from "../widgets.js";
import { Lane } from "./lanes.js";

const NARROW = 900; // pixels: a window in which the lanes are folded at first
const LENGTHS = [16, 24, 32, 48, 64];

/** Mark the step that sounds, without redrawing the grid. */
function showStep(step) {
  for (const each of document.querySelectorAll(".step.now")) each.classList.remove("now");
  for (const each of document.querySelectorAll(`.steps > :nth-child(${step + 1})`)) each.classList.add("now");
}

function Play() {
  const playing = use("seq")?.playing;
  return html`<button
    type="button"
    class="transport"
    aria-pressed=${playing ? "true" : "false"}
    onClick=${() => send(playing ? "/morph/seq/stop" : "/morph/seq/start")}
  >
    <${Icon} name=${playing ? "stop" : "play"} /> ${playing ? "Stop the steps" : "Play"}
  </button>`;
}

function Tempo() {
  const seq = use("seq");
  const [tempo, setTempo] = useHeld(seq.tempo);
  const [swing, setSwing] = useHeld(seq.swing);
  return html`<${Slider}
      label="Tempo"
      min="40"
      max="240"
      step="1"
      value=${tempo}
      show=${(v) => `${Number(v.toFixed(1))} bpm`}
      onInput=${(v) => (setTempo(v), sendSoon("/morph/seq/tempo", "/morph/seq/tempo", v))}
    />
    <${Slider}
      label="Swing"
      min="50"
      max="75"
      step="1"
      value=${swing}
      show=${(v) => (v <= 50 ? "straight" : `${Math.round(v)} %`)}
      onInput=${(v) => (setSwing(v), sendSoon("/morph/seq/swing", "/morph/seq/swing", v))}
    />`;
}

function Length() {
  const { steps } = use("seq");
  const lengths = [...new Set([...LENGTHS, steps])].sort((a, b) => a - b);
  return html`<select
    aria-label="Steps"
    value=${String(steps)}
    onChange=${(event) => send("/morph/seq/steps", Number(event.target.value))}
  >
    ${lengths.map((n) => html`<option value=${String(n)} key=${n}>${n} steps</option>`)}
  </select>`;
}

function Patterns() {
  const names = use("patterns") ?? [];
  const current = use("seq").pattern;
  return html`<details class="menu">
    <summary>${current || "Patterns"}</summary>
    <div class="card">
      <${StoreForm}
        label="Name of the pattern"
        placeholder="Name this pattern"
        onStore=${(name) => send("/morph/seq/store", name)}
      />
      <ul class="list">
        ${names.map(
          (each) => html`<li key=${each}>
            <button
              type="button"
              class="grow left"
              aria-pressed=${each === current ? "true" : "false"}
              onClick=${() => send("/morph/seq/recall", each)}
            >
              ${each}
            </button>
            <${IconButton}
              icon="cross"
              label="Delete the pattern ${each}"
              cls="bare"
              onClick=${() => confirm(`Delete the pattern ${each}?`) && send("/morph/seq/delete", each)}
            />
          </li>`,
        )}
      </ul>
    </div>
  </details>`;
}

/** Add a lane for the first class that has none. */
function addLane() {
  const used = new Set((get("lanes") ?? []).map((lane) => lane?.from));
  const { classes } = get("model");
  const [name] = classes.find(([each]) => !used.has(each)) ?? classes[0];
  send("/morph/seq/add", name);
}

function Lanes({ morphing }) {
  const lanes = use("lanes") ?? [];
  if (!lanes.length) return html`<p class="hint">Add a lane; press its steps to set them, drag them up or down for their velocity.</p>`;
  return html`<div class="lanes ${morphing ? "morphing" : ""}">
    ${lanes.map((lane, i) => lane && html`<${Lane} key=${i} ...${{ lane, index: i, morphing }} />`)}
  </div>`;
}

export function StepsDock() {
  const model = use("model");
  const seq = use("seq");
  const [morphing, setMorphing] = useState(false);
  const [open, setOpen] = useState((localStorage.getItem("steps") ?? (innerWidth > NARROW ? "open" : "closed")) === "open");
  useEffect(() => watch("status.seq_step", showStep), []);
  const fold = () => {
    setOpen(!open);
    localStorage.setItem("steps", open ? "closed" : "open");
  };
  if (!model || !seq) return html`<section class="steps-dock" aria-label="Sequencer"></section>`;
  return html`<section class="steps-dock" aria-label="Sequencer">
    <div class="dock-head">
      <${Play} />
      <${Tempo} />
      <${Length} />
      <${Toggle} label="Edit morphs" on=${morphing} onToggle=${setMorphing} />
      <${Patterns} />
      <span class="push"></span>
      <button type="button" onClick=${addLane}><${Icon} name="plus" /> Add a lane</button>
      <button type="button" onClick=${() => send("/morph/seq/add")}><${Icon} name="plus" /> Lane of the point</button>
      <div class="cluster across">
        <${IconButton} icon="undo" label="Undo in the grid" disabled=${!seq.undo} onClick=${() => send("/morph/seq/undo")} />
        <${IconButton} icon="redo" label="Redo in the grid" disabled=${!seq.redo} onClick=${() => send("/morph/seq/redo")} />
      </div>
      <${IconButton} icon="fold" label=${open ? "Hide the lanes" : "Show the lanes"} cls=${open ? "bare" : "bare folded"} onClick=${fold} />
    </div>
    ${open && html`<${Lanes} morphing=${morphing} />`}
  </section>`;
}
