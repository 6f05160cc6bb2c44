// The outlines of sounds: requested from the server when they become visible, and stored.

import { html, useEffect, useState } from "./ui.js";
import { watch } from "./store.js";

const REST_MS = 80; // time that a pointer rests on a dot before its outline is requested
const MOST = 64; // outlines of one request

const known = new Map();
const keyOf = ({ name, x, y }) => `${name} ${x} ${y}`; // a preset may be stored again elsewhere

watch("model", () => known.clear());

/** Request the outlines of sounds: an array of their names and places. */
async function request(sounds) {
  for (let first = 0; first < sounds.length; first += MOST) {
    const some = sounds.slice(first, first + MOST);
    const answer = await fetch(`/page/pictures?${new URLSearchParams(some.map(({ name }) => ["name", name]))}`);
    if (!answer.ok) return;
    const drawn = await answer.json();
    for (const each of some) known.set(keyOf(each), drawn[each.name]);
  }
}

/** A hook: the outlines of the sounds that are known so far; it requests the others. */
export function useOutlines(sounds) {
  const [, setCount] = useState(0);
  const missing = sounds.filter((each) => !known.has(keyOf(each)));
  useEffect(() => {
    if (!missing.length) return undefined;
    const timer = setTimeout(() => request(missing).then(() => setCount((count) => count + 1)), REST_MS);
    return () => clearTimeout(timer);
  }, [missing.map(keyOf).join()]);
  return sounds.map((each) => known.get(keyOf(each)));
}

/** The outline of a sound: its peaks in equal parts of its time. */
export function Outline({ peaks }) {
  if (!peaks) return null;
  return html`<svg class="picture" viewBox="0 -50 ${peaks.length} 100" preserveAspectRatio="none" aria-hidden="true">
    <path d=${peaks.map((peak, i) => `M${i + 0.5} ${-(peak + 1) / 2}v${peak + 1}`).join("")} />
  </svg>`;
}
