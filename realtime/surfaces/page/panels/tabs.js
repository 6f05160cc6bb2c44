// The panels beside the map, one at a time.

import { html, useState } from "../ui.js";
import { use } from "../store.js";
import { HitsPanel } from "./hits.js";
import { MorphPanel } from "./morph.js";
import { PresetsPanel } from "./presets.js";
import { ServerPanel } from "./server.js";
import { SoundPanel } from "./sound.js";

const PANELS = [
  ["morph", "Morph", MorphPanel],
  ["hits", "Hits", HitsPanel],
  ["presets", "Presets", PresetsPanel],
  ["sound", "Sound", SoundPanel],
  ["server", "Server", ServerPanel],
];
const ALWAYS = ["morph", "hits"]; // rendered even if hidden, because a MIDI controller may move their controls
const ARROWS = { ArrowRight: 1, ArrowLeft: -1 };

function Tab({ id, label, shown, onShow }) {
  return html`<button
    type="button"
    role="tab"
    id="tab-${id}"
    aria-controls="panel-${id}"
    aria-selected=${id === shown ? "true" : "false"}
    tabindex=${id === shown ? 0 : -1}
    onClick=${() => onShow(id)}
  >
    ${label}
  </button>`;
}

export function Tabs() {
  const [shown, setShown] = useState("morph");
  const model = use("model");
  const walk = (event) => {
    if (!ARROWS[event.key]) return;
    const at = PANELS.findIndex(([id]) => id === shown);
    const [next] = PANELS[(at + ARROWS[event.key] + PANELS.length) % PANELS.length];
    setShown(next);
    document.getElementById(`tab-${next}`).focus();
    event.stopPropagation();
  };
  return html`<aside>
    <div class="tabs" role="tablist" aria-label="Panels" onKeyDown=${walk}>
      ${PANELS.map(([id, label]) => html`<${Tab} key=${id} ...${{ id, label, shown, onShow: setShown }} />`)}
    </div>
    ${PANELS.map(
      ([id, , Panel]) => html`<div
        class="panel"
        role="tabpanel"
        key=${id}
        id="panel-${id}"
        aria-labelledby="tab-${id}"
        tabindex="0"
        hidden=${id !== shown}
      >
        ${model && (id === shown || ALWAYS.includes(id)) && html`<${Panel} />`}
      </div>`,
    )}
  </aside>`;
}
