"""`realtime serve`: play live, controlled by OSC messages."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from realtime.cli import surfaces
from realtime.cli.arguments import add_decoder, add_finish, add_gain, add_model, names, number, outputs, whole
from realtime.synth.commands import HIT_SETTINGS
from realtime.synth.quantities import HEADROOM_DB
from realtime.util.errors import RealtimeError

DATED = object()
"""Value of --record and --log if they are given without a file; the file is then named by date and time."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the `serve` command."""
    add_arguments(commands.add_parser("serve", help="play live, controlled by OSC messages"))


def add_arguments(serve: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_model(serve)
    serve.add_argument(
        "--device",
        help="output device: number or part of a name from `realtime devices`; bridge:NAME: a program "
        "on this machine that requests blocks through shared memory; default: the system's",
    )
    serve.add_argument("--null", action="store_true", help="run without a sound card, timed by the clock")
    serve.add_argument(
        "--rate", type=whole(1000, 768_000), metavar="HZ", help="sample rate; default: the device's"
    )
    serve.add_argument(
        "--channels",
        type=outputs,
        default=(1, 2),
        metavar="A[,B]",
        help="outputs of the device, counted from 1; default: 1,2",
    )
    serve.add_argument(
        "--outs",
        type=names,
        default=(),
        metavar="NAME[,NAME …]",
        help="more pairs of outputs, which follow those of --channels. A pair named after a class (kick, or "
        "class/1 for the model's first class) or a touch (touch/3) gets its hits; any pair gets the hits "
        "whose setting `out` is its number. On JACK, the ports have these names",
    )
    serve.add_argument(
        "--block", type=whole(16, 8192), default=128, metavar="SAMPLES", help="block size; default: 128"
    )
    serve.add_argument(
        "--ahead",
        type=whole(1, 64),
        metavar="BLOCKS",
        help="maximum number of finished blocks in the queue: more is safer, but adds latency; "
        "default: as many as needed, up to 8; with --steady: 3",
    )
    serve.add_argument(
        "--steady",
        action="store_true",
        help="keep the queue of --ahead blocks full: every hit has the latency printed at the start",
    )
    serve.add_argument(
        "--dynamics",
        type=number(*HIT_SETTINGS["dynamics"].quantity.range),
        default=1.0,
        metavar="AMOUNT",
        help="effect of velocity on the timbre, if the model has learnt such an effect; default: 1; "
        "0: velocity changes only the level",
    )
    serve.add_argument("--voices", type=whole(1, 64), default=8, help="simultaneous sounds; default: 8")
    add_gain(serve)
    add_finish(serve, HEADROOM_DB.default, f"{HEADROOM_DB.default:g}")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on; default: this machine only")
    serve.add_argument(
        "--port", type=whole(0, 65535), default=9000, help="UDP port; default: 9000; 0: any free port"
    )
    serve.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="ADDRESS[/PREFIX]",
        help="accept messages only from this address or network; may be repeated",
    )
    serve.add_argument(
        "--library",
        type=Path,
        metavar="FOLDER",
        help="folder of the files that messages may name; default: none or, with --device bridge:NAME, "
        "the folder `models` in the user's data folder",
    )
    serve.add_argument(
        "--takes",
        type=Path,
        metavar="FOLDER",
        help="folder for the recordings that the web page and /morph/record/start make; "
        "default: `takes` in the user's data folder",
    )
    serve.add_argument(
        "--presets", type=Path, metavar="FILE", help="file of presets; default: one in the user's data folder"
    )
    serve.add_argument("--restore", action="store_true", help="restore the state of the last session")
    dated = "without FILE: to a file in the folder of --takes, named by date and time"
    serve.add_argument(
        "--record",
        type=Path,
        nargs="?",
        const=DATED,
        metavar="FILE",
        help=f"record the output (.wav, .flac or .ogg); {dated}",
    )
    serve.add_argument(
        "--log",
        type=Path,
        nargs="?",
        const=DATED,
        metavar="FILE",
        help=f"log all commands (.jsonl), for `realtime render FILE`; {dated}",
    )
    serve.add_argument("--force", action="store_true", help="replace existing --record and --log files")
    add_decoder(serve)
    serve.add_argument(
        "--synchronous",
        action="store_true",
        help="make the device wait for late blocks, for exact recordings with --record or a synchronous "
        "JACK server",
    )
    serve.add_argument(
        "--verbose", action="store_true", help="print more at the start, such as components of the latency"
    )
    serve.add_argument(
        "--quiet",
        action="store_true",
        help="do not print refused messages or completed work, such as stored presets",
    )
    serve.add_argument(
        "--with-host",
        action="store_true",
        help="end when the last program has disconnected from --device bridge:NAME",
    )
    serve.add_argument("--seconds", type=number(0.0, 1e9), metavar="N", help="stop after N seconds")
    surfaces.add_arguments(serve)


