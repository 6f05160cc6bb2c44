"""The command line: realtime serve, render, info, encode, devices, midi."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import NoReturn

from realtime import bench_command, ending, hosts, midi_command, morphology_command, render_command
from realtime.arguments import add_dc_block, add_decoder, add_model, number, outputs, whole
from realtime.errors import RealtimeError


def get_parser() -> argparse.ArgumentParser:
    """The parser of `realtime`; building it imports nothing heavy."""
    parser = argparse.ArgumentParser(
        prog="realtime", description="Play and render morphs between sounds with a decoder file."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="play live, driven by OSC")
    add_model(serve)
    serve.add_argument(
        "--device", help="number or part of a name from `realtime devices`; default: the system's"
    )
    serve.add_argument("--null", action="store_true", help="no sound card: keep time by the clock")
    serve.add_argument("--rate", type=whole(1000, 768_000), metavar="HZ", help="default: the device's")
    serve.add_argument(
        "--channels",
        type=outputs,
        default=(1, 2),
        metavar="A[,B]",
        help="the device's outputs to play on, counted from 1; default: 1,2",
    )
    serve.add_argument("--block", type=whole(16, 8192), default=128, metavar="SAMPLES", help="default: 128")
    serve.add_argument(
        "--ahead",
        type=whole(1, 64),
        metavar="BLOCKS",
        help="finished blocks that may wait for the device: safety against lateness, part of the latency; "
        "default: as many as are needed, up to 8, or 3 with --steady",
    )
    serve.add_argument(
        "--steady",
        action="store_true",
        help="keep the queue of --ahead blocks always full: the latency stays the same",
    )
    serve.add_argument("--voices", type=whole(1, 64), default=8, help="sounds at once; default: 8")
    serve.add_argument("--gain", type=number(-120.0, 24.0), default=0.0, metavar="DB", help="default: 0")
    add_dc_block(serve)
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on; default: this machine only")
    serve.add_argument(
        "--port", type=whole(0, 65535), default=9000, help="UDP port; default: 9000; 0: any free one"
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
    serve.add_argument(
        "--log", type=Path, metavar="FILE", help="keep what is asked for (.jsonl), for `realtime render FILE`"
    )
    serve.add_argument("--force", action="store_true", help="replace existing --record and --log files")
    add_decoder(serve)
    serve.add_argument(
        "--synchronous",
        action="store_true",
        help="let the device wait for late blocks: for exact captures, with --record or a synchronous JACK",
    )
    serve.add_argument("--seconds", type=number(0.0, 1e9), metavar="N", help="stop by itself")
    hosts.add_arguments(serve)

    render_command.add_parser(commands)
    morphology_command.add_parser(commands)

    info = commands.add_parser("info", help="what a decoder file says about itself")
    info.add_argument(
        "model", nargs="?", default="drums", help="an .onnx file or a bundled name; default: drums"
    )
    info.add_argument("--json", action="store_true", help="all of it, for programs")

    encode = commands.add_parser("encode", help="the point z of a sound file, as JSON")
    encode.add_argument("file", type=Path, metavar="FILE", help="a sound file")
    add_model(encode)

    bench_command.add_parser(commands)

    commands.add_parser("devices", help="list the devices that can play")
    midi_command.add_parser(commands)
    return parser


def _serve(args: argparse.Namespace) -> int:
    from realtime import files
    from realtime.decoder import resolve

    model = resolve(args.model)
    if args.record:
        files.check(args.record, args.force)
    if args.library and not args.library.is_dir():
        raise RealtimeError(f"--library {args.library} is no folder")
    from realtime.plugins import require
    from realtime.serve import ServeConfig, serve
    from realtime.sound_config import SoundConfig

    require(args.plugin)
    sound = SoundConfig(
        model=model,
        device=args.device,
        null=args.null,
        rate=args.rate,
        channels=args.channels,
        block=args.block,
        ahead=args.ahead,
        steady=args.steady,
        voices=args.voices,
        gain_db=args.gain,
        dc_block_hz=args.dc_block,
        library=args.library,
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
            host=args.host,
            port=args.port,
            allow=tuple(args.allow),
            presets=args.presets,
            restore=args.restore,
            seconds=args.seconds,
            hosts=hosts.config(args),
        )
    )


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


COMMANDS = {
    "serve": _serve,
    "render": render_command.run,
    "morphology": morphology_command.run,
    "info": _info,
    "encode": _encode,
    "bench": bench_command.run,
    "devices": _devices,
    "midi": midi_command.run,
}


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


def program() -> NoReturn:
    """What `realtime` is on the command line."""
    ending.exit_with(main())


if __name__ == "__main__":
    program()
