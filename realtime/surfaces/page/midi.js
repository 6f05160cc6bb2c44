// MIDI learn: click a control, move one on the controller. Messages come from the server's port, and from the
// browser's where it has MIDI. The learnt assignments are stored in this browser.

import { note, onMidi } from "./link.js";
import { get, set, watch } from "./store.js";

const KEPT = "midi";
const CONTROLS = 'input[type="range"], button';
const [NOTE_ON, CONTROL_CHANGE, HALF, MOST] = [0x90, 0xb0, 64, 127];

const learnt = new Map(JSON.parse(localStorage.getItem(KEPT) ?? "[]"));
let chosen = null; // the control that is to be learnt
let browserAsked = false;

/** The name of a control. It stays the same when the page replaces the element. */
const nameOf = (control) => `${control.type} ${control.getAttribute("aria-label") ?? control.textContent.trim()}`;

function find(name) {
  return [...document.querySelectorAll(CONTROLS)].find((control) => nameOf(control) === name);
}

/** Operate a control as the user would. */
function play(control, value) {
  if (control.type === "range") {
    const [low, high] = [Number(control.min), Number(control.max)];
    control.value = low + ((high - low) * value) / MOST;
    control.dispatchEvent(new Event("input", { bubbles: true }));
  } else if (control.matches(".class-pad")) control.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
  else control.click();
}

/** Take a MIDI message: three bytes. */
export function take([status, number, value]) {
  const kind = status & 0xf0;
  if (kind !== CONTROL_CHANGE && !(kind === NOTE_ON && value > 0)) return;
  const source = `${status} ${number}`;
  if (chosen) {
    learnt.set(source, chosen);
    localStorage.setItem(KEPT, JSON.stringify([...learnt]));
    note(`is played by ${kind === NOTE_ON ? "note" : "control"} ${number} on channel ${(status & 0x0f) + 1} now`, chosen.replace(/^\S+ /, ""));
    chosen = null;
    set("learning", false);
    return;
  }
  const control = learnt.has(source) ? find(learnt.get(source)) : null;
  if (control && (control.type === "range" || kind === NOTE_ON || value >= HALF)) play(control, value);
}

/** While learning, a press chooses a control instead of playing it. */
function choose(event) {
  if (!get("learning")) return;
  const control = event.target.closest(CONTROLS);
  if (!control || control.matches(".learn")) return;
  event.preventDefault();
  event.stopPropagation();
  if (event.type !== "pointerdown") return;
  chosen = nameOf(control);
  note("is chosen; move a control on the MIDI controller, or press a key", chosen.replace(/^\S+ /, ""));
}

async function askBrowser() {
  if (browserAsked || !navigator.requestMIDIAccess) return;
  browserAsked = true;
  try {
    const access = await navigator.requestMIDIAccess();
    const listen = () => access.inputs.forEach((input) => (input.onmidimessage = ({ data }) => take(data)));
    access.onstatechange = listen;
    listen();
  } catch {
    // the performer has refused, or the browser has no MIDI; the server's port remains
  }
}

for (const kind of ["pointerdown", "pointerup", "click"]) addEventListener(kind, choose, { capture: true });
onMidi(take);
watch("learning", (on) => {
  document.documentElement.classList.toggle("learning", on);
  if (on) askBrowser();
  else chosen = null;
});
