// The computer's keyboard: letters play the classes, space plays the point, Escape is panic.

import { send } from "./link.js";
import { strike } from "./play.js";
import { get } from "./store.js";

/** The key of each class, in their order. */
export const PAD_KEYS = "asdfghjkl";

function undoOrRedo(event) {
  if (event.key.toLowerCase() !== "z" || event.altKey || event.target.closest("input, textarea")) return false;
  const grid = event.target.closest(".steps-dock") ? "/morph/seq" : "/morph";
  send(`${grid}/${event.shiftKey ? "redo" : "undo"}`);
  return true;
}

function playOrStop(event) {
  if (event.key === "Escape") {
    send("/morph/panic");
    return true;
  }
  const typing = event.target.closest("input, textarea, select, button, summary, [role=application]");
  if (typing && event.target.type !== "range") return false;
  const name = get("model")?.classes[PAD_KEYS.indexOf(event.key)]?.[0];
  if (name !== undefined) strike(name);
  else if (event.key === " ") strike();
  else return false;
  return true;
}

addEventListener("keydown", (event) => {
  if (event.repeat) return;
  const done = event.ctrlKey || event.metaKey ? undoOrRedo(event) : !event.altKey && playOrStop(event);
  if (done) event.preventDefault();
});
