"""Writes TensorBoard files of a run: losses, 1-NN accuracy, decoded sounds, and a picture of latent space."""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.run.state import State
from trainer.run.validation import encode

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

PREVIEWS = 4
"""Number of validation sounds to reconstruct."""
MORPH_POINTS = 5
GAP_MS = 100.0
PIXELS, DOT = 320, 2


class Board:
    """A display that writes TensorBoard's files.

    Args:
        state: the run; older events in the folder for steps after the current one are discarded.
        folder: folder of the files.
    """

    def __init__(self, state: State, folder: Path) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self.state = state
        self.writer: SummaryWriter = SummaryWriter(str(folder), purge_step=state.step + 1)

    def close(self) -> None:
        """Write the pending events."""
        self.writer.close()

    def stepped(self, state: State, losses: dict[str, float]) -> None:
        """Do nothing, because the curves have only one point for each epoch."""

    def note(self, text: str) -> None:
        """Do nothing."""

    def finished_epoch(self, record: dict[str, Any]) -> None:
        """Write the curves and, after a validation, the sounds and the picture."""
        step = record["step"]
        for part in ("train", "validation"):
            for name, value in record.get(part, {}).items():
                self.writer.add_scalar(f"{part}/{name}", value, step)
        for name in ("nearest_neighbour", "leave_one_out", "criterion", "rate"):
            if record.get(name) is not None:
                self.writer.add_scalar(name, record[name], step)
        if "validation" in record:
            self.state.model.eval()
            self._sounds(step)
            self._picture(step)
        self.writer.flush()

    @torch.no_grad()
    def _sounds(self, step: int) -> None:
        state, rate = self.state, self.state.config.model.sample_rate
        for index in previews(state).tolist():
            waveform = state.sounds.waveforms[[index]]
            decoded = state.model.decode(state.model.encode(waveform.to(state.device))[0]).cpu()
            name = f"reconstruction/{state.sounds.names[index]}"
            self.writer.add_audio(name, joined(torch.cat((waveform, decoded)), rate), step, rate)
        path = morph(state)
        if path is not None:
            audio = torch.cat([state.model.decode(z[None].to(state.device)).cpu() for z in path])
            self.writer.add_audio("morph", joined(audio, rate), step, rate)

    def _picture(self, step: int) -> None:
        state = self.state
        assert state.anchors is not None
        points = torch.cat((state.anchors.mean, encode(state, state.parts.validation)))
        labels = [*state.anchors.labels, *state.sounds.labels[state.parts.validation].tolist()]
        if len(points) >= PREVIEWS:
            self.writer.add_image("t-sne", scatter(tsne(points), labels, len(state.train)), step)


def previews(state: State) -> Tensor:
    """Return the indices of `PREVIEWS` sounds, if possible of different classes.

    These are validation sounds, or training sounds if there are no validation sounds.
    """
    pool = state.parts.validation if len(state.parts.validation) else state.train
    labels = state.sounds.labels[pool].tolist()
    rank = [labels[:i].count(label) for i, label in enumerate(labels)]
    return pool[torch.tensor(rank).argsort(stable=True)[:PREVIEWS]]


def morph(state: State) -> Tensor | None:
    """Return points [5, D] from the first class's centre to the last class's centre; None for one class."""
    assert state.anchors is not None
    labels = torch.tensor(state.anchors.labels)
    present = labels.unique()
    if len(present) < 2:
        return None
    first, last = (state.anchors.mean[labels == label].mean(0) for label in (present[0], present[-1]))
    return torch.lerp(first, last, torch.linspace(0, 1, MORPH_POINTS)[:, None])


def joined(audio: Tensor, sample_rate: int) -> Tensor:
    """Join sounds [N, 1, T] with gaps between them into one, [1, samples] in ±1."""
    gap = audio.new_zeros(audio.shape[1], round(GAP_MS * sample_rate / 1000))
    pieces = [piece for sound in audio for piece in (sound, gap)]
    return torch.cat(pieces[:-1], dim=1).clamp(-1, 1)


def tsne(points: Tensor) -> NDArray[np.float32]:
    """Return a seeded t-SNE of points [N, D], N at least 4, as [N, 2]."""
    from sklearn.manifold import TSNE

    values = points.double().numpy()
    if not np.ptp(values):
        return np.zeros((len(values), 2), np.float32)
    init = "pca" if values.shape[1] > 1 else "random"
    found = TSNE(perplexity=min(30.0, (len(values) - 1) / 3), init=init, random_state=0)
    return np.asarray(found.fit_transform(values), np.float32)


def scatter(places: NDArray[np.float32], labels: list[int], filled: int) -> NDArray[np.uint8]:
    """Draw points [N, 2] as a picture [3, 320, 320] with a colour for each label.

    Args:
        filled: number of points drawn as squares; the others (validation) are rings.
    """
    picture = np.full((3, PIXELS, PIXELS), 255, np.uint8)
    spread = np.ptp(places, axis=0).max() or 1.0
    middle = (places.max(axis=0) + places.min(axis=0)) / 2
    size = 2 * DOT + 1
    inside = PIXELS - 4 * size
    corners = ((places - middle) / spread * inside + PIXELS / 2 - size / 2).round().astype(int)
    colours = max(labels) + 1
    for i, ((x, y), label) in enumerate(zip(corners, labels, strict=True)):
        colour = colorsys.hsv_to_rgb(label / colours, 0.8, 0.8)
        dot = np.tile((255 * np.array(colour)).astype(np.uint8)[:, None, None], (1, size, size))
        if i >= filled:
            dot[:, 1:-1, 1:-1] = 255
        picture[:, y : y + size, x : x + size] = dot
    return picture
