"""`realtime encode`: print the point for a sound file, which is a position in a model's latent space."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from realtime.cli.arguments import add_model


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the `encode` command."""
    encode = commands.add_parser("encode", help="print a sound file's point z in the latent space, as JSON")
    encode.add_argument("file", type=Path, metavar="FILE", help="a sound file")
    encode.add_argument(
        "--search",
        action="store_true",
        help="search around this point for a point whose sound is closer to the file",
    )
    add_model(encode)


def run(args: argparse.Namespace) -> int:
    """Run the command and return the exit code."""
    from realtime.model import verify
    from realtime.model.decoder import Decoder, resolve
    from realtime.model.encoder import Encoder, encoder_path
    from realtime.util import priority

    priority.ordinary()  # the parent may be a server with real-time priority
    from realtime.model.search import nearest

    path = resolve(args.model)
    file = verify.read(path)
    encoder = Encoder(encoder_path(path), file.info)
    if not args.search:
        print(json.dumps(encoder.encode_file(args.file)))
        return 0
    sound = encoder.read_file(args.file)
    decoder = Decoder(path, capacity=1, provider="cpu", file=file)
    print(json.dumps(nearest(decoder, sound, encoder.encode_prepared(sound))))
    return 0
