// Scope and spectrogram, painted on canvases.

import { spectrum } from "../fourier.js";

const SIZE = 1024; // samples of a spectrum
const HOP = 512; // samples from one column to the next
const LOWEST_HZ = 40;
const FLOOR_DB = -84;
const SCOPE_MS = 25;

/** Paints the waveform from its latest rising zero. */
export class Scope {
  constructor(canvas) {
    this.canvas = canvas;
    this.kept = new Float32Array(0);
  }

  add(samples, rate, ink) {
    const wide = Math.round((rate * SCOPE_MS) / 1000);
    const all = new Float32Array(this.kept.length + samples.length);
    all.set(this.kept);
    all.set(samples, this.kept.length);
    this.kept = all.slice(-2 * wide);
    let from = Math.max(0, this.kept.length - wide);
    for (let i = from; i > 1; i--)
      if (this.kept[i - 1] < 0 && this.kept[i] >= 0) {
        from = i;
        break;
      }
    this.paint(this.kept.subarray(from, from + wide), ink);
  }

  paint(samples, ink) {
    const { canvas } = this;
    const context = canvas.getContext("2d");
    const [width, height] = [canvas.width, canvas.height];
    context.clearRect(0, 0, width, height);
    context.strokeStyle = ink;
    context.lineWidth = 2;
    context.beginPath();
    samples.forEach((sample, i) => context.lineTo((i / samples.length) * width, (0.5 - 0.48 * sample) * height));
    context.stroke();
  }
}

/** Paints a column for each `HOP` samples; the latest is on the right, high is above. */
export class Spectrogram {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.waiting = new Float32Array(0);
    this.spectrum = spectrum(SIZE);
  }

  add(samples, rate, light) {
    const all = new Float32Array(this.waiting.length + samples.length);
    all.set(this.waiting);
    all.set(samples, this.waiting.length);
    const columns = Math.max(0, Math.floor((all.length - SIZE) / HOP) + 1);
    if (columns) this.scroll(columns);
    for (let i = 0; i < columns; i++)
      this.column(this.spectrum(all.subarray(i * HOP, i * HOP + SIZE)), rate, this.canvas.width - columns + i, light);
    this.waiting = all.slice(columns * HOP);
  }

  scroll(columns) {
    const { canvas, context } = this;
    context.globalCompositeOperation = "copy";
    context.drawImage(canvas, -columns, 0);
    context.globalCompositeOperation = "source-over";
  }

  column(levels, rate, x, light) {
    const { height } = this.canvas;
    const image = this.context.createImageData(1, height);
    const span = Math.log(rate / 2 / LOWEST_HZ);
    for (let y = 0; y < height; y++) {
      const hz = (part) => LOWEST_HZ * Math.exp(span * part);
      const from = (hz(1 - (y + 1) / height) / rate) * SIZE;
      const to = (hz(1 - y / height) / rate) * SIZE;
      let most = 0;
      for (let bin = Math.floor(from); bin <= Math.min(levels.length - 1, Math.floor(to)); bin++) most = Math.max(most, levels[bin]);
      const part = Math.max(0, 1 - (20 * Math.log10(most + 1e-9)) / FLOOR_DB);
      const tone = light ? [60 - 40 * part, 90 - 70 * part, 150 - 40 * part] : [90 + 165 * part, 140 + 100 * part, 255 - 60 * part];
      image.data.set([...tone, 255 * part ** 1.3], 4 * y);
    }
    this.context.putImageData(image, x, 0);
  }
}
