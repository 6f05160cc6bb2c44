// Paints the moving parts: the point and its trail, fingers, flashes of struck dots, and a stroke as it is drawn.
//
// Its canvas is only as large as necessary: without a graphics card, the cost of a frame grows with its size.

import { colour } from "../colours.js";
import { radius } from "./sounds.js";

const FLASH_MS = 450;
const REACH = 48; // pixels around a place that a flash or any other mark can fill
const GRAIN = 64; // the edges of the canvas are multiples of this
const SPARE = 3; // it keeps its size up to this multiple of the size that it needs: a new size costs most

const size = ([left, top, right, bottom]) => (right - left) * (bottom - top);
const covers = (box, other) => other.every((edge, i) => (i < 2 ? edge >= box[i] : edge <= box[i]));

export class MovingPainter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  paint(map) {
    this.map = map;
    if (!this.fit()) return;
    this.stroke(map.stroke);
    this.flashes();
    this.trail();
    for (const dot of new Set([map.hovered, map.focused])) if (dot) this.ring(dot, this.dotSize() + 5, 2);
    for (const finger of map.fingers.values()) this.ring(finger, 28, 2);
    this.point();
  }

  /** Make the canvas cover all marks, and empty it; returns whether there are any. */
  fit() {
    const { canvas, context, map } = this;
    const wanted = this.extent();
    canvas.hidden = !wanted;
    if (!wanted) return false;
    if (!(this.box && covers(this.box, wanted) && size(this.box) <= SPARE * size(wanted))) {
      const [left, top, right, bottom] = (this.box = wanted);
      canvas.width = (right - left) * map.ratio;
      canvas.height = (bottom - top) * map.ratio;
      Object.assign(canvas.style, {
        width: `${right - left}px`,
        height: `${bottom - top}px`,
        transform: `translate(${left}px, ${top}px)`,
      });
      context.setTransform(map.ratio, 0, 0, map.ratio, -left * map.ratio, -top * map.ratio);
    } else context.clearRect(this.box[0], this.box[1], this.box[2] - this.box[0], this.box[3] - this.box[1]);
    return true;
  }

  /** The part of the map with all marks, in steps of `GRAIN`: left, top, right, bottom; null without marks. */
  extent() {
    const { hovered, focused, point, trail, stroke, flashes, fingers, view } = this.map;
    const marks = [hovered, focused, point, ...trail, ...(stroke ?? []), ...flashes.keys(), ...fingers.values()];
    const places = marks.filter(Boolean).map((mark) => view.toScreen(mark));
    if (!places.length) return null;
    const [xs, ys] = [0, 1].map((i) => places.map((place) => place[i]));
    const [left, top] = [xs, ys].map((all) => Math.max(0, GRAIN * Math.floor((Math.min(...all) - REACH) / GRAIN)));
    const right = Math.min(view.width, GRAIN * Math.ceil((Math.max(...xs) + REACH) / GRAIN));
    const bottom = Math.min(view.height, GRAIN * Math.ceil((Math.max(...ys) + REACH) / GRAIN));
    return left < right && top < bottom ? [left, top, right, bottom] : null;
  }

  dotSize() {
    return radius(this.map.dots.length, this.map.view.zoom);
  }

  ring(place, size, width, ink = this.map.ink) {
    const { context } = this;
    const [x, y] = this.map.view.toScreen(place);
    context.strokeStyle = ink;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, size, 0, 2 * Math.PI);
    context.stroke();
  }

  stroke(places) {
    if (!places) return;
    const { context, map } = this;
    context.strokeStyle = map.ink;
    context.lineWidth = 2.5;
    context.setLineDash([2, 7]);
    context.beginPath();
    for (const place of places) context.lineTo(...map.view.toScreen(place));
    context.stroke();
    context.setLineDash([]);
  }

  flashes() {
    const now = performance.now();
    for (const [dot, since] of this.map.flashes) {
      const age = (now - since) / FLASH_MS;
      if (age > 1) this.map.flashes.delete(dot);
      else this.ring(dot, this.dotSize() + 4 + 34 * (1 - (1 - age) ** 3), 4 * (1 - age), colour(dot.label, 1 - age));
    }
  }

  trail() {
    const { context, map } = this;
    const { trail, view } = map;
    context.strokeStyle = map.ink;
    context.lineCap = "round";
    for (let i = 1; i < trail.length; i++) {
      const age = i / trail.length;
      context.globalAlpha = 0.65 * age;
      context.lineWidth = 1 + 5 * age;
      context.beginPath();
      context.moveTo(...view.toScreen(trail[i - 1]));
      context.lineTo(...view.toScreen(trail[i]));
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  point() {
    const { context, map } = this;
    if (!map.point) return;
    const [x, y] = map.view.toScreen(map.point);
    context.fillStyle = map.paper;
    context.globalAlpha = 0.6;
    context.beginPath();
    context.arc(x, y, 15, 0, 2 * Math.PI);
    context.fill();
    context.globalAlpha = 1;
    context.fillStyle = map.ink;
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    context.fill();
    this.ring(map.point, 13, 2.5);
  }
}
