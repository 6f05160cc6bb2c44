// A colour for each class: hues far apart, legible in the dark and in the light theme.

const HUES = [25, 215, 145, 300, 75, 260, 180, 340, 110, 50];
const GOLDEN_ANGLE = 137.508;
const GROUND = { dark: 62, light: 74 }; // opacity of regions, of 255

const probe = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
const isLight = () => document.documentElement.dataset.theme === "light";

/** The hue of a class, in degrees. */
const hue = (label) => (label < HUES.length ? HUES[label] : (label * GOLDEN_ANGLE) % 360);

/** The colour of a class, in CSS notation. */
export function colour(label, alpha = 1) {
  const [lightness, chroma] = isLight() ? [0.47, 0.17] : [0.78, 0.15];
  return `oklch(${lightness} ${chroma} ${hue(label)} / ${alpha})`;
}

/** The colour of the regions of a class: red, green, blue and opacity, 0..255. */
export function groundOf(label) {
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = colour(label);
  probe.fillRect(0, 0, 1, 1);
  const [red, green, blue] = probe.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, isLight() ? GROUND.light : GROUND.dark];
}

/** The colour of a named point: the colour of its class; for a preset, the colour of text. */
export function colourOf(model, name) {
  const label = model.classes.findIndex(([each]) => each === name);
  if (label >= 0) return colour(label);
  const anchor = model.anchors.find(([each]) => each === name);
  return anchor ? colour(anchor[1]) : "var(--ink)";
}
