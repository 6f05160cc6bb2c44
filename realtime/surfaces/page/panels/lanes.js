// The lanes of the sequencer: steps to press, to drag and to reach with keys.

import { html, useRef } from "../ui.js";
import { colourOf } from "../colours.js";
import { send } from "../link.js";
import { sendSoon } from "../play.js";
import { use } from "../store.js";
import { IconButton, Name, Toggle } from "../widgets.js";

const BEAT = 4; // steps
const USUAL_VELOCITY = 0.8;
const LEAST_VELOCITY = 0.02; // lowest velocity that a drag sets
const PIXELS_A_VELOCITY = 90; // pixels of a drag up or down for the whole range of velocity
const STILL = 4; // pixels within which a press is no drag

/** One step: press turns it on or off, a drag up or down sets its velocity, or its place between the two sounds. */
function Step({ lane, index, velocity, morph, morphing }) {
  const held = useRef(null);
  const path = `/morph/seq/lane/${lane}`;
  const change = (value) => {
    const clamped = Math.min(1, Math.max(0, value));
    if (morphing) sendSoon(`${path}/m${index}`, `${path}/morph/${index}`, clamped);
    else sendSoon(`${path}/v${index}`, `${path}/step/${index}`, clamped);
  };
  const value = morphing ? morph : velocity;
  const toggle = () => change(velocity > 0 ? 0 : USUAL_VELOCITY);
  return html`<button
    type="button"
    class=${index % BEAT === 0 ? "step beat" : "step"}
    aria-pressed=${velocity > 0 ? "true" : "false"}
    aria-label="Lane ${lane + 1}, step ${index + 1}${velocity > 0 ? `, velocity ${Math.round(100 * velocity)} %` : ""}"
    style=${{ "--velocity": velocity, "--morph": morph }}
    onPointerDown=${(event) => {
      event.target.setPointerCapture(event.pointerId);
      held.current = { y: event.clientY, value: value || USUAL_VELOCITY, moved: false };
    }}
    onPointerMove=${(event) => {
      if (!held.current) return;
      const by = held.current.y - event.clientY;
      if (Math.abs(by) < STILL && !held.current.moved) return;
      held.current.moved = true;
      change(Math.max(morphing ? 0 : LEAST_VELOCITY, held.current.value + by / PIXELS_A_VELOCITY));
    }}
    onPointerUp=${() => {
      if (held.current && !held.current.moved && !morphing) toggle();
      held.current = null;
    }}
    onPointerCancel=${() => (held.current = null)}
    onKeyDown=${(event) => {
      const step = { ArrowUp: 0.1, ArrowDown: -0.1 }[event.key];
      if (event.key === " " || event.key === "Enter") morphing ? change(1 - Math.round(morph)) : toggle();
      else if (step) change(value + step);
      else return;
      event.preventDefault();
      event.stopPropagation();
    }}
  ></button>`;
}

function Sound({ lane, index, morphing }) {
  const path = `/morph/seq/lane/${index}`;
  if (!lane.from && !lane.to) return html`<span class="of-point">the point</span>`;
  const from = (name) => send(`${path}/sound`, name, lane.to === lane.from ? name : lane.to);
  return html`<${Name} label="Sound of lane ${index + 1}" value=${lane.from} onChange=${from} />
    ${morphing &&
    html`<${Name}
      label="Lane ${index + 1} morphs to"
      value=${lane.to}
      style=${{ color: "var(--far)" }}
      onChange=${(name) => send(`${path}/sound`, lane.from, name)}
    />`}`;
}

export function Lane({ lane, index, morphing }) {
  use("theme");
  const model = use("model");
  const path = `/morph/seq/lane/${index}`;
  const colours = { "--accent": colourOf(model, lane.from), "--far": colourOf(model, lane.to) };
  return html`<div class="lane ${lane.mute ? "mute" : ""}" style=${colours}>
    <div class="lane-head"><${Sound} ...${{ lane, index, morphing }} /></div>
    <div class="steps" role="group" aria-label="Steps of lane ${index + 1}">
      ${lane.steps.map(
        ([velocity, morph], step) =>
          html`<${Step} key=${step} ...${{ lane: index, index: step, velocity, morph, morphing }} />`,
      )}
    </div>
    <div class="lane-tail">
      <${Toggle} label="Mute" on=${lane.mute === 1} onToggle=${(on) => send(`${path}/mute`, on ? 1 : 0)} />
      <${IconButton} icon="cross" label="Remove lane ${index + 1}" cls="bare" onClick=${() => send(`${path}/remove`)} />
    </div>
    ${lane.missing && html`<p class="warn">The sound “${lane.missing}” no longer exists.</p>`}
  </div>`;
}