def check(args: argparse.Namespace) -> None:
    """Check that each option can have an effect beside the others, and that the folders can be used.

    Raises:
        RealtimeError: an option is refused.
    """
    from realtime.live.config import BRIDGE

    bridge = not args.null and (args.device or "").startswith(BRIDGE)
    if args.with_host and not bridge:
        raise RealtimeError("--with-host needs --device bridge:NAME")
    if args.outs and len(args.channels) != 2:
        raise RealtimeError("--outs needs a pair of --channels, such as 1,2")
    surfaces.check(args, bridge)
    if args.library and not args.library.is_dir():
        raise RealtimeError(f"--library {args.library} is not a directory")
    if args.takes:
        _make(args.takes)


def run(args: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from realtime.control.presets import default_presets
    from realtime.model.decoder import resolve
    from realtime.util import files

    check(args)
    model = resolve(args.model)
    takes: Path = args.takes or default_presets().parent / "takes"
    args.record, args.log = _dated(args.record, takes, ".wav"), _dated(args.log, takes, ".jsonl")
    if args.record:
        files.check(args.record, args.force)
    from realtime.cli.server import ServeConfig, serve
    from realtime.live.config import SoundConfig
    from realtime.synth import outs
    from realtime.synth.output import Finish
    from realtime.synth.plugins import require

    require(args.plugin)
    outs.check(args.outs)
    sound = SoundConfig(
        model=model,
        device=args.device,
        null=args.null,
        rate=args.rate,
        channels=args.channels,
        outs=args.outs,
        block=args.block,
        ahead=args.ahead,
        steady=args.steady,
        voices=args.voices,
        gain_db=args.gain,
        finish=Finish(args.dc_block, args.headroom, args.limiter),
        library=_library(args),
        takes=takes,
        record=args.record,
        log=args.log,
        force=args.force,
        threads=args.threads,
        provider=args.provider,
        synchronous=args.synchronous,
        plugins=tuple(args.plugin),
    )
    return serve(
        ServeConfig(
            sound=sound,
            dynamics=args.dynamics,
            with_host=args.with_host,
            host=args.host,
            port=args.port,
            allow=tuple(args.allow),
            presets=args.presets,
            restore=args.restore,
            seconds=args.seconds,
            surfaces=surfaces.config(args),
            quiet=args.quiet,
            verbose=args.verbose,
        )
    )


def _dated(given: Path | object | None, takes: Path, suffix: str) -> Path | None:
    """Return the given file, or for `DATED` the path of a new file in the folder `takes`."""
    if given is not DATED:
        return given if isinstance(given, Path) else None
    _make(takes)
    from realtime.util.recordings import free

    name = time.strftime(f"set-%Y%m%d-%H%M%S{suffix}")
    return free(takes / name)


def _make(takes: Path) -> None:
    """Create the folder of takes if it does not exist."""
    try:
        takes.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RealtimeError(f"cannot create the folder of takes {takes}: {error.strerror}") from error
    if not os.access(takes, os.W_OK):
        raise RealtimeError(f"cannot write to the folder of takes {takes}")


def _library(args: argparse.Namespace) -> Path | None:
    """Return the folder of the files that messages may name.

    If the device is a bridge (shared memory from which a plugin host takes the sound) and no folder is given,
    create a folder for the models that the host's projects contain.
    """
    from realtime.control.presets import default_presets
    from realtime.live.config import BRIDGE

    library: Path | None = args.library
    if library is None and (args.device or "").startswith(BRIDGE):
        library = default_presets().parent / "models"
        try:
            library.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RealtimeError(f"cannot create the model folder {library}: {error.strerror}") from error
    return library
