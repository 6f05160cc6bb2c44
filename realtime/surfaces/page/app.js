// The page: lays out its parts and connects to the server.

import { html, render } from "./ui.js";
import { connect } from "./link.js";
import "./keyboard.js";
import "./midi.js";
import { MapView } from "./map/map-view.js";
import { Bar } from "./panels/bar.js";
import { Notes } from "./panels/notes.js";
import { Pads } from "./panels/pads.js";
import { StepsDock } from "./panels/steps.js";
import { Tabs } from "./panels/tabs.js";
import { get, set, use, watch } from "./store.js";

function App() {
  const names = use("names") ?? [];
  return html`<${Bar} />
    <main>
      <div class="stage"><${MapView} /><${Pads} /></div>
      <${Tabs} />
      <${StepsDock} />
    </main>
    <${Notes} />
    <datalist id="names">${names.map((name) => html`<option value=${name} key=${name}></option>`)}</datalist>`;
}

/** Collect all names that messages may use. */
function collectNames() {
  const model = get("model");
  if (!model) return;
  const presets = get("presets") ?? [];
  set("names", [...new Set([...model.classes, ...presets, ...model.anchors].map(([name]) => name))]);
}

/** Apply a theme, light or dark, and store the choice in this browser. */
function applyTheme(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("theme", theme);
}

watch("theme", applyTheme);
set("theme", localStorage.getItem("theme") ?? "dark");
watch("model", collectNames);
watch("presets", collectNames);
history.replaceState(null, "", location.pathname);
render(html`<${App} />`, document.getElementById("page"));
connect();
