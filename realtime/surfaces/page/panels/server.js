// The model, the state of the server, and the messages that it has refused.

import { html, useEffect, useState } from "../ui.js";
import { onAnswer, send } from "../link.js";
import { use } from "../store.js";

function Models() {
  const playing = use("model").name;
  const [names, setNames] = useState([]);
  const [loading, setLoading] = useState("");
  useEffect(() => {
    fetch("/page/models").then(async (answer) => answer.ok && setNames(await answer.json()));
    const ready = (address) => address === "/morph/model" && setLoading("");
    const ends = [onAnswer("/morph/done", ready), onAnswer("/morph/error", ready)];
    return () => ends.forEach((end) => end());
  }, []);
  return html`<section class="card">
    <h2>Model</h2>
    <div class="row">
      ${names.map(
        (name) => html`<button
          type="button"
          key=${name}
          aria-pressed=${name === playing ? "true" : "false"}
          disabled=${loading !== ""}
          onClick=${() => {
            setLoading(name);
            send("/morph/model", name);
          }}
        >
          ${name === loading ? `${name} …` : name}
        </button>`,
      )}
    </div>
  </section>`;
}

function Facts() {
  const status = use("status") ?? {};
  const pages = use("pages");
  const facts = [
    ["Playing for", `${Math.floor(status.seconds ?? 0)} s`],
    ["Hits", status.hits],
    ["Voices let go", status.shed],
    ["Refused messages", status.refused],
    ["Pages open", pages],
  ];
  return html`<section class="card">
    <h2>Server</h2>
    <dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
  </section>`;
}

function Refused() {
  const messages = use("messages") ?? [];
  return html`<section class="card">
    <h2>Refused messages</h2>
    ${messages.length === 0 && html`<p class="hint">What any program sends and the server cannot carry out appears here, with the reason.</p>`}
    <ul class="messages">
      ${messages.map(
        ({ number, time, address, line }) => html`<li key=${number}><time>${time}</time> <code>${address}</code> ${line}</li>`,
      )}
    </ul>
  </section>`;
}

export function ServerPanel() {
  return html`<${Models} /><${Facts} /><${Refused} />`;
}
