"""`realtime morphology`: draw a sequence file or the log of a performance."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from realtime.cli.arguments import add_decoder, add_plugin, add_trust_plugins, check_log_options, whole
from realtime.util import install, signals
from realtime.util.errors import RealtimeError


def add_parser(commands: Any) -> None:
    """Add the `morphology` command."""
    parser = commands.add_parser("morphology", help="draw a sequence or a performance as PNG and HTML")
    parser.add_argument("source", type=Path, metavar="FILE", help="a sequence or a log (.toml, .jsonl)")
    parser.add_argument("--model", help="an .onnx file or a bundled model; default: the log's, or drums")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="NAME",
        help="write NAME.png and NAME.html; default: the name of FILE",
    )
    parser.add_argument(
        "--rate", type=whole(1000, 768_000), metavar="HZ", help="sample rate; default: the model's"
    )
    parser.add_argument(
        "--presets", type=Path, metavar="FILE", help="file of presets; default: one in the user's data folder"
    )
    parser.add_argument(
        "--jobs", type=whole(1, 256), help="number of threads that decode sounds; default: one for each core"
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    add_plugin(parser)
    add_trust_plugins(parser)
    add_decoder(parser)
    # `draw` also reads these options, which only `realtime render` has
    parser.set_defaults(
        bits=None,
        channels=None,
        gain=0.0,
        normalise=None,
        lufs=None,
        format="wav",
        dc_block=0.0,
        headroom=0.0,
        limiter=False,
        dry=False,
    )


def run(args: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from realtime.cli.render import logged_model
    from realtime.model.decoder import resolve
    from realtime.synth.plugins import require

    if args.source.suffix not in (".toml", ".jsonl"):
        raise RealtimeError(f"cannot draw {args.source.name!r}: only .toml and .jsonl files are accepted")
    require(args.plugin)
    check_log_options(args)
    try:
        from realtime.offline.morphology import draw
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise RealtimeError(f"drawing needs matplotlib: {install.command('soundmorph[offline]')}") from error
    signals.raise_on_interrupt()
    args.output = args.output or args.source.with_suffix("")
    for path in draw(args, resolve(args.model or logged_model(args.source) or "drums")):
        print(path)
    return 0
