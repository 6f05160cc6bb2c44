"""Replaces the model file that the server plays, and its preview, if a new version is closer to the sounds.

A version's distance from the sounds is the mean of mel distances. A mel distance is the mean difference, in
dB, between the mel levels of a training sound and those of the version's reconstruction of the sound.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from export.play import preview
from export.play.preview import Pair
from export.to_onnx import export
from realtime.model.decoder import Decoder
from realtime.model.ear import Ear
from realtime.model.encoder import encoder_path
from trainer.run.adapt import Adaptation, nothing
from trainer.run.state import State

COMPARED = 24
"""Number of training sounds, spread evenly over the folder, on which versions of the model are compared."""


class Published:
    """The model file of a run.

    Args:
        path: the decoder file; the encoder file lies in the same folder.

    Attributes:
        distance_db: mean mel distance of the version in `path` from the training sounds; infinite until
            `offer` has written a version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.distance_db = float("inf")
        self._pairs: list[Pair] = []
        self._rate = 0

    def offer(self, run: Adaptation, look: Callable[[], None] = nothing) -> None:
        """Export the model of a run; replace the files if the new version is closer to the sounds.

        Args:
            run: the training run.
            look: called repeatedly; if it raises an exception, the files stay unchanged.
        """
        draft = self.path.with_name(f".{self.path.name}")
        try:
            now = run.snapshot(resumable=False, look=look)
            export(now, draft, name=self.path.stem, force=True, candidates=1)
            pairs = compared(draft, run.state, look=look)
            distance_db = mean_db(pairs)
            if distance_db < self.distance_db:
                self.distance_db, self._pairs = distance_db, pairs
                self._rate = run.state.config.model.sample_rate
                for source, target in ((encoder_path(draft), encoder_path(self.path)), (draft, self.path)):
                    os.replace(source, target)
        finally:
            for left in (draft, encoder_path(draft)):
                left.unlink(missing_ok=True)

    def show(self) -> None:
        """Write the preview of the version in `path`."""
        preview.write(self._pairs, self._rate, self.path.parent)


def mean_db(pairs: Sequence[Pair]) -> float:
    """Return the mean of the pairs' mel distances, in dB."""
    return float(np.mean([pair.distance_db for pair in pairs]))


def compared(
    path: Path, state: State, most: int = COMPARED, look: Callable[[], None] = nothing
) -> list[Pair]:
    """Return training sounds of a run, each with its reconstruction by a decoder file.

    Args:
        path: the decoder file, exported from the run.
        state: the state of the run.
        most: maximum number of sounds, which are chosen evenly from the folder; 0 compares all sounds.
        look: called before each sound; an exception that it raises ends the work.
    """
    decoder = Decoder(path, capacity=1, provider="cpu")
    count = min(most or len(state.train), len(state.train))
    pairs = []
    for place in np.linspace(0, len(state.train) - 1, count).round().astype(int).tolist():
        look()
        anchor = decoder.info.anchors[place]
        real = state.sounds.waveforms[state.train[place], 0].numpy()
        (ours,) = decoder.decode([anchor.z])
        pairs.append(Pair(anchor.name, real, ours, Ear(real, decoder.info.sample_rate).distance(ours)))
    return pairs
