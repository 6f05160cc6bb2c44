// Finds names in the spellings that people use: "Open Hat", "kicks", "six". The server does the same (realtime/model/names.py).

import { get } from "./store.js";

/** A name in lower case, singular, without spaces, hyphens and underscores. */
function fold(name) {
  const word = name.toLowerCase().replace(/[\s_-]+/g, "");
  if (/(sh|ch|x|ss)es$/.test(word)) return word.slice(0, -2);
  return /[^s]s$/.test(word) && word.length > 2 ? word.slice(0, -1) : word;
}

/** The name that `said` means: the exact name, else a class by any spelling, else one with the same `fold`; or undefined. */
export function find(said) {
  const names = get("names") ?? [];
  if (names.includes(said)) return said;
  const word = fold(said);
  return get("model")?.spellings[word] ?? names.find((name) => fold(name) === word);
}
