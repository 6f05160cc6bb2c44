"""The page in a real browser: weight, first paint, frames a second with 5,000 dots, and pictures of it.

    python -m bench.page
    python -m bench.page --pictures docs

It starts a server of its own on the bundled drums and needs Chromium and the extras `dev` and `offline`.
Frames are counted by the browser's own requestAnimationFrame.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from PIL import Image

from realtime.model.decoder import resolve
from tests.system.browser import Tab, browser
from tests.system.rig import Server

DOTS = 5000
FRAMES_S = 5.0
COLOURS = 255  # of a picture, so that it is small
DESK, PHONE = (1440, 900), (390, 844)
#: file -> size of the window, theme, panel
PICTURES: dict[str, tuple[tuple[int, int], Literal["dark", "light"], str]] = {
    "page-dark.png": (DESK, "dark", "morph"),
    "page-light.png": (DESK, "light", "steps"),
    "page-phone.png": (PHONE, "dark", "morph"),
}
MANY = """count => {
  const model = {classes: [["a"], ["b"], ["c"], ["d"]], anchors: []};
  for (let i = 0; i < count; i++) model.anchors.push(["s" + i, i % 4, Math.random(), Math.random()]);
  soundmap.setModel(model);
}"""
GROOVE = [("hihat", range(0, 16, 2)), ("kick", (0, 6, 8)), ("snare", (4, 12)), ("tom", (14, 15))]


def measure(address: str) -> None:
    """Print weight, first paint, and frames a second while the point moves among many dots."""
    with browser(DESK) as context:
        tab = Tab(context.pages[0], address)
        weight = tab.page.evaluate(
            "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
            ".reduce((sum, each) => sum + each.transferSize, 0)"
        )
        paint = tab.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        print(f"weight {weight / 1000:.0f} kB, first paint after {paint:.0f} ms")
        tab.page.evaluate(MANY, DOTS)
        left, top = tab.place(0.1, 0.1)
        tab.page.mouse.move(left, top)
        tab.page.mouse.down()
        frames, moved, begun = tab.page.evaluate("[soundmap.frames, 0, performance.now()]")
        while (now := tab.page.evaluate("performance.now()")) - begun < 1000 * FRAMES_S:
            moved += 1
            tab.page.mouse.move(left + 5 * (moved % 100), top - 3 * (moved % 100))
        tab.page.mouse.up()
        shown = tab.page.evaluate("soundmap.frames") - frames
        print(f"{DOTS} dots: {1000 * shown / (now - begun):.1f} frames a second, {moved} moves")


def groove(server: Server) -> None:
    """Have the sequencer play something to look at."""
    for lane, (name, steps) in enumerate(GROOVE):
        server.send("/morph/seq/add", name)
        loud = [0.0] * 16
        for step in steps:
            loud[step] = 0.9 if step % 4 == 0 else 0.6
        server.send(f"/morph/seq/lane/{lane}/velocities", *loud)
    server.send("/morph/seq/start")


def take_pictures(address: str, folder: Path) -> None:
    """Take all `PICTURES`, each with the point on its way."""
    for name, (size, theme, panel) in PICTURES.items():
        with browser(size, touch=size == PHONE) as context:
            tab = Tab(context.pages[0], address)
            if theme == "light":
                tab.page.evaluate("document.querySelector('#tab-server').click()")
                tab.page.click("button:text-is('Light')")
            tab.page.evaluate(f"document.querySelector('#tab-{panel}').click()")
            tab.page.mouse.move(*tab.place(0.3, 0.5))
            tab.page.mouse.down()
            for step in range(20):
                tab.page.mouse.move(*tab.place(0.3 + 0.02 * step, 0.5 + 0.01 * step))
                tab.page.wait_for_timeout(20)
            shot = Image.open(io.BytesIO(tab.page.screenshot()))
            shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(folder / name, optimize=True)
            tab.page.mouse.up()
            print(folder / name)


def main() -> None:
    """Measure, or take pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="take pictures instead")
    args = parser.parse_args()
    with (
        TemporaryDirectory() as folder,
        Server(resolve("drums"), "--null", "--presets", f"{folder}/presets.json") as server,
    ):
        address = server.wait_for(r"^page +(http\S+)")[1]
        if args.pictures:
            groove(server)
            take_pictures(address, args.pictures)
        else:
            measure(address)


if __name__ == "__main__":
    main()
