"""Reads the one-shots (short sounds) of a folder, and encodes and decodes them with a model."""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.model import decoder
from realtime.model.decoder import Decoder
from realtime.model.encoder import Encoder, encoder_path
from realtime.model.preprocess import prepare
from realtime.model.search import nearest
from realtime.util.errors import RealtimeError
from realtime.util.parser import Parser
from trainer.config import DataConfig
from trainer.data import audio, sounds
from trainer.errors import DataError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Shot:
    """A recorded one-shot.

    Attributes:
        name: path of the file relative to the folder, without the suffix.
        label: name of the class.
        kit: name of the kit, from manifest.csv; "" if unknown.
        drum: name of the drum, from manifest.csv; "" if unknown.
        velocity: velocity of the hit, 0 to 1, from manifest.csv; NaN if unknown.
        sound: float32 [T], prepared for the model's encoder.
        z: the position in latent space that the encoder returns, [latent_dim]; empty if the sound was not
            encoded.
    """

    name: str
    label: str
    kit: str
    drum: str
    velocity: float
    sound: Floats
    z: Floats


def model_parser(name: str, description: str, folder: str = "") -> Parser:
    """Return a parser with the argument MODEL and, unless its help text `folder` is empty, with FOLDER."""
    parser = Parser(prog=f"bench.{name}", description=description)
    parser.add_argument("model", metavar="MODEL", help="an .onnx file with its encoder, or a bundled model")
    if folder:
        parser.add_argument("folder", type=Path, metavar="FOLDER", help=folder)
    return parser


def add_learned_ear(parser: argparse.ArgumentParser) -> None:
    """Add the options for measuring with the learned ear (`bench.sounds.learned_ear`)."""
    parser.add_argument(
        "--learned",
        action="store_true",
        help="also measure with CDPAM (bench/sounds/learned_ear.py says how to install it)",
    )
    parser.add_argument(
        "--memory", type=Path, metavar="FILE.npz", help="keep CDPAM's embeddings in this file"
    )


class Model:
    """An exported model: a decoder and an encoder.

    Args:
        name: a decoder file, or the name of a bundled model.

    Raises:
        ModelError: there is no such model, or it cannot be loaded.
    """

    def __init__(self, name: str) -> None:
        path = decoder.resolve(name)
        self._decoder = Decoder(path, capacity=1, threads=1, provider="cpu")
        self.info = self._decoder.info
        self._encoder = Encoder(encoder_path(path), self.info)
        self.rate, self.hop = self.info.sample_rate, self.info.hop_length

    def read(self, folder: Path, *, per_class: int = 0, encode: bool = True) -> list[Shot]:
        """Return the sounds of a folder in order of name, without sounds that training would leave out.

        Args:
            folder: the folder.
            per_class: maximum number of sounds of each class, taken at even steps; 0 takes all.
            encode: True also encodes the sounds.

        Raises:
            DataError: none of the sounds can be used.
        """
        entries, _ = sounds.find(folder, DataConfig())
        rows = _manifest(folder)
        shots = []
        for entry in _at_most(entries, per_class):
            samples, rate = audio.read(entry.path)
            try:
                sound = prepare(samples, rate, self._encoder.info.preparation)
                z = self._encoder.encode(samples, rate) if encode else ()
            except RealtimeError:
                continue  # silent or too short
            row = rows.get(entry.name, {})
            velocity = float(row.get("velocity") or "nan")
            kit, drum = row.get("kit") or "", row.get("drum") or ""
            name = entry.name.rpartition(".")[0]
            shots.append(Shot(name, entry.label, kit, drum, velocity, sound, np.array(z, np.float32)))
        if not shots:
            raise DataError(f"{folder}: none of its sounds can be used")
        return shots

    def training_sounds(self, folder: Path) -> list[Shot]:
        """Return the sounds of a folder that the model was trained on; without such sounds, return all."""
        shots = self.read(folder, encode=False)
        trained = {anchor.name for anchor in self.info.anchors}
        return [shot for shot in shots if shot.name in trained] or shots

    def search(self, shot: Shot) -> Floats:
        """Return the z that the server's search finds for a sound, starting from the encoder's z."""
        return np.array(nearest(self._decoder, shot.sound, tuple(shot.z.tolist())), np.float32)

    def decode(self, z: Floats) -> Floats:
        """Return the sound [T] of z, [latent_dim], or of a z for each frame, [frames, latent_dim]."""
        return self._decoder.decode(z[None])[0]


def _manifest(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / "manifest.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def _at_most(entries: list[sounds.Entry], per_class: int) -> list[sounds.Entry]:
    """Return at most `per_class` entries of each class, taken at even steps; 0 returns all."""
    if not per_class:
        return entries
    classes: dict[str, list[sounds.Entry]] = defaultdict(list)
    for entry in entries:
        classes[entry.label].append(entry)
    chosen = []
    for members in classes.values():
        count = min(per_class, len(members))
        chosen += [members[(2 * k + 1) * len(members) // (2 * count)] for k in range(count)]
    return chosen
