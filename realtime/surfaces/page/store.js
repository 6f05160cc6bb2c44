// The state of the page, and the watchers of its parts.

import { useEffect, useState } from "./ui.js";

const values = new Map();
const watchers = new Map();

/** The value of a part; undefined before there is one. */
export const get = (part) => values.get(part);

/** Change a part; call its watchers unless the value is the same. */
export function set(part, value) {
  const before = values.get(part);
  if (before === value || (typeof value === "object" && JSON.stringify(before) === JSON.stringify(value))) return;
  values.set(part, value);
  for (const watcher of [...(watchers.get(part) ?? [])]) watcher(value);
}

/** Call `watcher` with a part, now if there is one and at every change; returns a function that ends this. */
export function watch(part, watcher) {
  if (!watchers.has(part)) watchers.set(part, new Set());
  watchers.get(part).add(watcher);
  if (values.has(part)) watcher(values.get(part));
  return () => watchers.get(part).delete(watcher);
}

/** A hook: the value of a part; the component is drawn again when the value changes. */
export function use(part) {
  const [value, setValue] = useState(values.get(part));
  useEffect(() => watch(part, (now) => setValue(now)), [part]);
  return value;
}
