"""The command line: realtime serve, render, info, encode, devices."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from realtime.errors import RealtimeError


def get_parser() -> argparse.ArgumentParser:
    """The parser of `realtime`; building it imports nothing heavy."""
    parser = argparse.ArgumentParser(
        prog="realtime", description="Play and render morphs between sounds with a decoder file."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="play live, driven by OSC")
    _add_model(serve)
    serve.add_argument(
        "--device", help="number or part of a name from `realtime devices`; default: the system's"
    )
    serve.add_argument("--null", action="store_true", help="no sound card: keep time by the clock")
    serve.add_argument("--rate", type=_whole(1000, 768_000), metavar="HZ", help="default: the device's")
    serve.add_argument(
        "--channels",
        type=_outputs,
        default=(1, 2),
        metavar="A[,B]",
        help="the device's outputs to play on, counted from 1; default: 1,2",
    )
    serve.add_argument("--block", type=_whole(16, 8192), default=128, metavar="SAMPLES", help="default: 128")
    serve.add_argument(
        "--ahead",
        type=_whole(1, 64),
        default=3,
        metavar="BLOCKS",
        help="finished blocks kept waiting: safety against lateness, part of the latency; default: 3",
    )
    serve.add_argument("--voices", type=_whole(1, 64), default=8, help="sounds at once; default: 8")
    serve.add_argument("--gain", type=_number(-120.0, 24.0), default=0.0, metavar="DB", help="default: 0")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on; default: this machine only")
    serve.add_argument(
        "--port", type=_whole(0, 65535), default=9000, help="UDP port; default: 9000; 0: any free one"
    )
    serve.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="ADDRESS[/PREFIX]",
        help="who may play when --host opens the server to a network; may be given several times",
    )
    serve.add_argument(
        "--library",
        type=Path,
        metavar="FOLDER",
        help="the folder of files that messages may name; default: none",
    )
    serve.add_argument(
        "--presets", type=Path, metavar="FILE", help="where presets are kept; default: the user's data folder"
    )
    serve.add_argument("--restore", action="store_true", help="go on where the last session ended")
    serve.add_argument("--record", type=Path, metavar="FILE", help="keep what is played (.wav or .flac)")
    serve.add_argument("--force", action="store_true", help="replace an existing --record file")
    _add_decoder(serve)
    serve.add_argument(
        "--synchronous",
        action="store_true",
        help="let the device wait for late blocks: for exact captures from a synchronous JACK server",
    )
    serve.add_argument("--seconds", type=_number(0.0, 1e9), metavar="N", help="stop by itself")

    render = commands.add_parser("render", help="write a morph from one point to another into a sound file")
    _add_model(render)
    render.add_argument("--from", dest="start", required=True, metavar="NAME", help="a class or an anchor")
    render.add_argument("--to", dest="end", required=True, metavar="NAME", help="a class or an anchor")
    render.add_argument(
        "--steps", type=_whole(1, 100_000), default=8, help="sounds, both ends included; default: 8"
    )
    render.add_argument(
        "--spacing-ms", type=_number(1.0, 60_000.0), default=400.0, metavar="MS", help="default: 400"
    )
    render.add_argument("--rate", type=_whole(1000, 768_000), metavar="HZ", help="default: the model's")
    render.add_argument("--gain", type=_number(-120.0, 24.0), default=0.0, metavar="DB", help="default: 0")
    render.add_argument("--velocity", type=_number(0.0, 1.0), default=1.0, help="amplitude 0…1; default: 1")
    render.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help=".wav or .flac")
    render.add_argument("--force", action="store_true", help="replace an existing file")
    _add_decoder(render)

    info = commands.add_parser("info", help="what a decoder file says about itself")
    info.add_argument(
        "model", nargs="?", default="drums", help="an .onnx file or a bundled name; default: drums"
    )
    info.add_argument("--json", action="store_true", help="all of it, for programs")

    encode = commands.add_parser("encode", help="the point z of a sound file, as JSON")
    encode.add_argument("file", type=Path, metavar="FILE", help="a sound file")
    _add_model(encode)

    commands.add_parser("devices", help="list the devices that can play")
    return parser


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="drums", help="an .onnx file or a bundled name; default: drums")


def _add_decoder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=_whole(1, 64), default=1, help="of the decoder; default: 1")
    parser.add_argument(
        "--provider", choices=("auto", "cpu", "cuda"), default="auto", help="where the decoder runs"
    )


class _whole:  # noqa: N801
    """An argument type: a whole number in a range."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def __call__(self, text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = self.low - 1
        if not self.low <= value <= self.high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {self.low} to {self.high}")
        return value


def _outputs(text: str) -> tuple[int, ...]:
    """An argument type: one or two outputs of a device."""
    words = text.split(",")
    if not 1 <= len(words) <= 2 or not all(w.isascii() and w.isdigit() and 1 <= int(w) <= 256 for w in words):
        raise argparse.ArgumentTypeError(f"{text!r} is not an output or two, such as 3 or 3,4")
    if len(set(words)) < len(words):
        raise argparse.ArgumentTypeError(f"{text!r} is the same output twice")
    return tuple(map(int, words))


