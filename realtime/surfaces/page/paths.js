// Drawn paths: the server moves the point along them, once in each loop of the steps.

import { send } from "./link.js";
import { get } from "./store.js";

const MOST = 64; // places that the server takes
const BEAT = 4; // steps
const LOUD = 0.9;

/** A stroke as places with equal time between neighbours. */
function evenly(stroke) {
  const [first, last] = [stroke[0].ms, stroke[stroke.length - 1].ms];
  let at = 0;
  return Array.from({ length: MOST }, (_, i) => {
    const ms = first + ((last - first) * i) / (MOST - 1);
    while (at < stroke.length - 2 && stroke[at + 1].ms < ms) at++;
    const [a, b] = [stroke[at], stroke[at + 1]];
    const part = b.ms > a.ms ? Math.min(1, (ms - a.ms) / (b.ms - a.ms)) : 0;
    return { x: a.x + part * (b.x - a.x), y: a.y + part * (b.y - a.y) };
  });
}

/** Make the point follow a drawn path in time, with a hit on each beat unless a lane plays at the point already. */
export function playPath(stroke) {
  if (stroke.length < 2) return;
  send("/morph/seq/path", ...evenly(stroke).flatMap(({ x, y }) => [x, y]));
  const [lanes, seq] = [get("lanes") ?? [], get("seq")];
  if (!lanes.some((lane) => lane && !lane.from)) {
    send("/morph/seq/add");
    const beats = Array.from({ length: seq.steps }, (_, step) => (step % BEAT ? 0 : LOUD));
    send(`/morph/seq/lane/${lanes.length}/velocities`, ...beats);
  }
  if (!seq.playing) send("/morph/seq/start");
}

/** Remove the path, so that the point rests. */
export const removePath = () => send("/morph/seq/path");
