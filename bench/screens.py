"""`python -m bench.screens -o docs`: take screenshots of Pure Data and SuperCollider with our patches.

Each of the two programs connects to a server that plays the bundled drums, and opens a window on a virtual
screen. This benchmark needs Debian's packages `xvfb`, `xdotool`, `imagemagick`, `puredata-gui` and
`supercollider-language`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from realtime.control.protocol import PORT
from realtime.model.decoder import resolve
from realtime.util.parser import Parser
from tests.system.rig import PATCHES, TIMEOUT_S, Process, Server, program

SCREEN = "1400x900x24"
SETTLED_S = 2.0  # time for a window to be drawn
WINDOW = """SoundMorph("127.0.0.1", {port}).gui; fork {{ 8.wait; "shown".postln }};"""
LIBRARY = "includePaths:\n    - {folder}\nexcludePaths: []\npostInlineWarnings: false\n"

Env = Mapping[str, str]


def main(argv: list[str] | None = None) -> int:
    """Take the screenshots."""
    parser = Parser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FOLDER", help="output folder")
    args = parser.parse_args(argv)
    with TemporaryDirectory() as made:
        folder = Path(made)
        presets = str(folder / "presets.json")
        with (
            Server(resolve("drums"), "--null", "--presets", presets, "--port", str(PORT)),
            Process([program("Xvfb"), "-displayfd", "1", "-screen", "0", SCREEN]) as screen,
        ):
            number = screen.wait_for(r"^(\d+)$")[1]
            env = {"DISPLAY": f":{number}", "HOME": made}
            for name, show in PICTURES.items():
                show(folder, env, args.out / name)
    return 0


def pure_data(folder: Path, env: Env, picture: Path) -> None:
    """Take a screenshot of the patch morph.pd, which connects to the server by itself."""
    options = ["-nrt", "-noaudio", "-nomidi", "-noprefs", "-stderr", "-open", str(PATCHES / "morph.pd")]
    with Process([program("pd"), *options], env) as pd:
        pd.wait_for("^reply: axes.reply ")
        take("morph.pd", env, picture)


def super_collider(folder: Path, env: Env, picture: Path) -> None:
    """Take a screenshot of the window that our SuperCollider class opens (`SoundMorph.gui`)."""
    library, script = folder / "library.yaml", folder / "window.scd"
    library.write_text(LIBRARY.format(folder=PATCHES / "SuperCollider"))
    script.write_text(WINDOW.format(port=PORT))
    apart = {"QTWEBENGINE_DISABLE_SANDBOX": "1", "XDG_RUNTIME_DIR": str(folder)}
    with Process([program("sclang"), "-l", str(library), str(script)], {**env, **apart}) as sclang:
        sclang.wait_for("^shown$")
        take("soundmorph", env, picture)


def take(title: str, env: Env, picture: Path) -> None:
    """Wait for the window whose title contains `title`, and write a screenshot of the window to `picture`."""
    search = [program("xdotool"), "search", "--sync", "--onlyvisible", "--name", title]
    found = subprocess.run(
        search, env={**os.environ, **env}, check=True, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    time.sleep(SETTLED_S)
    window = found.stdout.split()[-1]
    subprocess.run(
        [program("import"), "-window", window, str(picture)],
        env={**os.environ, **env},
        check=True,
        timeout=TIMEOUT_S,
    )


PICTURES: dict[str, Callable[[Path, Env, Path], None]] = {
    "pd.png": pure_data,
    "supercollider.png": super_collider,
}

if __name__ == "__main__":
    sys.exit(main())
