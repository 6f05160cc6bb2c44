// What the page knows, and who wants to be told when a part of it changes.

import { useEffect, useState } from "./ui.js";

const values = new Map();
const watchers = new Map();

/** The value of a part; undefined before there is one. */
export const get = (part) => values.get(part);

/** Change a part; whoever watches it is told, unless it is the same. */
export function set(part, value) {
  const before = values.get(part);
  if (before === value || (typeof value === "object" && JSON.stringify(before) === JSON.stringify(value))) return;
  values.set(part, value);
  for (const watcher of [...(watchers.get(part) ?? [])]) watcher(value);
}

/** Have `watcher` called with a part, now if there is one and at every change; returns what ends that. */
export function watch(part, watcher) {
  if (!watchers.has(part)) watchers.set(part, new Set());
  watchers.get(part).add(watcher);
  if (values.has(part)) watcher(values.get(part));
  return () => watchers.get(part).delete(watcher);
}

/** For components: the value of a part, drawn anew when it changes. */
export function use(part) {
  const [value, setValue] = useState(values.get(part));
  useEffect(() => watch(part, (now) => setValue(now)), [part]);
  return value;
}
