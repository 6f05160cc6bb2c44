// The bar: the model that plays, levels, and the buttons that must always be in reach.

import { html } from "../ui.js";
import { Icon } from "../icons.js";
import { send } from "../link.js";
import { sendSoon } from "../play.js";
import { set, use } from "../store.js";
import { IconButton, Slider, useHeld } from "../widgets.js";

const SILENT_DB = -60;
const HOT_DB = -1;
const QUIETEST_DB = -40; // of the gain's slider

function Meter({ side }) {
  const peak = Math.round(use(`status.peak_${side}_db`) ?? SILENT_DB);
  const part = Math.min(1, Math.max(0, 1 - peak / SILENT_DB));
  return html`<span class="meter ${peak > HOT_DB ? "hot" : ""}">
    <span style=${{ clipPath: `inset(0 ${Math.round(100 * (1 - part))}% 0 0)` }}></span>
  </span>`;
}

function Gain() {
  const [gain, setGain] = useHeld(use("status.gain_db") ?? 0);
  return html`<div class="gain">
    <${Slider}
      label="Gain"
      min=${QUIETEST_DB}
      max="12"
      step="0.5"
      value=${Math.max(QUIETEST_DB, gain)}
      show=${(v) => `${Number(v.toFixed(1))} dB`}
      onInput=${(v) => (setGain(v), sendSoon("/morph/gain", "/morph/gain", v))}
    />
  </div>`;
}

function State() {
  const connected = use("connected");
  const model = use("model");
  return html`<p class="state" role="status">
    <span class="lamp ${connected ? "on" : ""}" aria-hidden="true"></span>
    ${connected ? (model?.name ?? "Loading the model") : connected === false ? "No server; trying again" : "Connecting"}
  </p>`;
}

function Voices() {
  const [voices, most, late] = [use("status.voices"), use("status.max_voices"), use("status.late_blocks")];
  return html`<p class="figure voices"><b>${voices ?? 0}</b> / ${most ?? 0} <span>voices</span></p>
    ${late > 0 && html`<p class="figure warn"><b>${late}</b> <span>late</span></p>`}`;
}

const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

function Record() {
  const seconds = Math.floor(use("status.take_seconds") ?? -1);
  const on = seconds >= 0;
  return html`<button
    type="button"
    class="record"
    aria-pressed=${on ? "true" : "false"}
    onClick=${() => send(on ? "/morph/record/stop" : "/morph/record/start")}
  >
    <${Icon} name=${on ? "stop" : "record"} /> ${on ? clock(seconds) : "Record"}
  </button>`;
}

function Learn() {
  const on = use("learning") ?? false;
  return html`<${IconButton}
    icon="midi"
    label="Learn MIDI: click a control, then move one on the controller"
    cls="bare learn"
    on=${on}
    onClick=${() => set("learning", !on)}
  />`;
}

export function Bar() {
  const light = use("theme") === "light";
  return html`<header>
    <h1>soundmorph</h1>
    <${State} />
    <span class="push"></span>
    <${Record} />
    <${Voices} />
    <div class="meters" role="img" aria-label="Output level"><${Meter} side="left" /><${Meter} side="right" /></div>
    <${Gain} />
    <div class="cluster across">
      <${IconButton} icon="undo" label="Undo the latest move" onClick=${() => send("/morph/undo")} />
      <${IconButton} icon="redo" label="Redo" onClick=${() => send("/morph/redo")} />
    </div>
    <${Learn} />
    <${IconButton}
      icon=${light ? "dark" : "light"}
      label=${light ? "Dark colours" : "Light colours"}
      cls="bare"
      onClick=${() => set("theme", light ? "dark" : "light")}
    />
    <button type="button" onClick=${() => send("/morph/stop")}>Stop</button>
    <button type="button" class="panic" onClick=${() => send("/morph/panic")}>Panic</button>
  </header>`;
}
