"""`realtime render`: write a morph, a sequence or a logged performance to sound files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realtime.cli.arguments import (
    add_decoder,
    add_finish,
    add_gain,
    add_plugin,
    add_trust_plugins,
    check_log_options,
    names,
    number,
    whole,
)
from realtime.util import signals
from realtime.util.errors import RealtimeError

if TYPE_CHECKING:
    from realtime.offline.bounce import Bounce
    from realtime.offline.levels import Meter

PEAK_DB = -1.0  # peak level for --normalise without DB
EXAMPLE = "realtime render --from kick --to snare -o morph.wav"


def add_parser(commands: Any) -> None:
    """Add the `render` command."""
    render = commands.add_parser("render", help="write a morph, a sequence or a performance to sound files")
    render.add_argument(
        "source", nargs="?", type=Path, metavar="FILE", help="a sequence or a log (.toml, .jsonl)"
    )
    render.add_argument("--model", help="an .onnx file or a bundled model; default: the log's, or drums")
    render.add_argument("--check", action="store_true", help="check a sequence file; write nothing")

    morph = render.add_argument_group("a morph, if no FILE is given")
    named = "name of a class, a training sound or a preset"
    morph.add_argument("--from", dest="start", metavar="NAME", help=named)
    morph.add_argument("--to", dest="end", metavar="NAME", help=named)
    morph.add_argument(
        "--steps", type=whole(1, 100_000), default=8, help="number of sounds, ends included; default: 8"
    )
    morph.add_argument(
        "--spacing-ms",
        type=number(1.0, 60_000.0),
        default=400.0,
        metavar="MS",
        help="time from one sound to the next; default: 400",
    )
    morph.add_argument("--velocity", type=number(0.0, 1.0), default=1.0, help="amplitude 0…1; default: 1")

    grid = render.add_argument_group("a sample pack")
    grid.add_argument("--grid", metavar="A,B[,C,D]", help="corners: two or four names as for --from")
    grid.add_argument(
        "--size",
        default="9x9",
        metavar="COLUMNSxROWS",
        help="size of the grid; default: 9x9, or 9 for two corners",
    )

    out = render.add_argument_group("output")
    out.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help=".wav, .flac or .ogg file; folder for --stems, --split, --grid",
    )
    out.add_argument(
        "--rate", type=whole(1000, 768_000), metavar="HZ", help="sample rate; default: the model's"
    )
    out.add_argument(
        "--bits", choices=("16", "24", "32f"), help="bit depth; default: 32f in .wav, 24 in .flac"
    )
    out.add_argument(
        "--channels", type=whole(1, 2), help="output channels; default: 2 if any sound is panned, otherwise 1"
    )
    add_gain(out)
    add_finish(out, 0.0, "0, or the gain in the log")
    out.add_argument(
        "--stems",
        choices=("voice", "class", "out"),
        help="write a file for each voice, class or pair of outputs",
    )
    out.add_argument(
        "--outs",
        type=names,
        default=(),
        metavar="NAME[,NAME …]",
        help="names of the pairs of outputs for --stems out, as for `realtime serve`",
    )
    out.add_argument("--split", action="store_true", help="write a file for each hit, and a table of levels")
    out.add_argument(
        "--format", choices=("wav", "flac", "ogg"), default="wav", help="format of files in a folder"
    )
    out.add_argument(
        "--normalise",
        type=number(-60.0, 0.0),
        nargs="?",
        const=PEAK_DB,
        metavar="DB",
        help=f"normalise the peak to this level; without DB: {PEAK_DB:g}",
    )
    out.add_argument("--lufs", type=number(-60.0, 0.0), metavar="LUFS", help="normalise to this loudness")
    out.add_argument("--force", action="store_true", help="replace existing files")
    render.add_argument(
        "--presets", type=Path, metavar="FILE", help="file of presets; default: one in the user's data folder"
    )
    render.add_argument(
        "--jobs", type=whole(1, 256), help="number of threads that decode sounds; default: one for each core"
    )
    add_plugin(out)
    logged = out.add_mutually_exclusive_group()
    add_trust_plugins(logged)
    logged.add_argument("--dry", action="store_true", help="leave out the plugins that a log names")
    add_decoder(render)


def run(args: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from realtime.model.decoder import resolve
    from realtime.synth.plugins import require

    _check_options(args)
    require(args.plugin)
    check_log_options(args)
    if args.dry and (args.plugin or args.source is None or args.source.suffix != ".jsonl"):
        raise RealtimeError("--dry needs a log, and cannot be combined with --plugin")
    if args.plugin and (args.stems or args.split):
        raise RealtimeError("--plugin processes the whole mix: it cannot be combined with --stems or --split")
    model = resolve(args.model or logged_model(args.source) or "drums")
    from realtime.offline.bounce import Bounce
    from realtime.synth import outs

    outs.check(args.outs)
    signals.raise_on_interrupt()
    with Bounce(args, model) as bounce:
        return _run(bounce, args)


def _run(bounce: Bounce, args: argparse.Namespace) -> int:
    if args.check:
        return _check(bounce, args.source)
    if args.grid:
        return _grid(bounce, args)
    if args.source is None:
        return _morph(bounce, args)
    if args.source.suffix == ".jsonl":
        return _log(bounce, args)
    return _sequence(bounce, args)


def _check_options(args: argparse.Namespace) -> None:
    """Check combinations of options, before heavy imports."""
    from realtime.util import files

    if args.source is not None and args.source.suffix not in (".toml", ".jsonl"):
        raise RealtimeError(f"cannot render {args.source.name!r}: only .toml and .jsonl files are accepted")
    if (
        args.source is not None
        and args.source.suffix == ".jsonl"
        and (args.check or args.stems or args.split)
    ):
        raise RealtimeError("--check, --stems and --split are for sequence files")
    if args.source is None and args.check:
        raise RealtimeError("--check needs a sequence file")
    given = [args.source is not None, args.start is not None or args.end is not None, bool(args.grid)]
    if sum(given) > 1:
        raise RealtimeError("give only one of a file, --from/--to and --grid")
    if sum(given) == 0 or (args.start is None) != (args.end is None):
        raise RealtimeError(
            "nothing to render: give a sequence or log (FILE.toml, FILE.jsonl), --from NAME --to NAME, or "
            f"--grid NAME,NAME; for example: {EXAMPLE}"
        )
    if args.check:
        return
    if args.output is None:
        raise RealtimeError("no output: give -o FILE")
    if args.outs and args.stems != "out":
        raise RealtimeError("--outs needs --stems out: it names the files of these stems")
    if args.stems and args.split:
        raise RealtimeError("give only one of --stems and --split")
    if args.normalise is not None and args.lufs is not None:
        raise RealtimeError("give only one of --normalise and --lufs")
    if args.stems and (args.normalise is not None or args.lufs is not None):
        raise RealtimeError("--stems keeps the levels of the mix: it excludes --normalise and --lufs")
    if args.stems or args.split or args.grid:
        if args.source is None and not args.grid:
            raise RealtimeError("--stems and --split need a sequence file")
        files.sample_format(Path(f"x.{args.format}"), args.bits)
    else:
        files.check(args.output, args.force, args.bits)


def logged_model(source: Path | None) -> str | None:
    """Return the name of the model that a log was played with; None if the source is not a log."""
    if source is None or source.suffix != ".jsonl":
        return None
    from realtime.synth.command_log import read_header

    return read_header(source).model


def _grid(bounce: Bounce, args: argparse.Namespace) -> int:
    from realtime.offline import grid

    corners = names(args.grid)
    if len(corners) not in (2, 4):
        raise RealtimeError(f"--grid has {len(corners)} corners; give two or four names, separated by commas")
    default = "9" if len(corners) == 2 and args.size == "9x9" else args.size
    columns, rows = grid.size(default, len(corners))
    meters = bounce.grid(list(corners), columns, rows)
    facts = f"{len(meters)} sounds at {bounce.rate} Hz, {args.output.name}.sfz and .dspreset"
    print(f"{args.output}: {facts}{_remarks(bounce, meters)}")
    return 0


def _log(bounce: Bounce, args: argparse.Namespace) -> int:
    meter = bounce.log(args.source)
    print(f"{args.output}: as it was played, {_facts(bounce, meter)}")
    return 0


def _check(bounce: Bounce, source: Path) -> int:
    from realtime.offline.sequence import SequenceError

    try:
        sequence, events = bounce.open(source)
    except SequenceError as error:
        for line in error.mistakes:
            print(f"realtime: error: {line}", file=sys.stderr)
        return 2
    count, hits = 0, 0
    for event in events:
        count, hits, last = count + 1, hits + (event.trigger is not None), event.sample
    facts = f"{len(sequence.steps)} steps, {count} events, {hits} hits"
    print(f"{source}: {facts}; the last event begins at {last / bounce.rate:.2f} s; no errors")
    return 0


def _morph(bounce: Bounce, args: argparse.Namespace) -> int:
    start, end = bounce.points([args.start, args.end])
    facts = _facts(bounce, bounce.morph(start, end, args))
    print(f"{args.output}: {args.steps} sounds from {args.start} to {args.end}, {facts}")
    return 0


def _sequence(bounce: Bounce, args: argparse.Namespace) -> int:
    sequence, _ = bounce.open(args.source)
    if args.split:
        meters = bounce.split(sequence)
        print(f"{args.output}: {len(meters)} sounds at {bounce.rate} Hz{_remarks(bounce, meters)}")
    elif args.stems:
        written = bounce.stems(sequence, args.stems)
        remarks = _remarks(bounce, list(written.values()))
        print(f"{args.output}: {', '.join(written)}, at {bounce.rate} Hz{remarks}")
    else:
        print(f"{args.output}: {_facts(bounce, bounce.whole(sequence))}")
    return 0


def _facts(bounce: Bounce, meter: Meter) -> str:
    """Return length and levels of a file, with remarks."""
    facts = f"{meter.samples / bounce.rate:.2f} s at {bounce.rate} Hz, peak {meter.peak_db:.1f} dB"
    loudness = "" if meter.lufs is None else f", {meter.lufs:.1f} LUFS"
    return f"{facts}{loudness}{_remarks(bounce, [meter])}"


def _remarks(bounce: Bounce, meters: list[Meter]) -> str:
    """Return remarks on files that miss the target loudness or have clipped samples; "" if there are none."""
    from realtime.offline.levels import CEILING_DB

    remarks = ""

    def of(count: int) -> str:
        return f" in {count} of {len(meters)} files" if len(meters) > 1 else ""

    if low := sum(meter.misses(bounce.target) for meter in meters):
        remarks += f"; {bounce.target.lufs:g} LUFS not reached{of(low)}: the peak is at {CEILING_DB:g} dB"
    if clipped := [meter.clipped for meter in meters if meter.clipped]:
        what = f"{sum(clipped)} samples clipped at full scale{of(len(clipped))}"
        remarks += f"; {what}: lower --gain, or add --limiter"
    return remarks
