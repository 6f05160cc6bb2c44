// The model, the state of the server, and the messages that it has refused.

import { html, useEffect, useState } from "../ui.js";
import { learnFolder, stopLearning } from "../files.js";
import { onAnswer, send } from "../link.js";
import { use } from "../store.js";

const CHECK_MS = 5000; // interval of checks for a new preview

const short = (file) => file.split("/").pop().replace(/\.onnx$/, "");

function Models() {
  const { id, name: playing } = use("model");
  const [names, setNames] = useState([]);
  const [loading, setLoading] = useState("");
  useEffect(() => {
    fetch("/page/models").then(async (answer) => answer.ok && setNames(await answer.json()));
  }, [id]);
  useEffect(() => {
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
          title=${name}
          aria-pressed=${short(name) === playing ? "true" : "false"}
          disabled=${loading !== ""}
          onClick=${() => {
            setLoading(name);
            send("/morph/model", name);
          }}
        >
          ${short(name)}${name === loading && " …"}
        </button>`,
      )}
    </div>
  </section>`;
}

/** Send the chosen folder. */
function learn(event) {
  const files = [...event.target.files].map((file) => ({ path: file.webkitRelativePath, file }));
  event.target.value = "";
  if (!files.length) return;
  const [name] = files[0].path.split("/");
  learnFolder(name, files.map(({ path, file }) => ({ path: path.slice(name.length + 1), file })));
}

function Kit() {
  const kit = use("kit");
  return html`<section class="card">
    <h2>Your own kit</h2>
    ${kit &&
    html`<p><b>${kit.name}</b> ${kit.line}</p>
      <progress value=${kit.part} aria-label="Training progress"></progress>`}
    ${kit?.learning && html`<button type="button" onClick=${stopLearning}>Stop learning</button>`}
    <label class="file">
      A folder of sounds (or drop it on the map)
      <input type="file" webkitdirectory onChange=${learn} />
    </label>
  </section>`;
}

/** Sounds of a run beside the model's, which `trainer play` renews while it learns. */
function Preview() {
  const model = use("model");
  const [version, setVersion] = useState("");
  useEffect(() => {
    const check = async () => {
      const answer = await fetch("/page/preview.png", { method: "HEAD" }).catch(() => null);
      if (answer) setVersion(encodeURIComponent(answer.headers.get("etag") ?? ""));
    };
    check();
    const again = setInterval(check, CHECK_MS);
    return () => clearInterval(again);
  }, [model]);
  if (!version) return null;
  const picture = `/page/preview.png?${version}`;
  return html`<section class="card">
    <h2>Preview</h2>
    <p class="hint">Real sounds beside the model's, the worst match first.</p>
    <a href=${picture} target="_blank"><img class="screen" src=${picture} alt="Waveforms and spectrograms, with distances" /></a>
    <audio class="screen" controls preload="none" src="/page/preview.wav?${version}" aria-label="Real sounds and the model's, in turn"></audio>
  </section>`;
}

function Facts() {
  const status = use("status") ?? {};
  const pages = use("pages");
  const facts = [
    ["Playing for", `${Math.floor(status.seconds ?? 0)} s`],
    ["Hits", status.hits],
    ["Voices faded out under load", status.shed],
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
    ${messages.length === 0 && html`<p class="hint">Messages that the server cannot carry out appear here, with the reason.</p>`}
    <ul class="messages">
      ${messages.map(
        ({ number, time, address, line }) => html`<li key=${number}><time>${time}</time> <code>${address}</code> ${line}</li>`,
      )}
    </ul>
  </section>`;
}

export function ServerPanel() {
  return html`<${Models} /><${Preview} /><${Kit} /><${Facts} /><${Refused} />`;
}
