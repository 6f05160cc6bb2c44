// The spectrum of a real signal.

/** Returns a function that gives the magnitudes [size / 2] of `size` samples under a Hann window. */
export function spectrum(size) {
  const window = Float32Array.from({ length: size }, (_, i) => (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size)) * (4 / size));
  const cosine = Float32Array.from({ length: size / 2 }, (_, i) => Math.cos((2 * Math.PI * i) / size));
  const sine = Float32Array.from({ length: size / 2 }, (_, i) => Math.sin((2 * Math.PI * i) / size));
  const bits = Math.log2(size);
  const order = Uint32Array.from({ length: size }, (_, i) => {
    let reversed = 0;
    for (let bit = 0; bit < bits; bit++) reversed |= ((i >> bit) & 1) << (bits - 1 - bit);
    return reversed;
  });
  const [re, im] = [new Float32Array(size), new Float32Array(size)];
  return (samples) => {
    im.fill(0);
    for (let i = 0; i < size; i++) re[order[i]] = samples[i] * window[i];
    for (let half = 1; half < size; half *= 2)
      for (let at = 0; at < size; at += 2 * half)
        for (let k = 0; k < half; k++) {
          const [turn, i, j] = [(k * size) / (2 * half), at + k, at + k + half];
          const x = re[j] * cosine[turn] + im[j] * sine[turn];
          const y = im[j] * cosine[turn] - re[j] * sine[turn];
          [re[j], im[j]] = [re[i] - x, im[i] - y];
          re[i] += x;
          im[i] += y;
        }
    return Float32Array.from({ length: size / 2 }, (_, i) => Math.hypot(re[i], im[i]));
  };
}
