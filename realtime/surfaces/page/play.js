// The OSC messages of controls. Moves of one control are sent once a frame at most; the latest counts.

import { send, sendTogether } from "./link.js";
import { get } from "./store.js";

const TOUCHES = 16; // touches of one page; the server has 128
const first = Math.floor(Math.random() * 8) * TOUCHES;
const fingers = []; // pointers on the map: the first moves the point, each other has a touch of its own
const pending = new Map();

export const velocity = () => get("velocity") ?? 1;

/** Send a message with the next frame; it replaces a waiting message with the same key. */
export function sendSoon(key, ...message) {
  if (!pending.size) requestAnimationFrame(flush);
  pending.set(key, message);
}

function flush() {
  for (const message of pending.values()) send(...message);
  pending.clear();
}

/** Play a hit at the point, or at a named point. */
export function strike(name) {
  if (name === undefined) send("/morph/trigger", velocity());
  else send("/morph/trigger", velocity(), name);
}

/** Handle a pointer that is pressed on the map, on a dot or between dots. */
export function press(pointer, { x, y }, dot, pressure) {
  const free = fingers.indexOf(null);
  const index = free < 0 ? fingers.length : free;
  fingers[index] = pointer;
  const loud = velocity() * pressure;
  if (index === 0) {
    if (dot) send("/morph/trigger", loud, dot.name);
    else sendTogether(["/morph/xy", x, y], ["/morph/trigger", loud]);
  } else {
    const touch = `/morph/touch/${first + (index % TOUCHES)}`;
    if (dot) send(`${touch}/trigger`, loud, dot.name);
    else sendTogether([`${touch}/xy`, x, y], [`${touch}/trigger`, loud]);
  }
}

/** Handle a pointer that moves. */
export function drag(pointer, { x, y }) {
  const index = fingers.indexOf(pointer);
  if (index < 0) return;
  const address = index === 0 ? "/morph/xy" : `/morph/touch/${first + (index % TOUCHES)}/xy`;
  sendSoon(address, address, x, y);
}

/** Handle a pointer that is released. */
export function release(pointer) {
  const index = fingers.indexOf(pointer);
  if (index >= 0) fingers[index] = null;
}

/** Weights of four corners for a place in their square, 0..1 from left and from below: top left first, row by row. */
export const corners = (x, y) => [(1 - x) * y, x * y, (1 - x) * (1 - y), x * (1 - y)];
