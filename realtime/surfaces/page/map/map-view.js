// The map on the page: its canvases, search, tools, and the handling of dropped files.

import { html, useEffect, useRef, useState } from "../ui.js";
import { colour } from "../colours.js";
import { drop } from "../files.js";
import { send } from "../link.js";
import { Outline, useOutlines } from "../outlines.js";
import { removePath, playPath } from "../paths.js";
import { drag, press, release, strike } from "../play.js";
import { get, set, use, watch } from "../store.js";
import { IconButton } from "../widgets.js";
import { SoundMap } from "./map.js";
import { anyOf, inLasso } from "./zone.js";

const short = (name) => name.split("/").pop();

/** The page's handlers for events of the map. */
function actions(map, setTip, setSaid, setZone) {
  return {
    press(pointer, place, dot, pressure) {
      setTip(null);
      if (dot && get("picking")) {
        get("picking").take(dot.name);
        set("picking", null);
      }
      press(pointer, place, dot, pressure);
    },
    drag,
    release,
    hover: (dot, x, y) => setTip(dot && { dot, x, y }),
    focus: (dot) => setSaid(`${short(dot.name)}, ${map.current.classes[dot.label][0]}`),
    pick: (dot) => strike(dot.name),
    drawn(tool, stroke) {
      if (tool === "path") return playPath(stroke);
      const dots = inLasso(map.current.dots, stroke);
      setZone(dots.length ? dots : null);
      map.current.mark(dots.length ? dots : null);
      setSaid(dots.length ? `${dots.length} in the zone` : "");
      return undefined;
    },
  };
}

/** Give each lane that has a sound of its own a random sound of the zone. */
function shuffleLanes(zone) {
  (get("lanes") ?? []).forEach((lane, i) => {
    if (lane?.from) send(`/morph/seq/lane/${i}/sound`, anyOf(zone).name);
  });
}

/** The progress of learning a dropped folder. */
function Learning() {
  const kit = use("kit");
  if (!kit?.learning) return null;
  return html`<span class="said">${kit.name}: ${Math.round(100 * kit.part)} % learnt</span>`;
}

/** The sound under the pointer: its name and outline. */
function Tip({ dot, x, y }) {
  const model = use("model");
  const [peaks] = useOutlines([dot]);
  return html`<div class="tip" style=${{ left: `${x}px`, top: `${y}px`, "--accent": colour(dot.label) }}>
    <${Outline} peaks=${peaks} />
    ${short(dot.name)}<small>${model.classes[dot.label][0]}</small>
  </div>`;
}

function Tools({ map, zone, onZone }) {
  const [tool, setTool] = useState("play");
  const path = use("path") ?? [];
  const pick = (name) => setTool((map.current.tool = tool === name ? "play" : name));
  return html`<div class="map-tools" role="toolbar" aria-label="Map" aria-orientation="vertical">
    <div class="cluster">
      <${IconButton} icon="plus" label="Zoom in" onClick=${() => map.current.zoom(1.5)} />
      <${IconButton} icon="minus" label="Zoom out" onClick=${() => map.current.zoom(1 / 1.5)} />
      <${IconButton} icon="whole" label="Whole map" onClick=${() => map.current.fit()} />
    </div>
    <div class="cluster">
      <${IconButton} icon="hand" label="Dragging moves the map" on=${tool === "move"} onClick=${() => pick("move")} />
      <${IconButton} icon="lasso" label="Dragging selects sounds for a zone" on=${tool === "lasso"} onClick=${() => pick("lasso")} />
      <${IconButton} icon="path" label="Dragging draws a path for the point" on=${tool === "path"} onClick=${() => pick("path")} />
      ${path.length > 0 && html`<${IconButton} icon="cross" label="Remove the path" onClick=${removePath} />`}
    </div>
    ${zone &&
    html`<div class="cluster">
      <${IconButton} icon="dice" label="Play any sound of the zone" onClick=${onZone} />
      <${IconButton} icon="shuffle" label="Give each lane any sound of the zone" onClick=${() => shuffleLanes(zone)} />
    </div>`}
  </div>`;
}

export function MapView() {
  const frame = useRef();
  const map = useRef();
  const [tip, setTip] = useState(null);
  const [said, setSaid] = useState("");
  const [zone, setZone] = useState(null);
  useEffect(() => {
    const shown = (map.current = new SoundMap(frame.current, actions(map, setTip, setSaid, setZone)));
    window.soundmap = shown; // for benchmarks and tests
    const ends = [
      watch("theme", () => shown.recolour()),
      watch("model", (model) => (shown.setModel(model), setZone(null))),
      watch("regions", (regions) => shown.setRegions(regions)),
      watch("presets", (presets) => shown.setPresets(presets)),
      watch("path", (path) => shown.setPath(path)),
      watch("xy", (place) => shown.setPoint(place)),
    ];
    return () => ends.forEach((end) => end());
  }, []);
  const search = (event) => {
    const text = event.target.value.trim();
    const found = text ? map.current.find(text) : null;
    map.current.mark(found);
    setZone(null);
    setSaid(found ? `${found.length} found` : "");
    return found ?? [];
  };
  const randomly = () => {
    const dot = anyOf(zone);
    map.current.flash(dot);
    strike(dot.name);
  };
  return html`<div class="map-area" onDragOver=${(event) => event.preventDefault()} onDrop=${drop}>
    <div
      class="map"
      ref=${frame}
      tabindex="0"
      role="application"
      aria-label="Map of the sounds"
      aria-describedby="map-help"
    >
      <canvas class="sounds" aria-hidden="true"></canvas>
      <canvas class="moving" aria-hidden="true"></canvas>
      ${tip && html`<${Tip} ...${tip} />`}
      <p id="map-help" class="sr">
        Press to play, drag to morph; each further finger is a sound of its own. Arrow keys walk from sound to sound,
        space plays, plus and minus zoom.
      </p>
    </div>
    <div class="map-search">
      <input
        type="search"
        placeholder="Find a sound"
        aria-label="Find a sound on the map"
        onInput=${search}
        onKeyDown=${(event) => {
          if (event.key !== "Enter") return;
          const [first] = search(event);
          if (first) strike(first.name), map.current.flash(first);
        }}
      />
      <span class="said" aria-live="polite">${said}</span>
      <${Learning} />
    </div>
    <${Tools} map=${map} zone=${zone} onZone=${randomly} />
  </div>`;
}
