// Settings of new hits and of the glide.

import { html } from "../ui.js";
import { send } from "../link.js";
import { sendSoon } from "../play.js";
import { set, use } from "../store.js";
import { Slider, Toggle, useHeld } from "../widgets.js";

const LONGEST_MS = 2000; // longest decay; the end of the slider turns the decay off

const percent = (v) => (v ? `${Math.round(100 * v)} %` : "off");
const number = (v) => String(Number(v.toFixed(2)));
const capital = (name) => name[0].toUpperCase() + name.slice(1);

/** Properties of sliders that differ from the server's description of the setting. */
const SLIDERS = {
  pitch: { min: -24, max: 24, step: 1, show: (v) => `${v > 0 ? "+" : ""}${number(v)} semitones` },
  pan: {
    show: (v) => (Math.abs(v) < 0.01 ? "middle" : `${Math.round(100 * Math.abs(v))} % ${v < 0 ? "left" : "right"}`),
  },
  decay: {
    min: 20,
    max: LONGEST_MS,
    step: 10,
    show: (v) => (v >= LONGEST_MS ? "off" : `${Math.round(v)} ms`),
    toServer: (v) => (v >= LONGEST_MS ? 0 : v),
    fromServer: (v) => (v === 0 ? LONGEST_MS : v),
  },
  dynamics: { label: "Velocity changes the timbre", show: percent },
  vary: { label: "Variation from hit to hit", show: percent },
  choke: { label: "Choke group", show: (v) => (v ? String(v) : "none") },
};

/** A slider for a setting that the server keeps. */
function Setting({ label, name, address = `/morph/${name}`, min, max, step, show, toServer = (v) => v, fromServer = (v) => v }) {
  const settings = use("settings") ?? {};
  const [value, setValue] = useHeld(fromServer(settings[name] ?? 0));
  const input = (v) => {
    setValue(v);
    sendSoon(address, address, toServer(v));
  };
  return html`<${Slider} ...${{ label, min, max, step, value, show, onInput: input }} />`;
}

function Switch({ name }) {
  const settings = use("settings") ?? {};
  const set = (on) => send(`/morph/${name}`, on ? 1 : 0);
  return html`<${Toggle} label=${capital(name)} on=${settings[name] === 1} onToggle=${set} />`;
}

export function HitsPanel() {
  const loud = use("velocity") ?? 1;
  const mode = use("status.mode");
  const rows = use("model").settings;
  return html`<section class="card">
      <h2>New hits</h2>
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
        ${rows.filter((row) => row.switch).map(({ name }) => html`<${Switch} key=${name} name=${name} />`)}
        <${Toggle}
          label="Follow the point while sounding"
          on=${mode === "live"}
          onToggle=${(on) => send("/morph/mode", on ? "live" : "latch")}
        />
      </div>
    </section>
    <section class="card">
      <h2>Glide of the point</h2>
      <${Setting} label="Glide" name="glide" min="0" max="4000" step="10" show=${(v) => (v ? `${Math.round(v)} ms` : "at once")} />
      <${Setting}
        label="Glide in beats"
        name="glide_beats"
        address="/morph/glide/beats"
        min="0"
        max="16"
        step="0.25"
        show=${(v) => (v ? `${number(v)} ${v === 1 ? "beat" : "beats"}` : "off")}
      />
    </section>`;
}
