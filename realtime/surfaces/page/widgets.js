// Controls that panels share.

import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { get, set, use } from "./store.js";

/** A labelled slider; `show` puts its value into words. */
export function Slider({ label, value, min, max, step = "any", show = String, onInput, children }) {
  return html`<label class="slider">
    <span class="name">${label}</span>
    <output>${show(value)}</output>
    <input
      type="range"
      min=${min}
      max=${max}
      step=${step}
      value=${value}
      aria-valuetext=${show(value)}
      onInput=${(event) => onInput(Number(event.target.value))}
    />
    ${children}
  </label>`;
}

/** A field for the name of a class, a sound or a preset; the map fills it in while it has the focus. */
export function Name({ label, value, onChange, style }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const names = use("names") ?? [];
  const take = (name) => {
    setText(name);
    if (names.includes(name)) onChange(name);
  };
  const field = useRef();
  return html`<input
    class="name-field"
    type="text"
    list="names"
    aria-label=${label}
    style=${style}
    spellcheck="false"
    autocomplete="off"
    value=${text}
    ref=${field}
    onFocus=${(event) => {
      event.target.select();
      set("picking", { take });
    }}
    onBlur=${() => setTimeout(() => get("picking")?.take === take && set("picking", null), 300)}
    onInput=${(event) => take(event.target.value)}
    onChange=${() => names.includes(text) || setText(value)}
  />`;
}

/** A button that stays pressed. */
export function Toggle({ label, on, onToggle }) {
  return html`<button type="button" class="toggle" aria-pressed=${on ? "true" : "false"} onClick=${() => onToggle(!on)}>
    ${label}
  </button>`;
}

/** A square on which a puck is moved; x and y are 0..1 from left and from below. */
export function Pad({ label, x, y, onMove, onPress, children }) {
  const square = useRef();
  const move = (event) => {
    const box = square.current.getBoundingClientRect();
    const held = (value) => Math.min(1, Math.max(0, value));
    return [held((event.clientX - box.left) / box.width), held(1 - (event.clientY - box.top) / box.height)];
  };
  const keys = { ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0], ArrowUp: [0, 0.05], ArrowDown: [0, -0.05] };
  return html`<div
    class="pad"
    ref=${square}
    tabindex="0"
    role="application"
    aria-label=${label}
    onPointerDown=${(event) => {
      if (event.target.closest("input")) return;
      square.current.setPointerCapture(event.pointerId);
      onMove(...move(event));
      onPress();
    }}
    onPointerMove=${(event) => event.buttons && square.current.hasPointerCapture(event.pointerId) && onMove(...move(event))}
    onKeyDown=${(event) => {
      if (event.target !== square.current) return;
      const way = keys[event.key];
      if (way) onMove(Math.min(1, Math.max(0, x + way[0])), Math.min(1, Math.max(0, y + way[1])));
      else if (event.key === " " || event.key === "Enter") onPress();
      else return;
      event.preventDefault();
      event.stopPropagation();
    }}
  >
    ${children}
    <span class="puck" style=${{ left: `${100 * x}%`, top: `${100 * (1 - y)}%` }}></span>
  </div>`;
}
