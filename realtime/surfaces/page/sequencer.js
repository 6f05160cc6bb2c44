// The state of the server's sequencer, kept up to date.

import { onAnswer, send } from "./link.js";
import { get, set, watch } from "./store.js";

const pairs = (values) =>
  Object.fromEntries(Array.from({ length: values.length >> 1 }, (_, i) => [values[2 * i], values[2 * i + 1]]));

onAnswer("/morph/seq.reply", (...values) => {
  const head = pairs(values);
  set("seq", head);
  set("lanes", (get("lanes") ?? []).slice(0, head.lanes));
  if (head.path === 0) set("path", []);
});

onAnswer("/morph/seq/path.reply", (...values) =>
  set("path", Array.from({ length: values.length >> 1 }, (_, i) => ({ x: values[2 * i], y: values[2 * i + 1] }))),
);

onAnswer("/morph/seq/lane.reply", (index, ...values) => {
  const at = values.indexOf("steps");
  const lane = pairs(values.slice(0, at));
  const steps = values.slice(at + 1);
  lane.steps = Array.from({ length: steps.length >> 1 }, (_, i) => [steps[2 * i], steps[2 * i + 1]]);
  const lanes = [...(get("lanes") ?? [])];
  lanes[index] = lane;
  set("lanes", lanes);
});

onAnswer("/morph/patterns.reply", (...names) => set("patterns", names));

let revision = null;

watch("status.seq_revision", (now) => {
  if (now === revision) return;
  revision = now;
  send("/morph/get/seq");
  send("/morph/get/patterns");
});

watch("connected", (connected) => {
  revision = null;
  if (connected) send("/morph/get/seq");
});
