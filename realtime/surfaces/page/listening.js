// The output of the server, streamed to the views that show it.

const AGAIN_MS = 1000;
const FULL_SCALE = 32768;

/** Call `receive(first, samples)` with the output as it arrives; returns a function that ends this. */
export function listen(receive) {
  let socket = null;
  let over = false;
  const open = () => {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/page/sound`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      const view = new DataView(data);
      const samples = new Float32Array((data.byteLength - 8) / 2);
      for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(8 + 2 * i, true) / FULL_SCALE;
      receive(view.getFloat64(0, true), samples);
    };
    socket.onclose = () => over || setTimeout(() => over || open(), AGAIN_MS);
  };
  open();
  return () => {
    over = true;
    socket.close();
  };
}
