// Views of the sound: scope, spectrogram, latency, load and recorded takes.

import { html, useEffect, useRef, useState } from "../ui.js";
import { Icon } from "../icons.js";
import { onAnswer, send } from "../link.js";
import { listen } from "../listening.js";
import { get, use } from "../store.js";
import { Scope, Spectrogram } from "./pictures.js";

const REQUEST_MS = 1000; // between two requests for the latency

function Pictures() {
  const [scope, spectrogram] = [useRef(), useRef()];
  useEffect(() => {
    const pictures = [new Scope(scope.current), new Spectrogram(spectrogram.current)];
    return listen((_, samples) => {
      const rate = get("status.sample_rate");
      const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink");
      pictures[0].add(samples, rate, ink);
      pictures[1].add(samples, rate, get("theme") === "light");
    });
  }, []);
  return html`<section class="card">
    <h2>Scope</h2>
    <canvas class="screen" width="700" height="180" ref=${scope} role="img" aria-label="Waveform of the output"></canvas>
    <h2>Spectrogram</h2>
    <canvas class="screen" width="350" height="160" ref=${spectrogram} role="img" aria-label="Spectrogram of the output"></canvas>
  </section>`;
}

const ms = (value) => (value > 0 ? `${value.toFixed(1)} ms` : "–");

function Figures() {
  const [terms, setTerms] = useState({});
  const status = use("status") ?? {};
  useEffect(() => {
    const end = onAnswer("/morph/latency.reply", (...values) =>
      setTerms(Object.fromEntries(values.flatMap((value, i) => (i % 2 ? [] : [[value, values[i + 1]]])))),
    );
    send("/morph/get/latency");
    const timer = setInterval(() => send("/morph/get/latency"), REQUEST_MS);
    return () => (end(), clearInterval(timer));
  }, []);
  const facts = [
    ["A hit is heard within", ms(terms.total)],
    ["A move is heard within", ms(terms.coordinate_total)],
    ["Message to sound, as measured (99 %)", ms(status.p99_ms)],
    ["Load", `${Math.round(100 * (status.load ?? 0))} %`],
    ["Voices", `${status.voices ?? 0} of ${status.max_voices ?? 0}`],
    ["Late blocks", status.late_blocks],
    ["Device interruptions", status.xruns],
  ];
  return html`<section class="card">
    <h2>Latency and load</h2>
    <dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
  </section>`;
}

function Takes() {
  const [files, setFiles] = useState([]);
  useEffect(() => {
    const load = async () => {
      const answer = await fetch("/page/takes");
      if (answer.ok) setFiles(await answer.json());
    };
    load();
    return onAnswer("/morph/done", (address) => address === "/morph/record/stop" && load());
  }, []);
  return html`<section class="card">
    <h2>Takes</h2>
    ${files.length === 0 && html`<p class="hint">Record in the bar above; the sound and its log are listed here.</p>`}
    <ul class="list">
      ${files.map(
        (name) => html`<li key=${name}>
          <a class="grow" href="/page/takes/${encodeURIComponent(name)}" download=${name}><${Icon} name="save" /> ${name}</a>
        </li>`,
      )}
    </ul>
  </section>`;
}

export function SoundPanel() {
  return html`<${Pictures} /><${Figures} /><${Takes} />`;
}
