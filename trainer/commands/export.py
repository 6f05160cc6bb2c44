"""`trainer export`: run `python -m export`, which this package must not import."""

from __future__ import annotations

import importlib

HELP = "turn a run into the .onnx files for the stage"


def run(rest: list[str]) -> int:
    """Run the export with the rest of the command line; return its exit code."""
    try:
        code: int = importlib.import_module("export.__main__").main(rest)
    except SystemExit as stop:  # of the parser, which has printed why
        return stop.code if isinstance(stop.code, int) else 2
    return code
