// OSC 1.0 packets: messages and bundles of them, with texts and numbers; numbers are sent as floats.

const text = new TextEncoder();
const IMMEDIATELY = 1n;

function padded(string) {
  const bytes = text.encode(string);
  const all = new Uint8Array((bytes.length + 4) & ~3);
  all.set(bytes);
  return all;
}

function argument(value) {
  if (typeof value === "string") return ["s", padded(value)];
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  return ["f", new Uint8Array(view.buffer)];
}

function join(parts) {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The bytes of a message. */
export function encode(address, ...values) {
  const given = values.map(argument);
  const tags = "," + given.map(([tag]) => tag).join("");
  return join([padded(address), padded(tags), ...given.map(([, bytes]) => bytes)]);
}

/** The bytes of a bundle of encoded messages that take effect at once. */
export function bundle(...messages) {
  const head = new DataView(new ArrayBuffer(8));
  head.setBigUint64(0, IMMEDIATELY);
  const sized = messages.flatMap((message) => {
    const size = new DataView(new ArrayBuffer(4));
    size.setInt32(0, message.length);
    return [new Uint8Array(size.buffer), message];
  });
  return join([padded("#bundle"), new Uint8Array(head.buffer), ...sized]);
}

/** Take an encoded message apart: its address and its arguments. */
export function decode(buffer) {
  const view = new DataView(buffer);
  const bytes = new Uint8Array(buffer);
  const read = new TextDecoder();
  let at = 0;
  const string = () => {
    const end = bytes.indexOf(0, at);
    const found = read.decode(bytes.subarray(at, end));
    at = (end + 4) & ~3;
    return found;
  };
  const address = string();
  const values = [...string().slice(1)].map((tag) => {
    if (tag === "s") return string();
    at += tag === "d" || tag === "h" ? 8 : 4;
    if (tag === "i") return view.getInt32(at - 4);
    if (tag === "f") return view.getFloat32(at - 4);
    if (tag === "d") return view.getFloat64(at - 8);
    throw new Error(`an argument of type ${tag}`);
  });
  return { address, values };
}
