"""The option --plugin, and what can be said of it before anything heavy is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from realtime.errors import RealtimeError

MAX_PLUGINS = 32


class PluginError(RealtimeError):
    """Plugins that cannot be used here."""


def add_argument(parser: Any) -> None:
    """--plugin"""
    parser.add_argument(
        "--plugin",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a VST3 or AU effect after the mixer; several, in order, if given several times",
    )


def require(paths: Sequence[Path]) -> None:
    """Whether plugins can be used at all, before anything else starts.

    Raises:
        PluginError: pedalboard is missing, or a path leads nowhere.
    """
    if paths and not find_spec("pedalboard"):
        raise PluginError("--plugin needs one more package (GPL-3): pip install pedalboard")
    if len(paths) > MAX_PLUGINS:
        raise PluginError(f"{len(paths)} plugins; {MAX_PLUGINS} are accepted")
    for path in paths:
        if not path.exists():
            raise PluginError(f"no such plugin: {path}")
