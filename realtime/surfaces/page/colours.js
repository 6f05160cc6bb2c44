// One colour a class, as far apart as the classes allow, light enough on dark and dark enough on light.

const HUES = [25, 215, 145, 300, 75, 260, 180, 340, 110, 50];
const GOLDEN_ANGLE = 137.508;

export const isLight = () =>
  (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark")) ===
  "light";

/** The hue of a class, in degrees. */
export const hue = (label) => (label < HUES.length ? HUES[label] : (label * GOLDEN_ANGLE) % 360);

/** The colour of a class, as CSS has it. */
export function colour(label, alpha = 1) {
  const [lightness, chroma] = isLight() ? [0.5, 0.17] : [0.78, 0.15];
  return `oklch(${lightness} ${chroma} ${hue(label)} / ${alpha})`;
}
