// The map: every training sound is a dot. Still and moving parts have a canvas each.

import { listen } from "./pointers.js";
import { MovingPainter } from "./moving.js";
import { picture } from "./regions.js";
import { SoundsPainter } from "./sounds.js";
import { View } from "./view.js";

const NEAR = 18; // pixels within which a pointer is at a dot
const TRAIL = 60; // latest places of the point that are shown

export class SoundMap {
  /**
   * @param {HTMLElement} frame holds the canvases and gets the keyboard's focus
   * @param {object} act handlers for the events of the map:
   *   press(pointer, place, dot, pressure), drag(pointer, place), release(pointer), hover(dot, x, y),
   *   focus(dot), pick(dot), drawn(tool, places)
   */
  constructor(frame, act) {
    this.frame = frame;
    this.act = act;
    this.view = new View();
    this.tool = "play";
    this.dots = [];
    this.presets = [];
    this.marked = null; // the dots that the search or the lasso has found; null: all
    this.hovered = this.focused = null;
    this.flashes = new Map();
    this.fingers = new Map();
    this.point = null;
    this.trail = [];
    this.path = null; // the places of the loop
    this.stroke = null; // places of the line that is being drawn
    this.sounds = new SoundsPainter(frame.querySelector("canvas.sounds"));
    this.moving = new MovingPainter(frame.querySelector("canvas.moving"));
    listen(this);
    new ResizeObserver(() => this.resize()).observe(frame);
    this.recolour();
    this.resize();
    const draw = () => {
      this.draw();
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
  }

  // ---- content

  setModel(model) {
    this.classes = model.classes;
    this.dots = model.anchors.map(([name, label, x, y]) => ({ name, label, x, y }));
    this.trail = [];
    this.marked = this.focused = this.hovered = null;
    this.fit();
  }

  setRegions(regions) {
    this.regions = regions;
    this.margin = regions.margin;
    this.ground = regions.grid ? picture(regions) : null;
    this.stale = true;
  }

  setPresets(presets) {
    this.presets = presets.map(([name, x, y]) => ({ name, x, y }));
    this.stale = true;
  }

  setPoint([x, y] = []) {
    if (x !== undefined) this.point = { x, y };
  }

  setPath(places) {
    this.path = places;
    this.stale = true;
  }

  /** Leave only these dots bright; null: all. */
  mark(dots) {
    this.marked = dots && new Set(dots);
    this.stale = true;
  }

  /** The dots with a text in their name. */
  find(text) {
    return this.dots.filter((dot) => dot.name.toLowerCase().includes(text.trim().toLowerCase()));
  }

  recolour() {
    const style = getComputedStyle(document.documentElement);
    this.ink = style.getPropertyValue("--ink");
    this.paper = style.getPropertyValue("--card");
    this.sounds.forget();
    if (this.regions) this.setRegions(this.regions);
    this.stale = true;
  }

  flash(dot) {
    this.flashes.set(dot, performance.now());
  }

  // ---- places

  resize() {
    const { clientWidth: width, clientHeight: height } = this.frame;
    this.ratio = devicePixelRatio || 1;
    this.moving.box = null;
    this.sounds.canvas.width = Math.max(1, width * this.ratio);
    this.sounds.canvas.height = Math.max(1, height * this.ratio);
    Object.assign(this.view, { width, height });
    this.stale = true;
  }

  toScreen(place) {
    return this.view.toScreen(place);
  }

  toPlace(px, py) {
    return this.view.toPlace(px, py);
  }

  /** The dot nearest to a place of the screen, if one is near. */
  nearest(px, py, reach = NEAR) {
    const { x, y } = this.toPlace(px, py);
    const [sx, sy] = this.view.scale();
    let best = null;
    let least = reach * reach;
    for (const dot of this.dots) {
      const [dx, dy] = [(dot.x - x) * sx, (dot.y - y) * sy];
      const far = dx * dx + dy * dy;
      if (far < least) [best, least] = [dot, far];
    }
    return best;
  }

  fit() {
    this.view.fit();
    this.stale = true;
  }

  zoom(factor, px, py) {
    this.view.enlarge(factor, px, py);
    this.stale = true;
  }

  move(dx, dy) {
    this.view.move(dx, dy);
    this.stale = true;
  }

  /** Move the focus to the next dot in a direction. */
  walk(dx, dy) {
    const from = this.focused ?? this.point ?? { x: 0.5, y: 0.5 };
    let best = null;
    let least = Infinity;
    for (const dot of this.dots) {
      const [ax, ay] = [dot.x - from.x, dot.y - from.y];
      const along = ax * dx + ay * dy;
      const aside = Math.abs(ax * dy) + Math.abs(ay * dx);
      const far = along + 2 * aside;
      if (dot !== this.focused && along > 1e-6 && aside <= along * 1.2 && far < least) [best, least] = [dot, far];
    }
    if (!best) return;
    this.focused = best;
    this.view.show(best);
    this.stale = true;
    this.act.focus(best);
  }

  // ---- drawing

  /** Draw, if anything has changed since the last frame. */
  draw() {
    this.follow();
    const now = [this.hovered, this.focused, this.point?.x, this.point?.y, this.trail.length, this.stroke?.length];
    const busy = this.stale || this.flashes.size > 0 || this.fingers.size > 0;
    if (!busy && now.every((each, i) => each === this.before?.[i])) return;
    this.before = now;
    if (this.stale) this.sounds.paint(this);
    this.moving.paint(this);
    this.stale = false;
  }

  /** The trail follows the point, and catches up with it where it rests. */
  follow() {
    if (!this.point) return;
    const latest = this.trail[this.trail.length - 1];
    if (latest?.x !== this.point.x || latest?.y !== this.point.y) this.trail.push(this.point);
    else if (this.trail.length > 1) this.trail.shift();
    while (this.trail.length > TRAIL) this.trail.shift();
  }
}
