// Sound files for the server: a file becomes a preset, a folder becomes a kit.

import { note } from "./link.js";

const SOUND = /\.(wav|flac|aiff?|ogg|mp3)$/i;

/** Make the server encode sound files to presets, one after the other. */
export async function keepSounds(files) {
  for (const file of files) {
    note("is being encoded …", file.name);
    const answer = await post(`/page/sounds?name=${encodeURIComponent(file.name)}`, file);
    note(answer.ok ? `is the preset “${(await answer.json()).name}” now` : await answer.text(), file.name);
  }
}

/** Make the server learn a folder: an array of files, each with its path in the folder. */
export async function learnFolder(name, files) {
  const sounds = files.filter(({ path }) => SOUND.test(path) && !/(^|\/)\./.test(path));
  note(`${sounds.length} sounds are being sent …`, name);
  const form = new FormData();
  for (const { path, file } of sounds) form.append(path, file);
  const answer = await post(`/page/kits?name=${encodeURIComponent(name)}`, form);
  note(answer.ok ? "is being learnt, and plays from its first version on" : await answer.text(), name);
}

export const stopLearning = () => fetch("/page/kits", { method: "DELETE" });

/** Handle dropped items: folders become kits, sound files presets. */
export async function drop(event) {
  event.preventDefault();
  const items = [...event.dataTransfer.items].filter(({ kind }) => kind === "file");
  const dropped = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() })); // readable only during the event
  for (const { entry } of dropped) if (entry?.isDirectory) await learnFolder(entry.name, await filesIn(entry));
  await keepSounds(dropped.filter(({ entry }) => !entry?.isDirectory).map(({ file }) => file));
}

/** All files of a folder, each with its path in it. */
async function filesIn(folder, path = "") {
  const reader = folder.createReader();
  const found = [];
  for (let some = [null]; some.length; ) {
    some = await new Promise((done, fail) => reader.readEntries(done, fail)); // in batches
    for (const entry of some) {
      if (entry.isDirectory) found.push(...(await filesIn(entry, `${path}${entry.name}/`)));
      else found.push({ path: path + entry.name, file: await new Promise((done, fail) => entry.file(done, fail)) });
    }
  }
  return found;
}

async function post(address, body) {
  try {
    return await fetch(address, { method: "POST", body });
  } catch {
    return new Response("could not be sent: it is too large, or the connection was lost", { status: 400 });
  }
}
