// The map: every training sound a dot. Pointers play and morph; what moves is drawn on a canvas of its own.

import { colour, isLight } from "./colours.js";

const EDGE = 0.09; // of free space around the sounds
const NEAR = 18; // pixels within which a dot is meant
const MAX_ZOOM = 40;
const TRAIL = 48; // places of the point that are still seen

export class SoundMap {
  /**
   * @param {HTMLElement} frame holds the canvases and gets the keyboard's focus
   * @param {object} act what the map asks for:
   *   press(pointer, place, dot, pressure), drag(pointer, place), release(pointer), hover(dot, x, y), pick(dot)
   */
  constructor(frame, act) {
    this.frame = frame;
    this.act = act;
    this.base = frame.querySelector("canvas.sounds");
    this.top = frame.querySelector("canvas.moving");
    this.dots = [];
    this.presets = [];
    this.paths = [];
    this.found = null;
    this.regions = null;
    this.focused = -1;
    this.hovered = -1;
    this.flashes = new Map();
    this.point = null;
    this.trail = [];
    this.pointers = new Map();
    this.view = { zoom: 1, x: 0.5, y: 0.5 };
    this.frames = 0;
    this.hand = false;
    this.listen();
    new ResizeObserver(() => this.resize()).observe(frame);
    this.resize();
    const draw = () => {
      this.frames++;
      if (this.moves()) this.drawMoving();
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
  }

  // ---- what it shows

  setModel(model) {
    this.classes = model.classes;
    this.dots = model.anchors.map(([name, label, x, y]) => ({ name, label, x, y }));
    this.trail = [];
    this.focused = this.hovered = -1;
    this.fit();
  }

  setRegions({ grid, margin, label, share }) {
    this.margin = margin;
    this.regions = null;
    if (grid) {
      const canvas = new OffscreenCanvas(grid, grid);
      const context = canvas.getContext("2d");
      label.forEach((each, i) => {
        context.fillStyle = colour(each, (0.4 + 0.6 * share[i]) * (isLight() ? 0.26 : 0.2));
        context.fillRect(i % grid, grid - 1 - Math.floor(i / grid), 1, 1);
      });
      this.regions = canvas;
    }
    this.stale = true;
  }

  setPresets(presets) {
    this.presets = presets.map(([name, x, y]) => ({ name, x, y }));
    this.stale = true;
  }

  setPoint([x, y] = []) {
    if (x === undefined) return;
    this.point = { x, y };
  }

  setFound(text) {
    const words = text.trim().toLowerCase();
    this.found = words ? new Set(this.dots.filter((dot) => dot.name.toLowerCase().includes(words))) : null;
    this.stale = true;
    return this.found ? [...this.found] : [];
  }

  recolour() {
    this.sprites = null;
    this.stale = true;
  }

  flash(dot) {
    this.flashes.set(dot, performance.now());
  }

  // ---- places

  resize() {
    const { clientWidth: width, clientHeight: height } = this.frame;
    this.ratio = devicePixelRatio || 1;
    for (const canvas of [this.base, this.top]) {
      canvas.width = Math.max(1, width * this.ratio);
      canvas.height = Math.max(1, height * this.ratio);
    }
    this.width = width;
    this.height = height;
    this.stale = true;
  }

  scale() {
    const { zoom } = this.view;
    return [(this.width / (1 + 2 * EDGE)) * zoom, (this.height / (1 + 2 * EDGE)) * zoom];
  }

  toScreen({ x, y }) {
    const [sx, sy] = this.scale();
    return [(x - this.view.x) * sx + this.width / 2, (this.view.y - y) * sy + this.height / 2];
  }

  toPlace(px, py) {
    const [sx, sy] = this.scale();
    return { x: (px - this.width / 2) / sx + this.view.x, y: this.view.y - (py - this.height / 2) / sy };
  }

  /** A place within the map, as the server takes it. */
  clipped({ x, y }) {
    return { x: Math.min(1, Math.max(0, x)), y: Math.min(1, Math.max(0, y)) };
  }

  nearest(px, py, reach = NEAR) {
    let best = null;
    let least = reach * reach;
    for (const dot of this.dots) {
      const [x, y] = this.toScreen(dot);
      const far = (x - px) ** 2 + (y - py) ** 2;
      if (far < least) [best, least] = [dot, far];
    }
    return best;
  }

  fit() {
    this.view = { zoom: 1, x: 0.5, y: 0.5 };
    this.stale = true;
  }

  zoom(factor, px = this.width / 2, py = this.height / 2) {
    const before = this.toPlace(px, py);
    this.view.zoom = Math.min(MAX_ZOOM, Math.max(1, this.view.zoom * factor));
    const after = this.toPlace(px, py);
    this.move(before.x - after.x, before.y - after.y);
  }

  move(dx, dy) {
    const room = 0.5 * (1 - 1 / this.view.zoom) + EDGE;
    const held = (value) => Math.min(0.5 + room, Math.max(0.5 - room, value));
    this.view.x = this.view.zoom === 1 ? 0.5 : held(this.view.x + dx);
    this.view.y = this.view.zoom === 1 ? 0.5 : held(this.view.y + dy);
    this.stale = true;
  }

  // ---- pointers and keys

  listen() {
    const { frame } = this;
    const at = (event) => {
      const box = frame.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    frame.addEventListener("pointerdown", (event) => {
      if (event.target.closest("button")) return;
      frame.focus({ preventScroll: true });
      frame.setPointerCapture(event.pointerId);
      const [px, py] = at(event);
      const moves = this.hand || event.button === 2 || event.button === 1 || event.altKey;
      const pointer = { px, py, moves, x: 0, y: 0 };
      this.pointers.set(event.pointerId, pointer);
      if (moves) return;
      Object.assign(pointer, this.clipped(this.toPlace(px, py)));
      const dot = this.nearest(px, py);
      if (dot) this.flash(dot);
      this.act.press(event.pointerId, pointer, dot, event.pointerType === "pen" ? event.pressure : 1);
    });
    frame.addEventListener("pointermove", (event) => {
      const [px, py] = at(event);
      const pointer = this.pointers.get(event.pointerId);
      if (!pointer) {
        const dot = this.nearest(px, py);
        this.hovered = dot ? this.dots.indexOf(dot) : -1;
        this.act.hover(dot, px, py);
      } else if (pointer.moves) {
        const [sx, sy] = this.scale();
        this.move((pointer.px - px) / sx, (py - pointer.py) / sy);
        Object.assign(pointer, { px, py });
      } else {
        Object.assign(pointer, this.clipped(this.toPlace(px, py)), { px, py });
        this.act.drag(event.pointerId, pointer);
      }
    });
    for (const end of ["pointerup", "pointercancel"])
      frame.addEventListener(end, ({ pointerId }) => {
        const pointer = this.pointers.get(pointerId);
        this.pointers.delete(pointerId);
        if (pointer && !pointer.moves) this.act.release(pointerId);
      });
    frame.addEventListener("pointerleave", () => {
      this.hovered = -1;
      this.act.hover(null);
    });
    frame.addEventListener("contextmenu", (event) => event.preventDefault());
    frame.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.zoom(Math.exp(-event.deltaY / 400), ...at(event));
      },
      { passive: false },
    );
    frame.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.target !== this.frame || event.ctrlKey || event.metaKey || event.altKey) return;
    if (ways[event.key]) this.walk(...ways[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.pick();
    else if (event.key === "+" || event.key === "=") this.zoom(1.4);
    else if (event.key === "-") this.zoom(1 / 1.4);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  walk(dx, dy) {
    const from = this.dots[this.focused] ?? this.point ?? { x: 0.5, y: 0.5 };
    let best = -1;
    let least = Infinity;
    this.dots.forEach((dot, i) => {
      const [ax, ay] = [dot.x - from.x, dot.y - from.y];
      const along = ax * dx + ay * dy;
      const aside = Math.abs(ax * dy) + Math.abs(ay * dx);
      const far = along + 2 * aside;
      if (i !== this.focused && along > 1e-6 && aside <= along * 1.2 && far < least) [best, least] = [i, far];
    });
    if (best < 0) return;
    this.focused = best;
    this.show(this.dots[best]);
    this.act.focus(this.dots[best]);
  }

  pick() {
    const dot = this.dots[this.focused];
    if (!dot) return;
    this.flash(dot);
    this.act.pick(dot);
  }

  show(dot) {
    const [x, y] = this.toScreen(dot);
    if (x < 0 || y < 0 || x > this.width || y > this.height) this.move(dot.x - this.view.x, dot.y - this.view.y);
  }

  // ---- drawing

  radius() {
    const crowd = Math.min(1, Math.sqrt(400 / Math.max(1, this.dots.length)));
    return Math.max(2, 6.5 * crowd * Math.min(2, Math.sqrt(this.view.zoom)));
  }

  sprite(label, size) {
    this.sprites ??= new Map();
    const key = `${label} ${size}`;
    let canvas = this.sprites.get(key);
    if (!canvas) {
      const edge = Math.ceil(size * this.ratio) + 2;
      canvas = new OffscreenCanvas(2 * edge, 2 * edge);
      const context = canvas.getContext("2d");
      context.fillStyle = colour(label);
      context.beginPath();
      context.arc(edge, edge, size * this.ratio, 0, 2 * Math.PI);
      context.fill();
      this.sprites.set(key, canvas);
    }
    return canvas;
  }

  drawSounds() {
    this.stale = false;
    const context = this.base.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.base.width, this.base.height);
    const { ratio } = this;
    if (this.regions) {
      const [left, top] = this.toScreen({ x: -this.margin, y: 1 + this.margin });
      const [right, bottom] = this.toScreen({ x: 1 + this.margin, y: -this.margin });
      context.imageSmoothingEnabled = true;
      context.imageSmoothingQuality = "high";
      context.drawImage(this.regions, left * ratio, top * ratio, (right - left) * ratio, (bottom - top) * ratio);
    }
    const size = Math.round(this.radius() * 2) / 2;
    for (const dot of this.dots) {
      const [x, y] = this.toScreen(dot);
      if (x < -9 || y < -9 || x > this.width + 9 || y > this.height + 9) continue;
      const sprite = this.sprite(dot.label, size);
      context.globalAlpha = this.found && !this.found.has(dot) ? 0.12 : 0.9;
      context.drawImage(sprite, x * ratio - sprite.width / 2, y * ratio - sprite.height / 2);
    }
    context.globalAlpha = 1;
    context.scale(ratio, ratio);
    context.font = "600 12px system-ui, sans-serif";
    context.textBaseline = "middle";
    const ink = getComputedStyle(this.frame).getPropertyValue("--ink");
    for (const preset of this.presets) {
      const [x, y] = this.toScreen(preset);
      context.strokeStyle = context.fillStyle = ink;
      context.lineWidth = 1.5;
      context.beginPath();
      context.moveTo(x, y - 7);
      context.lineTo(x + 7, y);
      context.lineTo(x, y + 7);
      context.lineTo(x - 7, y);
      context.closePath();
      context.stroke();
      context.fillText(preset.name, x + 12, y);
    }
  }

  /** Whether anything differs from the picture before: a page at rest costs nothing. */
  moves() {
    const now = [this.hovered, this.focused, this.point?.x, this.point?.y, this.trail.length].join();
    const moves =
      this.stale || this.flashes.size > 0 || this.pointers.size > 0 || this.paths.length > 0 || now !== this.before;
    this.before = now;
    return moves;
  }

  drawMoving() {
    if (this.stale) this.drawSounds();
    const context = this.top.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    const ink = getComputedStyle(this.frame).getPropertyValue("--ink");
    this.drawFlashes(context);
    this.drawPaths(context, ink);
    this.drawTrail(context, ink);
    for (const index of new Set([this.hovered, this.focused])) {
      const dot = this.dots[index];
      if (!dot) continue;
      context.strokeStyle = ink;
      context.lineWidth = 2;
      this.ring(context, dot, this.radius() + 4);
    }
    for (const pointer of this.pointers.values())
      if (!pointer.moves) {
        context.strokeStyle = ink;
        context.lineWidth = 2;
        this.ring(context, pointer, 26);
      }
  }

  ring(context, place, size) {
    const [x, y] = this.toScreen(place);
    context.beginPath();
    context.arc(x, y, size, 0, 2 * Math.PI);
    context.stroke();
  }

  drawFlashes(context) {
    const now = performance.now();
    for (const [dot, since] of this.flashes) {
      const age = (now - since) / 400;
      if (age > 1) {
        this.flashes.delete(dot);
        continue;
      }
      context.strokeStyle = colour(dot.label, 1 - age);
      context.lineWidth = 3;
      this.ring(context, dot, this.radius() + 30 * age);
    }
  }

  drawPaths(context, ink) {
    for (const { places, at } of this.paths) {
      context.strokeStyle = ink;
      context.globalAlpha = 0.5;
      context.lineWidth = 2;
      context.beginPath();
      for (const place of places) context.lineTo(...this.toScreen(place));
      context.stroke();
      context.globalAlpha = 1;
      if (at) this.ring(context, at, 9);
    }
  }

  drawTrail(context, ink) {
    if (!this.point) return;
    const latest = this.trail[this.trail.length - 1];
    if (!latest || latest.x !== this.point.x || latest.y !== this.point.y) this.trail.push(this.point);
    else if (this.trail.length > 1) this.trail.shift();
    while (this.trail.length > TRAIL) this.trail.shift();
    context.strokeStyle = ink;
    context.lineWidth = 2;
    this.trail.slice(1).forEach((place, i) => {
      context.globalAlpha = (0.6 * (i + 1)) / this.trail.length;
      context.beginPath();
      context.moveTo(...this.toScreen(this.trail[i]));
      context.lineTo(...this.toScreen(place));
      context.stroke();
    });
    context.globalAlpha = 1;
    context.fillStyle = ink;
    const [x, y] = this.toScreen(this.point);
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    context.fill();
    context.lineWidth = 2;
    this.ring(context, this.point, 13);
  }
}
