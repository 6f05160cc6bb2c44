// Ways to move the point: from one sound to another, between four corners, as a mixture, along the axes.

import { html, useState } from "../ui.js";
import { colour, colourOf } from "../colours.js";
import { sendTogether } from "../link.js";
import { corners, sendSoon, strike, velocity } from "../play.js";
import { use } from "../store.js";
import { Name, Pad, Slider } from "../widgets.js";

const AXES = 8; // the most important principal axes
const AXIS_REACH = 3; // standard deviations each way

/** Text without its trailing zeros. */
const number = (value, digits = 2) => String(Number(value.toFixed(digits)));

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
  const ends = { "--from": colourOf(model, a), "--to": colourOf(model, b) };
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
  use("theme");
  const model = use("model");
  const [names, name] = useNamed(4);
  const [[x, y], setPlace] = useState([0.5, 0.5]);
  const move = (x, y) => {
    setPlace([x, y]);
    const weights = corners(x, y);
    sendSoon("/morph/weights", "/morph/weights", ...names.flatMap((each, i) => [each, weights[i]]));
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
        (each, i) => html`<span class="corner" style=${{ "--glow": colourOf(model, each) }} key=${i}>
          <${Name}
            label="Corner ${i + 1}"
            value=${each}
            style=${{ color: colourOf(model, each) }}
            onChange=${(to) => name(i, to)}
          />
        </span>`,
      )}
    <//>
  </section>`;
}

function Classes() {
  use("theme");
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
    <h2>Main differences</h2>
    ${Array.from({ length: count }, (_, i) => {
      const [low, high] = words[i] ?? ["", ""];
      const value = held[i] ?? macros[i] ?? 0;
      const name = low && high ? `${low} – ${high}` : `Axis ${i + 1}`;
      return html`<div
        class="axis"
        key=${i}
        onPointerDown=${() => setHeld({ ...held, [i]: value })}
        onPointerUp=${() => setHeld({})}
        onPointerCancel=${() => setHeld({})}
      >
        <${Slider}
          label=${name}
          ends=${low && high ? [low, high] : [name, ""]}
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
  return html`<${Between} /><${Corners} /><${Axes} /><${Classes} />`;
}
