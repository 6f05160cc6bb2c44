"""Draw the sounds of an epoch and make batches of them.

Every draw derives from a seed and its position in the run, not from the state of a generator. A resumed run
therefore makes the same draws as an uninterrupted run.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from trainer.components import analysis, inputs
from trainer.components.analysis import Components
from trainer.components.inputs import Inputs
from trainer.data.sounds import Sounds


@dataclass(frozen=True)
class Batch:
    """A batch of sounds.

    Attributes:
        waveform: float32 [B, 1, T], the target of the decoder.
        encoder_input: float32 [B, 1, T], the input of the encoder: the waveform, shifted in time.
        label: int64 [B], class of each sound.
        index: int64 [B], position of each sound in `Sounds`.
        components: components (oscillators, damped sinusoids and noise) of the sounds in `encoder_input`, for
            a decoder that learns from them.
        measured: measurements of the sounds, for an encoder that takes these instead of sounds; `waveform`
            and `encoder_input` are then empty, [B, 0].
        own: number of sounds, at the end of the batch, that are not varied; the decoder learns each of these
            sounds at the sound's own point in latent space.
    """

    waveform: Tensor
    encoder_input: Tensor
    label: Tensor
    index: Tensor
    components: Components | None = None
    measured: Inputs | None = None
    own: int = 0

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, rows: slice) -> Batch:
        begin, end, _ = rows.indices(len(self))
        return replace(self.some(rows), own=max(0, end - max(begin, len(self) - self.own)))

    @property
    def input(self) -> Tensor | Inputs:
        """The input of the encoder: sounds, or measurements of them."""
        return self.encoder_input if self.measured is None else self.measured

    def some(self, rows: slice | Tensor) -> Batch:
        """Return a batch of some of the sounds, in which `own` is 0."""
        components = None if self.components is None else self.components[rows]
        measured = None if self.measured is None else self.measured[rows]
        return Batch(
            self.waveform[rows],
            self.encoder_input[rows],
            self.label[rows],
            self.index[rows],
            components,
            measured,
        )

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        components = None if self.components is None else self.components.to(device)
        measured = None if self.measured is None else self.measured.to(device)
        waveform, encoder_input, label, index = (
            part.to(device) for part in (self.waveform, self.encoder_input, self.label, self.index)
        )
        return Batch(waveform, encoder_input, label, index, components, measured, self.own)


def joined(parts: Sequence[Batch], own: int = 0) -> Batch:
    """Join measured batches into one batch, whose last `own` sounds are learnt at their own points."""
    waveform, encoder_input, label, index = (
        torch.cat([getattr(part, name) for part in parts])
        for name in ("waveform", "encoder_input", "label", "index")
    )
    components = analysis.joined([part.components for part in parts if part.components is not None])
    measured = inputs.joined([part.measured for part in parts if part.measured is not None])
    return Batch(waveform, encoder_input, label, index, components, measured, own)


def generator(seed: int, purpose: str, position: int = 0) -> torch.Generator:
    """Return a CPU generator that depends only on the arguments."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{position}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def epoch_order(strata: Sequence[object] | None, indices: Tensor, seed: int, epoch: int) -> Tensor:
    """Return the sounds of one epoch in order, as many as there are indices.

    Args:
        strata: the stratum of each index. All strata are drawn equally often (to within one draw), and within
            a stratum, all sounds are drawn equally often. None draws every sound once.
        indices: int64 [N].
    """
    source = generator(seed, "order", epoch)

    def shuffled(items: list[int]) -> list[int]:
        return [items[i] for i in torch.randperm(len(items), generator=source).tolist()]

    if strata is None:
        return torch.tensor(shuffled(indices.tolist()))
    members: dict[object, list[int]] = defaultdict(list)
    for stratum, index in zip(strata, indices.tolist(), strict=True):
        members[stratum].append(index)
    pools = list(members.values())
    queues: list[list[int]] = [[] for _ in pools]
    order: list[int] = []
    while len(order) < len(indices):
        for pool in shuffled(list(range(len(pools)))):
            queues[pool] = queues[pool] or shuffled(pools[pool])
            order.append(queues[pool].pop())
    return torch.tensor(order[: len(indices)])


