"""One-shots for measurements: sounds of a folder, prepared for a model, and the model's versions of them."""

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
from trainer.config import DataConfig
from trainer.data import audio, sounds
from trainer.errors import DataError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Shot:
    """A real sound.

    Attributes:
        name: name of its file, relative to the folder, without the suffix.
        label: its class.
        kit: kit that the manifest names; "" if it is not known.
        drum: drum that the manifest names; "" if it is not known.
        velocity: 0 to 1; NaN where it is not known.
        sound: float32 [T], prepared as for the model's encoder.
        z: its point, [latent_dim]; empty if it was not requested.
    """

    name: str
    label: str
    kit: str
    drum: str
    velocity: float
    sound: Floats
    z: Floats


def model_parser(name: str, description: str, folder: str = "") -> argparse.ArgumentParser:
    """Return a parser with the argument MODEL, and FOLDER if there is a help text for it."""
    parser = argparse.ArgumentParser(prog=f"bench.{name}", description=description)
    parser.add_argument("model", metavar="MODEL", help="an .onnx file with its encoder, or a bundled model")
    if folder:
        parser.add_argument("folder", type=Path, metavar="FOLDER", help=folder)
    return parser


def add_learned(parser: argparse.ArgumentParser) -> None:
    """Add the options of the learned ear."""
    parser.add_argument(
        "--learned",
        action="store_true",
        help="measure with CDPAM, too (to install it, see bench/learned_ear.py)",
    )
    parser.add_argument("--memory", type=Path, metavar="FILE.npz", help="keep CDPAM's features of each sound")


class Model:
    """An exported model with its encoder.

    Args:
        name: a decoder file, or a bundled model.

    Raises:
        ModelError: there is no such model.
    """

    def __init__(self, name: str) -> None:
        path = decoder.resolve(name)
        self._decoder = Decoder(path, capacity=1, threads=1, provider="cpu")
        self.info = self._decoder.info
        self._encoder = Encoder(encoder_path(path), self.info)
        self.rate, self.hop = self.info.sample_rate, self.info.hop_length

    def read(self, folder: Path, *, per_class: int = 0, encode: bool = True) -> list[Shot]:
        """Return the sounds of a folder, in order of name.

        Args:
            per_class: largest number of sounds of a class, spread evenly in order of name; 0 takes all.
            encode: also encode each sound to its point z.

        Raises:
            DataError: none of the sounds can be used.
        """
        entries, _ = sounds.find(folder, DataConfig())
        facts = _facts(folder)
        shots = []
        for entry in _spread(entries, per_class):
            samples, rate = audio.read(entry.path)
            try:
                sound = prepare(samples, rate, self._encoder.info.preparation)
                z = self._encoder.encode(samples, rate) if encode else ()
            except RealtimeError:
                continue  # silent or too short: training leaves it out, too
            fact = facts.get(entry.name, {})
            velocity = float(fact.get("velocity") or "nan")
            kit, drum = fact.get("kit") or "", fact.get("drum") or ""
            name = entry.name.rpartition(".")[0]
            shots.append(Shot(name, entry.label, kit, drum, velocity, sound, np.array(z, np.float32)))
        if not shots:
            raise DataError(f"{folder}: none of its sounds can be used")
        return shots

    def learnt_from(self, folder: Path) -> list[Shot]:
        """Return the sounds of a folder that the model lists as its own; all of them if it lists none."""
        shots = self.read(folder, encode=False)
        own = {anchor.name for anchor in self.info.anchors}
        return [shot for shot in shots if shot.name in own] or shots

    def search(self, shot: Shot) -> Floats:
        """Return the point that the server finds for a shot on stage, by a search around its z."""
        return np.array(nearest(self._decoder, shot.sound, tuple(shot.z.tolist())), np.float32)

    def decode(self, z: Floats) -> Floats:
        """Return the sound [T] of a point [latent_dim], or of points for all frames [frames, latent_dim]."""
        return self._decoder.decode(z[None])[0]


def _facts(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / "manifest.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def _spread(entries: list[sounds.Entry], per_class: int) -> list[sounds.Entry]:
    """Return at most `per_class` entries of each class, evenly spaced; 0 returns all."""
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
