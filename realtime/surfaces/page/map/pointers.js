// Pointers, the wheel and keys on the map.

import { clipped } from "./view.js";

const WALK = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** Handle the pointers on a map. The chosen tool decides the effect of a drag: play, move, path or lasso. */
export function listen(map) {
  const { frame, fingers } = map;
  const hands = new Map(); // pointers that move the map: where they were
  let drawing = null; // the pointer that draws
  let box = frame.getBoundingClientRect(); // rarely requested: it makes the browser lay out the page
  const at = (event) => [event.clientX - box.left, event.clientY - box.top];
  const measure = () => (box = frame.getBoundingClientRect());
  for (const beginning of ["pointerenter", "pointerdown", "wheel"])
    frame.addEventListener(beginning, measure, { capture: true, passive: true });

  frame.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button")) return;
    frame.setPointerCapture(event.pointerId);
    const [px, py] = at(event);
    const place = clipped(map.toPlace(px, py));
    if (map.tool === "move" || event.button > 0 || event.altKey) hands.set(event.pointerId, [px, py]);
    else if (map.tool === "play") {
      fingers.set(event.pointerId, place);
      const dot = map.nearest(px, py);
      if (dot) map.flash(dot);
      map.act.press(event.pointerId, place, dot, event.pointerType === "pen" ? event.pressure : 1);
    } else if (drawing === null) {
      drawing = event.pointerId;
      map.stroke = [{ ...place, ms: event.timeStamp }];
    }
  });

  frame.addEventListener("pointermove", (event) => {
    const [px, py] = at(event);
    const id = event.pointerId;
    const place = clipped(map.toPlace(px, py));
    if (hands.has(id)) {
      const [x, y] = hands.get(id);
      const [sx, sy] = map.view.scale();
      map.move((x - px) / sx, (py - y) / sy);
      hands.set(id, [px, py]);
    } else if (fingers.has(id)) {
      fingers.set(id, place);
      map.act.drag(id, place);
    } else if (drawing === id) map.stroke.push({ ...place, ms: event.timeStamp });
    else {
      map.hovered = map.nearest(px, py);
      map.act.hover(map.hovered, px, py);
    }
  });

  for (const end of ["pointerup", "pointercancel"])
    frame.addEventListener(end, ({ pointerId: id }) => {
      hands.delete(id);
      if (fingers.delete(id)) map.act.release(id);
      if (drawing !== id) return;
      const stroke = map.stroke;
      drawing = map.stroke = null;
      if (end === "pointerup") map.act.drawn(map.tool, stroke);
    });

  frame.addEventListener("pointerleave", () => {
    map.hovered = null;
    map.act.hover(null);
  });
  frame.addEventListener("contextmenu", (event) => event.preventDefault());
  frame.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      map.zoom(Math.exp(-event.deltaY / 400), ...at(event));
    },
    { passive: false },
  );

  frame.addEventListener("keydown", (event) => {
    if (event.target !== frame || event.ctrlKey || event.metaKey || event.altKey) return;
    if (WALK[event.key]) map.walk(...WALK[event.key]);
    else if ((event.key === "Enter" || event.key === " ") && map.focused) {
      map.flash(map.focused);
      map.act.pick(map.focused);
    } else if (event.key === "+" || event.key === "=") map.zoom(1.4);
    else if (event.key === "-") map.zoom(1 / 1.4);
    else if (event.key === "0") map.fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