class _number:  # noqa: N801
    """An argument type: a number in a range."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def __call__(self, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not self.low <= value <= self.high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {self.low:g} to {self.high:g}")
        return value


def _serve(args: argparse.Namespace) -> int:
    from realtime import files
    from realtime.decoder import resolve

    model = resolve(args.model)
    if args.record:
        files.check(args.record, args.force)
    if args.library and not args.library.is_dir():
        raise RealtimeError(f"--library {args.library} is no folder")
    from realtime.serve import ServeConfig, serve

    return serve(
        ServeConfig(
            model=model,
            device=args.device,
            null=args.null,
            rate=args.rate,
            channels=args.channels,
            block=args.block,
            ahead=args.ahead,
            voices=args.voices,
            gain_db=args.gain,
            host=args.host,
            port=args.port,
            allow=tuple(args.allow),
            library=args.library,
            presets=args.presets,
            restore=args.restore,
            record=args.record,
            force=args.force,
            threads=args.threads,
            provider=args.provider,
            synchronous=args.synchronous,
            seconds=args.seconds,
        )
    )


def _render(args: argparse.Namespace) -> int:
    from realtime import files, model_file
    from realtime.decoder import Decoder, resolve

    model = resolve(args.model)
    files.check(args.output, args.force)
    from realtime.mixer import Mixer, slots_for
    from realtime.render import CHUNK_FRAMES, morph, overlap, write

    info = model_file.read(model).info
    start, end = info.point(args.start), info.point(args.end)
    voices = min(args.steps, overlap(info, args.spacing_ms))
    decoder = Decoder(model, capacity=slots_for(voices), threads=args.threads, provider=args.provider)
    rate = args.rate or info.sample_rate
    mixer = Mixer(decoder, rate, voices=voices, channels=1, chunk_frames=CHUNK_FRAMES, gain_db=args.gain)
    score = morph(start, end, steps=args.steps, spacing=args.spacing_ms * rate / 1000, velocity=args.velocity)
    samples = write(args.output, mixer, score, force=args.force)
    seconds = f"{samples / rate:.2f} s at {rate} Hz"
    print(f"{args.output}: {args.steps} sounds from {args.start} to {args.end}, {seconds}")
    return 0


def _info(args: argparse.Namespace) -> int:
    from realtime import model_file
    from realtime.decoder import resolve
    from realtime.encoder import encoder_path

    path = resolve(args.model)
    info, encoder = model_file.read(path).info, encoder_path(path)
    beside = encoder.name if encoder.is_file() else None
    if args.json:
        from dataclasses import asdict

        print(json.dumps(asdict(info) | {"encoder": beside}, indent=2))
        return 0
    rows = {
        "name": info.name,
        "architecture": info.architecture,
        "sound": f"{info.length} samples at {info.sample_rate} Hz ({info.duration_ms:.0f} ms)",
        "z": f"{info.latent_dim} dimensions, a point for every {info.hop_length} samples",
        "classes": ", ".join(each.name for each in info.classes),
        "anchors": str(len(info.anchors)),
        "encoder": beside or "none beside the model",
        "loudness": f"{info.loudness_db:.1f} dB",
        "licence": info.licence,
        "credits": "; ".join(info.credits),
        "config": info.config_hash[:16],
        "made with": ", ".join(f"{name} {version}" for name, version in info.tools.items()),
        "training": ", ".join(f"{name} {value}" for name, value in info.training.items()),
    }
    for name, value in rows.items():
        print(f"{name:<13} {value or '–'}")
    return 0


def _encode(args: argparse.Namespace) -> int:
    from realtime import model_file
    from realtime.decoder import resolve
    from realtime.encoder import Encoder, encoder_path

    path = resolve(args.model)
    encoder = Encoder(encoder_path(path), model_file.read(path).info)
    print(json.dumps(encoder.encode_file(args.file)))
    return 0


def _devices(args: argparse.Namespace) -> int:
    from realtime.stream import devices

    found = devices()
    for device in found:
        mark = "*" if device.default else " "
        facts = f"{device.host}, {device.channels} channels, {device.sample_rate} Hz"
        print(f"{mark} {device.index:>3}  {device.name}  ({facts})")
    if not found:
        print("no sound card and no JACK server found; `realtime serve --null` runs without")
    return 0


COMMANDS = {"serve": _serve, "render": _render, "info": _info, "encode": _encode, "devices": _devices}


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns its exit code: 2 for what the user can mend, told in one line."""
    args = get_parser().parse_args(argv)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the decoder has threads of its own
    try:
        return COMMANDS[args.command](args)
    except RealtimeError as error:
        print(f"realtime: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
