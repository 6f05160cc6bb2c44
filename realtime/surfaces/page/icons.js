// The icons of buttons: strokes on a grid of 24.

import { html } from "./ui.js";

const STROKES = {
  undo: "M9 7 4 12l5 5M4 12h11a4.5 4.5 0 0 1 0 9h-2",
  redo: "m15 7 5 5-5 5m5-5H9a4.5 4.5 0 0 0 0 9h2",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  whole: "M9 4H4v5M15 4h5v5M9 20H4v-5M15 20h5v-5",
  hand: "M12 3v18M3 12h18M12 3 9 6m3-3 3 3m-3 15-3-3m3 3 3-3M3 12l3-3m-3 3 3 3m15-3-3-3m3 3-3 3",
  path: "M4 18c0-8 6-2 7-8s8-7 9-4",
  lasso: "M12 5c5 0 9 2 9 5s-4 5-9 5-9-2-9-5 4-5 9-5Zm-5 10c0 3 1 5 4 5",
  play: "M7 4v16l13-8z",
  record: "M12 5a7 7 0 1 0 0 14 7 7 0 0 0 0-14Z",
  save: "M12 4v11m-5-5 5 5 5-5M5 20h14",
  stop: "M6 6h12v12H6z",
  cross: "m6 6 12 12M18 6 6 18",
  dice: "M5 5h14v14H5zM9 9h.01M15 15h.01M15 9h.01M9 15h.01",
  shuffle: "M4 7h3l9 10h4m-3-3 3 3-3 3M4 17h3l3-3.3M13 10.3l3-3.3h4m-3-3 3 3-3 3",
  fold: "m6 9 6 6 6-6",
  midi: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM7.5 12h.01M16.5 12h.01M8.8 8.8h.01M15.2 8.8h.01M12 7.5h.01M10 20v-2h4v2",
  light: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1 1M18 18l1 1M5 19l1-1M18 6l1-1",
  dark: "M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5Z",
};

/** An icon; the button around it has the label. */
export function Icon({ name }) {
  return html`<svg class="icon ${name}" viewBox="0 0 24 24" aria-hidden="true"><path d=${STROKES[name]} /></svg>`;
}
