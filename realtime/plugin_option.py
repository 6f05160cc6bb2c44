"""The options --plugin and --trust-plugins, and what can be said of it before anything heavy is loaded."""

from __future__ import annotations

import argparse
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


def add_trust_argument(parser: Any) -> None:
    """--trust-plugins"""
    parser.add_argument(
        "--trust-plugins",
        action="store_true",
        help="load the plugins that a log names; they run as programs of yours",
    )


def check_log_options(args: argparse.Namespace) -> None:
    """Check --trust-plugins against the other options.

    Raises:
        PluginError: there is no log, or --plugin is given as well.
    """
    if args.trust_plugins and (args.plugin or args.source is None or args.source.suffix != ".jsonl"):
        raise PluginError("--trust-plugins loads the plugins of a log: it takes a log, and no --plugin")


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
