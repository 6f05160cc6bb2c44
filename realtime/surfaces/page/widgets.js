// Controls that panels share.

import { html, useEffect, useRef, useState } from "./ui.js";
import { Icon } from "./icons.js";
import { find } from "./names.js";
import { get, set, use } from "./store.js";

const HOLD_MS = 600; // time for which a control shows the user's value; by then the server has answered

/** A hook: the server's value, or for a moment the value that the user has just set; and the setter. */
export function useHeld(value) {
  const [held, setHeld] = useState(null);
  useEffect(() => {
    if (held === null) return undefined;
    const timer = setTimeout(() => setHeld(null), HOLD_MS);
    return () => clearTimeout(timer);
  }, [held]);
  return [held ?? value, setHeld];
}

const part = (value, min, max) => Math.min(1, Math.max(0, (value - min) / (max - min)));

/** A labelled slider; `show` puts its value into words. With `ends`, its bar begins in the middle. */
export function Slider({ label, value, min, max, step = "any", show = String, onInput, ends }) {
  const at = part(Number(value), Number(min), Number(max));
  const [from, to] = ends ? [Math.min(0.5, at), Math.max(0.5, at)] : [0, at];
  return html`<label class="slider ${ends ? "both" : ""}" style=${{ "--from-part": from, "--to-part": to }}>
    <span class="name">${ends ? ends[0] : label}</span>
    ${ends ? html`<span class="name far">${ends[1]}</span>` : html`<output>${show(value)}</output>`}
    <input
      type="range"
      min=${min}
      max=${max}
      step=${step}
      value=${value}
      aria-label=${label}
      aria-valuetext=${show(value)}
      onInput=${(event) => onInput(Number(event.target.value))}
    />
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
  return html`<input
    class="name-field"
    type="text"
    list="names"
    aria-label=${label}
    style=${style}
    spellcheck="false"
    autocomplete="off"
    value=${text}
    onFocus=${(event) => {
      event.target.select();
      set("picking", { take });
    }}
    onBlur=${() => setTimeout(() => get("picking")?.take === take && set("picking", null), 300)}
    onInput=${(event) => take(event.target.value)}
    onChange=${() => {
      const meant = find(text);
      if (meant === undefined) setText(value);
      else if (meant !== text) take(meant);
    }}
  />`;
}

/** A button with an icon; it stays pressed where `on` is given. */
export function IconButton({ icon, label, onClick, on, disabled, cls = "" }) {
  return html`<button
    type="button"
    class="icon-button ${cls}"
    aria-label=${label}
    title=${label}
    aria-pressed=${on === undefined ? undefined : on ? "true" : "false"}
    disabled=${disabled}
    onClick=${onClick}
  >
    <${Icon} name=${icon} />
  </button>`;
}

/** A button that stays pressed. */
export function Toggle({ label, on, onToggle }) {
  return html`<button type="button" class="toggle" aria-pressed=${on ? "true" : "false"} onClick=${() => onToggle(!on)}>
    ${label}
  </button>`;
}

/** A field for a name, with a button that stores something under it. */
export function StoreForm({ label, placeholder, onStore }) {
  const [name, setName] = useState("");
  const store = (event) => {
    event.preventDefault();
    if (name.trim()) onStore(name.trim());
    setName("");
  };
  return html`<form class="row" onSubmit=${store}>
    <input
      class="grow"
      type="text"
      aria-label=${label}
      placeholder=${placeholder}
      maxlength="60"
      value=${name}
      onInput=${(event) => setName(event.target.value)}
    />
    <button type="submit">Store</button>
  </form>`;
}

/** A square on which a puck is moved; x and y are 0..1 from left and from below. */
export function Pad({ label, x, y, onMove, onPress, children }) {
  const square = useRef();
  const clamped = (value) => Math.min(1, Math.max(0, value));
  const place = (event) => {
    const box = square.current.getBoundingClientRect();
    return [clamped((event.clientX - box.left) / box.width), clamped(1 - (event.clientY - box.top) / box.height)];
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
      onMove(...place(event));
      onPress();
    }}
    onPointerMove=${(event) => event.buttons && square.current.hasPointerCapture(event.pointerId) && onMove(...place(event))}
    onKeyDown=${(event) => {
      if (event.target !== square.current) return;
      const way = keys[event.key];
      if (way) onMove(clamped(x + way[0]), clamped(y + way[1]));
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
