// The pads: one for each class, lit by the class's share of the point.

import { html } from "../ui.js";
import { colour } from "../colours.js";
import { PAD_KEYS } from "../keyboard.js";
import { strike } from "../play.js";
import { use } from "../store.js";

export function Pads() {
  use("theme");
  const model = use("model");
  const likely = use("probabilities") ?? [];
  if (!model) return html`<div class="pads"></div>`;
  return html`<div class="pads" role="group" aria-label="Classes">
    ${model.classes.map(
      ([name], i) => html`<button
        type="button"
        class="class-pad"
        key=${name}
        style=${{ "--accent": colour(i), "--share": likely[i] ?? 0 }}
        onPointerDown=${() => strike(name)}
        onKeyDown=${(event) => {
          if ((event.key === " " || event.key === "Enter") && !event.repeat) {
            event.preventDefault();
            strike(name);
          }
        }}
      >
        <span>${name}</span>${PAD_KEYS[i] && html`<kbd aria-hidden="true">${PAD_KEYS[i]}</kbd>`}
      </button>`,
    )}
  </div>`;
}
