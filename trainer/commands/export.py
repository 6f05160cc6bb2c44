"""`trainer export`: run `python -m export`, which this package must not import."""

from __future__ import annotations

import runpy
import sys

HELP = "turn a run into the .onnx files for the stage"


def run(rest: list[str]) -> int:
    """Run the export with the rest of the command line."""
    before = sys.argv
    sys.argv = ["trainer export", *rest]
    try:
        runpy.run_module("export", run_name="__main__")
    except SystemExit as stop:
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
            return 1
        return stop.code or 0
    finally:
        sys.argv = before
    return 0
