"""`realtime info`: describe a model file."""

from __future__ import annotations

import argparse
import json


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the `info` command."""
    info = commands.add_parser("info", help="describe a model file")
    info.add_argument(
        "model", nargs="?", default="drums", help="an .onnx file or a bundled model; default: drums"
    )
    info.add_argument("--json", action="store_true", help="print everything as JSON")


def run(args: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from realtime.model import verify
    from realtime.model.decoder import resolve
    from realtime.model.encoder import encoder_path
    from realtime.util.errors import printable

    path = resolve(args.model)
    info, encoder = verify.read(path).info, encoder_path(path)
    encoder_name = encoder.name if encoder.is_file() else None
    if args.json:
        print(json.dumps(info.as_dict() | {"encoder": encoder_name}, indent=2))
        return 0
    facts = {name: value for name, value in info.training.items() if isinstance(value, str | int | float)}
    rows = {
        "name": info.name,
        "architecture": info.architecture,
        "sound": f"{info.length} samples at {info.sample_rate} Hz ({info.duration_ms:.0f} ms)",
        "z": f"{info.latent_dim} dimensions, one frame for every {info.hop_length} samples",
        "classes": ", ".join(each.name for each in info.classes),
        "anchors": str(len(info.anchors)),
        "encoder": encoder_name or "none next to the model file",
        "loudness": f"{info.loudness_db:.1f} dB",
        "licence": info.licence,
        "credits": "; ".join(info.credits),
        "config": info.config_hash[:16],
        "made with": ", ".join(f"{name} {version}" for name, version in info.tools.items()),
        "training": ", ".join(f"{name} {value}" for name, value in facts.items()),
    }
    for name, value in rows.items():
        print(printable(f"{name:<13} {value or '–'}"))
    return 0
