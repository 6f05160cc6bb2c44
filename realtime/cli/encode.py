"""`realtime encode`: print the point z of a sound file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from realtime.cli.arguments import add_model


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the `encode` command."""
    encode = commands.add_parser("encode", help="print the point z of a sound file as JSON")
    encode.add_argument("file", type=Path, metavar="FILE", help="a sound file")
    add_model(encode)


def run(args: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from realtime.model import verify
    from realtime.model.decoder import resolve
    from realtime.model.encoder import Encoder, encoder_path

    path = resolve(args.model)
    encoder = Encoder(encoder_path(path), verify.read(path).info)
    print(json.dumps(encoder.encode_file(args.file)))
    return 0
