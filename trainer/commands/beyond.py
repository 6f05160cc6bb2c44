"""Commands of packages that this one must not import: `trainer export` and `trainer play`."""

from __future__ import annotations

import importlib

COMMANDS = {
    "play": ("export.play.__main__", "learn a folder of sounds and play them meanwhile"),
    "export": ("export.__main__", "turn a run into the .onnx files for the stage"),
}
"""Module and help of each command."""


def run(name: str, rest: list[str]) -> int:
    """Run a command with the rest of the command line; return its exit code."""
    return int(importlib.import_module(COMMANDS[name][0]).main(rest, f"trainer {name}"))
