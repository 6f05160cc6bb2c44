// The background of the map: the likeliest class at each place, with smooth borders.

import { groundOf } from "../colours.js";

const SIZE = 256; // pixels each way
const BLUR = [1, 4, 6, 4, 1]; // kernel that smooths the server's grid
const BORDER = 0.16; // lead of a class over the next within which colours blend

/** A field [n x n], blurred along rows (step 1) or columns (step n). */
function blurred(field, n, step) {
  const out = new Float32Array(n * n);
  for (let i = 0; i < n * n; i++) {
    const at = Math.floor(i / step) % n;
    let sum = 0;
    for (let k = -2; k <= 2; k++) sum += BLUR[k + 2] * field[i + step * (Math.min(n - 1, Math.max(0, at + k)) - at)];
    out[i] = sum / 16;
  }
  return out;
}

/** The value of a field at a place in its grid, by linear interpolation. */
function sample(field, n, x, y) {
  const [i, j] = [Math.min(n - 2, Math.floor(x)), Math.min(n - 2, Math.floor(y))];
  const [u, v] = [x - i, y - j];
  const at = j * n + i;
  return (1 - v) * ((1 - u) * field[at] + u * field[at + 1]) + v * ((1 - u) * field[at + n] + u * field[at + n + 1]);
}

/** A picture of the regions; rows of `label` and `share` come from below, those of the picture from above. */
export function picture({ grid, label, share }) {
  const classes = [...new Set(label)];
  const fields = classes.map((each) => {
    const field = Float32Array.from(label, (one, i) => (one === each ? share[i] : 0));
    return blurred(blurred(field, grid, 1), grid, grid);
  });
  const colours = classes.map(groundOf);
  const canvas = new OffscreenCanvas(SIZE, SIZE);
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIZE, SIZE);
  for (let row = 0; row < SIZE; row++)
    for (let column = 0; column < SIZE; column++) {
      const [x, y] = [(column / (SIZE - 1)) * (grid - 1), (1 - row / (SIZE - 1)) * (grid - 1)];
      const heights = fields.map((field) => sample(field, grid, x, y));
      const most = Math.max(...heights);
      let total = 0;
      const mixed = [0, 0, 0, 0];
      heights.forEach((height, i) => {
        const weight = Math.max(0, 1 - (most - height) / BORDER) ** 2;
        total += weight;
        for (let k = 0; k < 4; k++) mixed[k] += weight * colours[i][k];
      });
      const at = 4 * (row * SIZE + column);
      for (let k = 0; k < 3; k++) image.data[at + k] = mixed[k] / total;
      image.data[at + 3] = (mixed[3] / total) * (0.7 + 0.3 * Math.min(1, most));
    }
  context.putImageData(image, 0, 0);
  return canvas;
}
