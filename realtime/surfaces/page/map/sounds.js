// Paints the still parts: regions, dots, presets and the path of the loop.

import { colour } from "../colours.js";

const CROWD = 400; // if there are more dots, they are drawn smaller

/** The radius of a dot, in pixels. */
export function radius(count, zoom) {
  const crowd = Math.min(1, Math.sqrt(CROWD / Math.max(1, count)));
  return Math.max(2, 5.5 * crowd * Math.min(2, Math.sqrt(zoom)));
}

export class SoundsPainter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.sprites = new Map();
  }

  /** Forget the colours, because the theme has changed. */
  forget() {
    this.sprites.clear();
  }

  paint({ view, ratio, ground, margin, dots, marked, presets, path, ink, paper }) {
    const { canvas, context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (ground) {
      const [left, top] = view.toScreen({ x: -margin, y: 1 + margin });
      const [right, bottom] = view.toScreen({ x: 1 + margin, y: -margin });
      context.imageSmoothingQuality = "high";
      context.drawImage(ground, left * ratio, top * ratio, (right - left) * ratio, (bottom - top) * ratio);
    }
    const size = Math.round(radius(dots.length, view.zoom) * 2) / 2;
    for (const dot of dots) {
      const [x, y] = view.toScreen(dot);
      if (x < -9 || y < -9 || x > view.width + 9 || y > view.height + 9) continue;
      const sprite = this.sprite(dot.label, size, ratio, paper);
      context.globalAlpha = marked && !marked.has(dot) ? 0.14 : 1;
      context.drawImage(sprite, x * ratio - sprite.width / 2, y * ratio - sprite.height / 2);
    }
    context.globalAlpha = 1;
    context.scale(ratio, ratio);
    if (path?.length) this.loop(path.map((place) => view.toScreen(place)), ink, paper);
    for (const preset of presets) this.diamond(view.toScreen(preset), preset.name, ink, paper);
  }

  sprite(label, size, ratio, paper) {
    const key = `${label} ${size}`;
    let canvas = this.sprites.get(key);
    if (!canvas) {
      const edge = Math.ceil((size + 1.5) * ratio) + 1;
      canvas = new OffscreenCanvas(2 * edge, 2 * edge);
      const context = canvas.getContext("2d");
      context.fillStyle = paper;
      context.globalAlpha = 0.55;
      context.beginPath();
      context.arc(edge, edge, (size + 1.5) * ratio, 0, 2 * Math.PI);
      context.fill();
      context.globalAlpha = 1;
      context.fillStyle = colour(label);
      context.beginPath();
      context.arc(edge, edge, size * ratio, 0, 2 * Math.PI);
      context.fill();
      this.sprites.set(key, canvas);
    }
    return canvas;
  }

  loop(places, ink, paper) {
    const { context } = this;
    context.lineJoin = context.lineCap = "round";
    context.beginPath();
    for (const place of places) context.lineTo(...place);
    for (const [colour, width] of [
      [paper, 6],
      [ink, 2.5],
    ]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke();
    }
  }

  diamond([x, y], name, ink, paper) {
    const { context } = this;
    context.beginPath();
    context.moveTo(x, y - 8);
    context.lineTo(x + 8, y);
    context.lineTo(x, y + 8);
    context.lineTo(x - 8, y);
    context.closePath();
    context.fillStyle = paper;
    context.fill();
    context.strokeStyle = ink;
    context.lineWidth = 2;
    context.stroke();
    context.font = "600 12.5px Inter, system-ui, sans-serif";
    context.textBaseline = "middle";
    context.lineWidth = 3;
    context.strokeStyle = paper;
    context.strokeText(name, x + 13, y);
    context.fillStyle = ink;
    context.fillText(name, x + 13, y);
  }
}
