// The latest message to the performer, for some seconds: mostly a refusal by the server, with its reason.

import { html, useEffect, useState } from "../ui.js";
import { use } from "../store.js";

const NOTE_MS = 6000;

export function Notes() {
  const messages = use("messages") ?? [];
  const [seen, setSeen] = useState(0);
  const latest = messages[0];
  useEffect(() => {
    if (!latest) return undefined;
    const timer = setTimeout(() => setSeen(latest.number), NOTE_MS);
    return () => clearTimeout(timer);
  }, [latest]);
  return html`<div class="notes" role="alert">
    ${latest && latest.number > seen && html`<p><code>${latest.address}</code> ${latest.line}</p>`}
  </div>`;
}
