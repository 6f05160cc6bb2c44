// Paints what moves: the point and its trail, fingers, flashes of struck dots, and a stroke as it is drawn.
//
// Its canvas is only as large as what it shows: without a graphics card, a picture costs by its size.

import { colour } from "../colours.js";
import { radius } from "./sounds.js";

const FLASH_MS = 450;
const FLASH_SIZE = 48; // pixels around a place that a flash can fill, and any other mark
const GRAIN = 64; // the canvas grows in such steps

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

  /** Fit the canvas around all marks, and empty it; returns whether there are any. */
  fit() {
    const { canvas, context, map } = this;
    const { hovered, focused, point, trail, stroke, flashes, fingers, view, ratio } = map;
    const marks = [hovered, focused, point, ...trail, ...(stroke ?? []), ...flashes.keys(), ...fingers.values()];
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const mark of marks) {
      if (!mark) continue;
      const [x, y] = view.toScreen(mark);
      [left, top] = [Math.min(left, x - FLASH_SIZE), Math.min(top, y - FLASH_SIZE)];
      [right, bottom] = [Math.max(right, x + FLASH_SIZE), Math.max(bottom, y + FLASH_SIZE)];
    }
    canvas.hidden = !(left < right);
    if (canvas.hidden) return false;
    [left, top] = [Math.max(0, Math.floor(left)), Math.max(0, Math.floor(top))];
    const wide = Math.min(view.width - left, GRAIN * Math.ceil((right - left) / GRAIN));
    const high = Math.min(view.height - top, GRAIN * Math.ceil((bottom - top) / GRAIN));
    canvas.width = Math.max(1, wide * ratio); // which empties it, too
    canvas.height = Math.max(1, high * ratio);
    Object.assign(canvas.style, { width: `${wide}px`, height: `${high}px`, transform: `translate(${left}px, ${top}px)` });
    context.setTransform(ratio, 0, 0, ratio, -left * ratio, -top * ratio);
    return true;
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
