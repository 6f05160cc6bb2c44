"""Finds the components of sounds in the background, and keeps them in a file.

The components are the oscillators, modes (damped sinusoids) and noise of `trainer.components.analysis`. The
file ensures that each sound is analysed only once.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from trainer.components.analysis import Components, Row, analyse_one
from trainer.config import ModelConfig

NAMES = tuple(field.name for field in dataclasses.fields(Components))
SOUND = "sound"
"""Name of the tensor that identifies the sounds: SHA-256 of the sound and its components' layout, [N, 32]."""
KEEP_S = 10.0
"""Shortest time in seconds between two writes of the file."""
VERSION = 6
"""Version of the analysis. Raise it with each change: all sounds are then analysed again."""
GOLDEN = 0.5 * (5**0.5 - 1)
"""The golden ratio minus 1. The fractional parts of its multiples are spread evenly."""


def ignore(done: int, total: int) -> None:
    """Ignore the progress."""


class Analysis:
    """Finds the components of sounds on all cores in the background; use it in a `with` statement.

    At any moment, the sounds already analysed are spread evenly over all sounds. At the end of the `with`
    block, the analysis stops, and the known components are written to the file. A damaged file is treated as
    empty.

    Args:
        waveforms: float32 [N, 1, T].
        path: the file of components. The file identifies sounds by content; it may therefore hold other
            sounds, too.
        progress: called with the number of analysed sounds and the total: once at the start, and after each
            sound. The calls come from several threads, but one at a time.

    Attributes:
        components: the components of the N sounds, with values of 0 for sounds that are not analysed yet;
            None until the first sound is analysed.
    """

    def __init__(
        self,
        waveforms: Tensor,
        config: ModelConfig,
        path: Path,
        progress: Callable[[int, int], None] = ignore,
    ) -> None:
        self.components: Components | None = None
        self._path = path
        layout = repr(
            (VERSION, config.sample_rate, config.hop_length, config.bands, config.modes, config.knots)
        ).encode()
        self._digests = [hashlib.sha256(layout + sound.numpy().tobytes()).digest() for sound in waveforms]
        self._known: set[int] = set()
        rows = _read(path)
        for index, digest in enumerate(self._digests):
            if digest in rows:
                self._insert(index, rows[digest])
        self._progress, self._progress_lock, self._done = progress, threading.Lock(), len(self._known)
        progress(self._done, len(waveforms))
        self._executor = ThreadPoolExecutor(os.cpu_count())
        self._waiting: dict[Future[Row], int] = {
            self._executor.submit(self._analyse, waveforms[index], config): index
            for index in sorted(range(len(waveforms)), key=lambda index: index * GOLDEN % 1)
            if index not in self._known
        }
        self._kept = time.monotonic()

    def _analyse(self, sound: Tensor, config: ModelConfig) -> Row:
        row = analyse_one(sound, config)
        with self._progress_lock:
            self._done += 1
            self._progress(self._done, len(self._digests))
        return row

    def __enter__(self) -> Analysis:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(cancel_futures=True)
        self._take({future for future in self._waiting if future.done() and not future.cancelled()})
        self._keep()

    def known(self, wait_s: float = 0.0) -> list[int]:
        """Return the indices of the sounds analysed so far; first wait up to `wait_s` seconds for a sound."""
        if self._waiting:
            self._take(wait(self._waiting, wait_s, FIRST_COMPLETED).done)
            if time.monotonic() > self._kept + KEEP_S:
                self._keep()
        return sorted(self._known)

    @property
    def complete(self) -> bool:
        """True if all sounds are analysed."""
        return not self._waiting

    def _take(self, done: set[Future[Row]]) -> None:
        for future in done:
            row = (torch.tensor(value, dtype=torch.float32) for value in future.result())
            self._insert(self._waiting.pop(future), tuple(row))

    def _insert(self, index: int, row: tuple[Tensor, ...]) -> None:
        if self.components is None:
            count = len(self._digests)
            self.components = Components(*(value.new_zeros(count, *value.shape) for value in row))
        for name, value in zip(NAMES, row, strict=True):
            getattr(self.components, name)[index] = value
        self._known.add(index)

    def _keep(self) -> None:
        """Write the file if any components are known."""
        self._kept = time.monotonic()
        if self.components is not None:
            places = sorted(self._known)
            digests = [self._digests[place] for place in places]
            _write(self._path, digests, self.components[torch.tensor(places)])


def _read(path: Path) -> dict[bytes, tuple[Tensor, ...]]:
    try:
        tensors = load_file(path)
        columns = [tensors[name] for name in NAMES]
        sounds = tensors[SOUND].tolist()
    except (OSError, SafetensorError, KeyError):
        return {}
    return {bytes(sound): row for sound, *row in zip(sounds, *columns, strict=True)}  # type: ignore[misc]


def _write(path: Path, digests: list[bytes], components: Components) -> None:
    beside = path.with_name(path.name + ".part")
    tensors = {name: getattr(components, name).contiguous() for name in NAMES}
    save_file(
        tensors | {SOUND: torch.tensor([list(digest) for digest in digests], dtype=torch.uint8)}, beside
    )
    os.replace(beside, path)
