"""Keeps the components of sounds in a file, so that each sound is analysed once."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from trainer.components.analysis import Components, analyse
from trainer.config import ModelConfig

NAMES = tuple(field.name for field in dataclasses.fields(Components))
SOUND = "sound"
"""Tensor with the digest of each sound and of the layout of its components, uint8 [N, 32]."""


def analyse_once(
    waveforms: Tensor,
    config: ModelConfig,
    path: Path,
    progress: Callable[[int, int], None] | None = None,
) -> Components:
    """Return the components of sounds [N, 1, T].

    Known ones are read from the file `path`, the others added to it. A damaged file counts as empty.
    """
    layout = repr((config.sample_rate, config.hop_length, config.bands, config.modes, config.knots)).encode()
    digests = [hashlib.sha256(layout + sound.numpy().tobytes()).digest() for sound in waveforms]
    rows = _read(path)
    new = [index for index, digest in enumerate(digests) if digest not in rows]
    if new:
        found = analyse(waveforms[new], config, progress)
        rows |= {digests[index]: _row(found, place) for place, index in enumerate(new)}
    columns = zip(*(rows[digest] for digest in digests), strict=True)
    components = Components(*map(torch.stack, columns))
    if new:
        _write(path, digests, components)
    return components


def _row(components: Components, place: int) -> tuple[Tensor, ...]:
    return tuple(getattr(components, name)[place] for name in NAMES)


def _read(path: Path) -> dict[bytes, tuple[Tensor, ...]]:
    try:
        tensors = load_file(path)
        components = Components(*(tensors[name] for name in NAMES))
        sounds = tensors[SOUND].tolist()
    except (OSError, SafetensorError, KeyError):
        return {}
    return {bytes(digest): _row(components, place) for place, digest in enumerate(sounds)}


def _write(path: Path, digests: list[bytes], components: Components) -> None:
    beside = path.with_name(path.name + ".part")
    tensors = {name: getattr(components, name).contiguous() for name in NAMES}
    save_file(
        tensors | {SOUND: torch.tensor([list(digest) for digest in digests], dtype=torch.uint8)}, beside
    )
    os.replace(beside, path)
