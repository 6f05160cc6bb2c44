// The connection to the server: OSC out, replies and states in; it reconnects by itself.

import { bundle, decode, encode } from "./osc.js";
import { get, set } from "./store.js";

const AGAIN_MS = [250, 500, 1000, 2000];
const MAX_MESSAGES = 50;

let socket = null;
let tries = 0;
let numbers = 0;
const answers = new Map();
const midiActs = new Set();

/** Connect, and reconnect whenever the connection is lost. */
export function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/page/socket`);
  socket.binaryType = "arraybuffer";
  socket.onopen = async () => {
    tries = 0;
    set("connected", true);
    await loadModel();
  };
  socket.onmessage = ({ data }) => (typeof data === "string" ? takeState(JSON.parse(data)) : takeAnswer(decode(data)));
  socket.onclose = () => {
    set("connected", false);
    setTimeout(connect, AGAIN_MS[Math.min(tries++, AGAIN_MS.length - 1)]);
  };
}

/** Send a message. */
export function send(address, ...values) {
  transmit(encode(address, ...values));
}

/** Send messages that take effect together: each an array of an address and its arguments. */
export function sendTogether(...messages) {
  transmit(bundle(...messages.map((message) => encode(...message))));
}

/** Call `act` with the arguments of every reply with an address; returns a function that ends this. */
export function onAnswer(address, act) {
  if (!answers.has(address)) answers.set(address, new Set());
  answers.get(address).add(act);
  return () => answers.get(address).delete(act);
}

/** Call `act` with the bytes of every MIDI message that the server receives. */
export const onMidi = (act) => midiActs.add(act);

function transmit(packet) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(packet);
}

function takeState(state) {
  const { refused, midi, ...parts } = state;
  for (const message of midi) for (const act of midiActs) act(message);
  for (const [address, reason] of refused) note(reason, address);
  if (document.hidden) return; // nothing to draw; the next state comes soon
  for (const part of Object.keys(parts)) set(part, parts[part]);
  for (const [name, value] of Object.entries(state.status)) set(`status.${name}`, value);
  const model = get("model");
  if (model && state.status.model_id !== model.id) loadModel();
}

function takeAnswer({ address, values }) {
  for (const act of [...(answers.get(address) ?? [])]) act(...values);
}

onAnswer("/morph/axes.reply", (...ends) => set("axes", ends.flatMap((low, i) => (i % 2 ? [] : [[low, ends[i + 1]]]))));

/** Show a line to the performer. */
export function note(line, address = "") {
  const entry = { number: ++numbers, time: new Date().toLocaleTimeString(), address, line };
  set("messages", [entry, ...(get("messages") ?? [])].slice(0, MAX_MESSAGES));
}

let loading = null;

function loadModel() {
  loading ??= fetchModel().finally(() => (loading = null));
  return loading;
}

async function fetchModel() {
  const model = await (await fetch("/page/model")).json();
  set("axes", null);
  set("model", model);
  const regions = await (await fetch("/page/regions")).json();
  set("regions", { id: model.id, ...regions });
  send("/morph/get/axes"); // the server measures them if it has not done so yet
}
