"""Measure the server's web page in a real browser, or take screenshots of it.

    python -m bench.page                    # measure size, first paint, and frame rate with 5,000 dots
    python -m bench.page --pictures docs    # take screenshots

The benchmark starts a server with the bundled drums. It needs Chromium and the extras `dev` and `offline`.
The browser's requestAnimationFrame counts the frames. Without a graphics card, the browser draws on the
processor, and the frame rate is low.
"""

from __future__ import annotations

import argparse
import io
import math
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from PIL import Image

from bench.machine.processes import cpu_s
from realtime.model.decoder import resolve
from realtime.util.parser import Parser
from tests.system.browser import Tab, browser
from tests.system.rig import Server

DOTS = 5000
MORPH_S = 5.0  # duration of the measurement of the frame rate
COLOURS = 255  # size of the palette; a small palette keeps the files small
STROKE = 30  # number of pointer moves before a screenshot
DESK, PHONE = (1440, 900), (390, 844)
#: file -> size of the window, theme
PICTURES: dict[str, tuple[tuple[int, int], Literal["dark", "light"]]] = {
    "page-dark.png": (DESK, "dark"),
    "page-light.png": (DESK, "light"),
    "page-phone-dark.png": (PHONE, "dark"),
    "page-phone-light.png": (PHONE, "light"),
}
#: JavaScript: drag the pressed pointer in a spiral among many dots; return frames, moves and seconds.
MORPH = """async ([count, seconds, x, y]) => {
  const model = {classes: [["a"], ["b"], ["c"], ["d"]], anchors: []};
  for (let i = 0; i < count; i++) model.anchors.push(["s" + i, i % 4, Math.random(), Math.random()]);
  soundmap.setModel(model);
  let frames = 0, moves = 0;
  const begun = performance.now();
  const mouse = setInterval(() => {
    const turn = ++moves / 40, wide = 40 + 20 * Math.sin(turn / 7);
    const place = {clientX: x + wide * Math.cos(turn), clientY: y + wide * Math.sin(turn)};
    const pointer = soundmap.fingers.keys().next().value;
    soundmap.frame.dispatchEvent(new PointerEvent("pointermove", {pointerId: pointer, buttons: 1, ...place}));
  }, 8);
  while (performance.now() - begun < 1000 * seconds) {
    await new Promise(requestAnimationFrame);
    frames++;
  }
  clearInterval(mouse);
  return [frames, moves, (performance.now() - begun) / 1000];
}"""
GROOVE = [("hihat", range(0, 16, 2)), ("kick", (0, 6, 8)), ("snare", (4, 12)), ("tom", (14, 15))]


def measure(address: str, pid: int) -> None:
    """Print the transferred size, the time of the first paint, and the frame rate during a drag among dots.

    The processor time per frame includes all processes of the browser. Unlike the frame rate, it hardly
    depends on what else the machine is doing.

    Args:
        address: URL of the page.
        pid: process ID of the server.
    """
    with browser(DESK) as context:
        tab = Tab(context.pages[0], address)
        weight = tab.page.evaluate(
            "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
            ".reduce((sum, each) => sum + each.transferSize, 0)"
        )
        paint = tab.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        print(f"weight {weight / 1000:.0f} kB, first paint after {paint:.0f} ms")
        x, y = tab.place(0.5, 0.5)
        tab.page.mouse.move(x, y)
        tab.page.mouse.down()
        before = cpu_s(os.getpid()) - cpu_s(pid)
        frames, moves, seconds = tab.page.evaluate(MORPH, [DOTS, MORPH_S, x, y])
        frame_ms = 1000 * (cpu_s(os.getpid()) - cpu_s(pid) - before) / frames
        tab.page.mouse.up()
        print(
            f"{DOTS} dots: {frames / seconds:.1f} frames and {moves / seconds:.0f} moves a second, "
            f"{frame_ms:.1f} ms of processor time a frame"
        )


def groove(server: Server) -> None:
    """Start a pattern in the sequencer, to show steps in the screenshots."""
    for lane, (name, steps) in enumerate(GROOVE):
        server.send("/morph/seq/add", name)
        loud = [0.0] * 16
        for step in steps:
            loud[step] = 0.9 if step % 4 == 0 else 0.6
        server.send(f"/morph/seq/lane/{lane}/velocities", *loud)
    server.send("/morph/seq/start")


def take_pictures(address: str, folder: Path) -> None:
    """Take all screenshots in `PICTURES`, each after a drag along an arc of the map."""
    for name, (size, theme) in PICTURES.items():
        with browser(size, theme, touch=size == PHONE) as context:
            context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
            tab = Tab(context.pages[0], address)
            tab.page.wait_for_selector(".transport")
            tab.page.mouse.move(*tab.place(0.25, 0.3))
            tab.page.mouse.down()
            for step in range(STROKE):
                angle = 2.5 * step / STROKE
                tab.page.mouse.move(*tab.place(0.5 - 0.25 * math.cos(angle), 0.3 + 0.35 * math.sin(angle)))
            shot = Image.open(io.BytesIO(tab.page.screenshot()))
            small = shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG)
            small.save(folder / name, optimize=True)
            tab.page.mouse.up()
            print(folder / name, flush=True)


def main() -> None:
    """Run the command line: measure, or take screenshots."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="take screenshots into this folder; measure nothing"
    )
    args = parser.parse_args()
    with (
        TemporaryDirectory() as folder,
        Server(resolve("drums"), "--null", "--synchronous", "--presets", f"{folder}/presets.json") as server,
    ):
        address = server.wait_for(r"^page +(http\S+)")[1]
        if args.pictures:
            groove(server)
            take_pictures(address, args.pictures)
        else:
            measure(address, server.pid)


if __name__ == "__main__":
    main()
