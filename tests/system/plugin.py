"""Helpers for tests of the plugins: compile a plugin host, and read the state and the log of a server."""

from __future__ import annotations

import gc
import json
import subprocess
from pathlib import Path
from typing import Any

from realtime.audio.bridge_memory import BridgeMemory
from tests.system.rig import program, wait_until

FRAMEWORK = Path("/usr/share/dpf")


def compiled(to: Path, *names: str) -> Path:
    """Compile C or C++ files that lie beside this file to a program in the folder `to`; return its path."""
    compilers = {".c": ["gcc"], ".cpp": ["g++", "-std=c++17", "-Wno-invalid-offsetof"]}
    objects = []
    for source in (Path(__file__).with_name(name) for name in names):
        objects.append(str(to / f"{source.stem}.o"))
        compiler, *options = compilers[source.suffix]
        options += ["-O1", "-isystem", f"{FRAMEWORK}/distrho/src", "-c", str(source), "-o", objects[-1]]
        subprocess.run([program(compiler), *options], check=True)
    subprocess.run([program("g++"), "-rdynamic", *objects, "-o", str(to / "host"), "-ldl"], check=True)
    return to / "host"


def state(folder: Path) -> dict[str, Any]:
    """Return the state that a server has stored in its bridge, the only bridge in `folder`."""
    (path,) = folder.glob("*.bridge")
    found: dict[str, Any] = json.loads(BridgeMemory(path).read_state() or "{}")
    return found


def last_log(folder: Path) -> Path:
    """Wait until all servers have ended; return the newest log."""
    gc.collect()  # deletes pedalboard's plugins, which are in reference cycles
    wait_until(lambda: not list(folder.glob("*.bridge")))
    return max(folder.parent.parent.glob("log*.jsonl"), key=lambda path: path.stat().st_mtime)
