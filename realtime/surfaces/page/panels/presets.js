// Presets, and sound files that become presets.

import { html } from "../ui.js";
import { keepSounds } from "../files.js";
import { send } from "../link.js";
import { Outline, useOutlines } from "../outlines.js";
import { strike } from "../play.js";
import { use } from "../store.js";
import { IconButton, StoreForm } from "../widgets.js";

function Preset({ name, peaks }) {
  return html`<li class="preset">
    <button type="button" class="grow left" onClick=${() => strike(name)}><${Outline} peaks=${peaks} />${name}</button>
    <button type="button" onClick=${() => send("/morph/preset/recall", name)} aria-label="Go to ${name}">Go</button>
    <${IconButton}
      icon="cross"
      label="Delete ${name}"
      cls="bare"
      onClick=${() => confirm(`Delete the preset ${name}?`) && send("/morph/preset/delete", name)}
    />
  </li>`;
}

export function PresetsPanel() {
  const presets = use("presets") ?? [];
  const outlines = useOutlines(presets.map(([name, x, y]) => ({ name, x, y })));
  return html`<section class="card">
    <h2>Presets</h2>
    <${StoreForm}
      label="Name of a new preset"
      placeholder="Name this place"
      onStore=${(name) => send("/morph/preset/store", name)}
    />
    ${presets.length === 0 && html`<p class="hint">Store the place of the point, and find it here at the next start.</p>`}
    <ul class="list">${presets.map(([name], i) => html`<${Preset} key=${name} name=${name} peaks=${outlines[i]} />`)}</ul>
    <label class="file">
      A sound file (or drop it on the map)
      <input
        type="file"
        accept=".wav,.flac,.aif,.aiff,.ogg"
        multiple
        onChange=${async (event) => {
          await keepSounds([...event.target.files]);
          event.target.value = "";
        }}
      />
    </label>
  </section>`;
}