def strata(sounds: Sounds, indices: Tensor, balance: str) -> list[object] | None:
    """Return the strata (groups that are drawn equally often) according to the setting `balance`.

    "none" gives no strata, "class" the class of each sound, "source" the class and the source of each sound.
    """
    if balance == "none":
        return None
    labels = sounds.labels[indices].tolist()
    if balance == "class":
        return list(labels)
    return [(label, sounds.sources[i]) for label, i in zip(labels, indices.tolist(), strict=True)]


def partners(
    indices: Tensor, targets: Tensor, train: Tensor, share: float, source: torch.Generator
) -> Tensor:
    """Choose a partner to be averaged with each sound: with probability `share` a different sound, otherwise
    the sound itself.

    Args:
        indices: int64 [B], indices of training sounds.
        targets: int64 [N, heads], the class of each sound for each classifier; partners agree in all of
            these.
        train: int64, indices of the training sounds.

    Returns:
        int64 [B]; a sound without a possible partner is its own partner.
    """
    mixed = torch.rand(len(indices), generator=source) < share
    choice = torch.rand(len(indices), generator=source, dtype=torch.float64)
    found = indices.clone()
    for row in mixed.nonzero()[:, 0].tolist():
        index = indices[row]
        others = train[(targets[train] == targets[index]).all(1) & (train != index)]
        if len(others):
            found[row] = others[int(choice[row] * len(others))]
    return found


def augmented(targets: Tensor, train: Tensor, averages: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return the sounds of an epoch, and the partner with which each is averaged, drawn once for the run.

    Args:
        targets: int64 [N, heads], the class of each sound for each classifier; partners agree in all of
            these.
        train: int64 [M], indices of the training sounds.
        averages: number of partners of each sound, all different if its class is large enough.

    Returns:
        int64 [M · (1 + averages)] each; a sound that is not averaged, or is alone in its class, is its own
        partner.
    """
    if not averages:
        return train, train
    source = generator(seed, "averages")
    partner = train[:, None].repeat(1, 1 + averages)
    for row, index in enumerate(train):
        others = train[(targets[train] == targets[index]).all(1) & (train != index)]
        if len(others):
            order = torch.cat(
                [torch.randperm(len(others), generator=source) for _ in range(0, averages, len(others))]
            )
            partner[row, 1:] = others[order[:averages]]
    return train.repeat_interleave(1 + averages), partner.flatten()


def batch(
    sounds: Sounds,
    indices: Tensor,
    shift: int = 0,
    source: torch.Generator | None = None,
    waveform: Tensor | None = None,
) -> Batch:
    """Make a batch of the sounds at `indices`.

    Args:
        shift: largest shift, in samples, of the encoder's input, early or late; zeros fill the gap.
        source: generator of the shifts.
        waveform: waveforms to use instead of those of the sounds, [B, 1, T].
    """
    waveform = sounds.waveforms[indices] if waveform is None else waveform
    encoder_input = waveform
    if shift:
        late = torch.randint(-shift, shift + 1, (len(indices),), generator=source).tolist()
        encoder_input = torch.stack([_moved(sound, by) for sound, by in zip(waveform, late, strict=True)])
    return Batch(waveform, encoder_input, sounds.labels[indices], indices)


def _moved(sound: Tensor, by: int) -> Tensor:
    """Delay a sound [1, T] by `by` samples."""
    moved = torch.zeros_like(sound)
    length = sound.shape[-1]
    moved[:, max(by, 0) : length + min(by, 0)] = sound[:, max(-by, 0) : length - max(by, 0)]
    return moved
