// The libraries of the page: components from Preact, their markup from htm.

import { h } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export { render } from "./vendor/preact.js";
export { useEffect, useRef, useState } from "./vendor/hooks.js";
export const html = htm.bind(h);
