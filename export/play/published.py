"""The model file that plays: replaced each time the model has come nearer to the sounds by ear."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.to_onnx import export
from realtime.model.decoder import Decoder
from realtime.model.ear import Ear
from realtime.model.encoder import encoder_path
from trainer.run.adapt import Adaptation
from trainer.run.state import State

HEARD = 24
"""Sounds, spread over the folder, by which one version is compared with another."""


class Published:
    """The model file of a run.

    Args:
        path: the decoder file; the encoder lies beside it.

    Attributes:
        distance_db: mean distance by ear of the version that `path` holds; infinite before the first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.distance_db = float("inf")

    def offer(self, run: Adaptation) -> float:
        """Export the model of a run, and let it replace the file if it is nearer.

        Returns:
            The mean distance, in dB, of its sounds from the real ones.
        """
        draft = self.path.with_name(f".{self.path.name}")
        try:
            export(run.snapshot(resumable=False), draft, name=self.path.stem, force=True)
            found = float(distances(draft, run.state).mean())
            if found < self.distance_db:
                self.distance_db = found
                for source, target in ((encoder_path(draft), encoder_path(self.path)), (draft, self.path)):
                    os.replace(source, target)
        finally:
            for left in (draft, encoder_path(draft)):
                left.unlink(missing_ok=True)
        return found


def distances(path: Path, state: State, most: int = HEARD) -> NDArray[np.float64]:
    """Return how far a decoder file is from the training sounds, in dB by ear.

    Args:
        most: number of sounds, spread evenly over the folder; 0: all.

    Returns:
        float64 [sounds].
    """
    decoder = Decoder(path, capacity=1, provider="cpu")
    count = min(most or len(state.train), len(state.train))
    chosen = np.linspace(0, len(state.train) - 1, count).round().astype(int)
    found = []
    for place in chosen.tolist():
        real = state.sounds.waveforms[state.train[place], 0].numpy()
        (ours,) = decoder.decode([decoder.info.anchors[place].z])
        found.append(Ear(real, decoder.info.sample_rate).distance(ours))
    return np.array(found)
