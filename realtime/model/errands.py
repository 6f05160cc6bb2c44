"""Errands on untrusted model and sound files: each runs in a process `python -m realtime.model.errands`."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from realtime.model import axes, verify
from realtime.model.decoder import Decoder
from realtime.model.encoder import Encoder, encoder_path
from realtime.model.schema import ModelInfo, Vector
from realtime.model.search import nearest
from realtime.model.verify import ModelFile
from realtime.util import errands
from realtime.util.errors import ModelError, RealtimeError

TRIAL_S = 60.0  # time limit to load a decoder and decode a complete sound
ENCODE_S = 60.0
NAMING_S = 120.0  # time limit to name the principal axes
SLOW_S, SLOWEST = 0.1, 3.0  # processor time allowed for a sound: seconds, plus a multiple of its duration
PIECE_FRAMES = 8  # frames decoded at a time


def try_out(path: Path, file: ModelFile) -> None:
    """Decode a complete sound in a separate process, because a decoder may crash or never end.

    Args:
        path: path of the file, for messages.
        file: a checked decoder.

    Raises:
        ModelError: the decoder crashes, is too slow or does not decode.
    """
    try:
        errands.run(__name__, "decode", path.name, stdin=file.model, limit_s=TRIAL_S)
    except RealtimeError as error:
        raise ModelError(f"{path}: refused after a trial: {error}") from None


def encode(path: Path, info: ModelInfo, sound: BinaryIO) -> Vector:
    """Find, in a separate process, a point whose sound is close to the sound in an open file.

    Args:
        path: file of the decoder that will play the point; its encoder is in the same folder.
        info: metadata of the decoder.
        sound: the open sound file.

    Raises:
        RealtimeError: the sound cannot be encoded.
    """
    arguments = str(path), info.name, info.digest
    point = errands.run(__name__, "encode", *arguments, stdin=sound, limit_s=ENCODE_S)
    return tuple(float(x) for x in point)


def name_axes(path: Path) -> list[str]:
    """Return the names of the ends of a model's principal axes: low end, high end, low end, high end, …

    A separate process finds the names; it decodes up to eighty sounds.

    Raises:
        RealtimeError: the process fails.
    """
    named = errands.run(__name__, "name_axes", str(path), stdin=b"", limit_s=NAMING_S)
    return [str(end) for ends in named for end in ends]


def _decode(name: str) -> None:
    decoder = Decoder(name, provider="cpu", file=verify.check(sys.stdin.buffer.read()))
    info, begun_s = decoder.info, time.process_time()
    most_s = SLOW_S + SLOWEST * info.duration_ms / 1000
    z = np.broadcast_to(np.asarray(info.latent.mean, np.float32), (1, PIECE_FRAMES, info.latent_dim))
    for first in range(0, info.frames, PIECE_FRAMES):
        try:
            decoder.step(z[:, : info.frames - first])
        except Exception as error:  # onnxruntime's exceptions have no common base class
            raise ModelError(f"does not decode: {type(error).__name__}") from error
        if time.process_time() - begun_s > most_s:
            raise ModelError(f"a sound of {info.duration_ms:.0f} ms takes more than {most_s:.1f} s to decode")


@dataclass(frozen=True)
class _Owner:
    name: str
    digest: str


def _encode(path: str, name: str, digest: str) -> Vector:
    encoder = Encoder(encoder_path(Path(path)), _Owner(name, digest))
    sound = encoder.read_open(sys.stdin.fileno())
    point, decoder = encoder.encode_prepared(sound), Decoder(path, capacity=1, provider="cpu")
    return nearest(decoder, sound, point) if decoder.info.digest == digest else point


def _name_axes(path: str) -> list[tuple[str, str]]:
    return axes.name(Decoder(path, provider="cpu"))


if __name__ == "__main__":
    errands.carry_out({"decode": _decode, "encode": _encode, "name_axes": _name_axes})
