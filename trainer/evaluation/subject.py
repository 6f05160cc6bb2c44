"""The subject of an evaluation: a trained model and the test sounds of the training run.

"The paper" is Lionello and Purwins, *End-to-End Dilated Variational Autoencoder with Bottleneck
Discriminative Loss for Sound Morphing*.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from trainer.data import alignment, splits
from trainer.data.sounds import Progress, Sounds, prepare
from trainer.errors import CheckpointError, DataError, DivergedError
from trainer.models.vae import VAE, build
from trainer.run import checkpoint
from trainer.run.checkpoint import BEST, LAST, Checkpoint
from trainer.run.devices import pick_device

AT_ONCE = 8
"""Number of sounds that are encoded or decoded at once."""


@dataclass(frozen=True)
class Subject:
    """A model and its test sounds.

    Attributes:
        path: path of the checkpoint.
        saved: the checkpoint.
        model: the model, in evaluation mode, on `device`.
        sounds: all sounds of the data folder.
        test: int64 [N], indices of the test sounds.
    """

    path: Path
    saved: Checkpoint
    model: VAE
    device: torch.device
    sounds: Sounds
    test: Tensor

    @property
    def names(self) -> list[str]:
        """Names of the test sounds, [N]."""
        return [self.sounds.names[i] for i in self.test.tolist()]

    @cached_property
    def labels(self) -> Tensor:
        """Labels of the test sounds, int64 [N]."""
        return self.sounds.labels[self.test]

    @cached_property
    def waveforms(self) -> Tensor:
        """Waveforms of the test sounds, float32 [N, 1, T]."""
        return self.sounds.waveforms[self.test]

    def members(self, label: int) -> list[int]:
        """Return the indices, among the test sounds, of the sounds of a class."""
        return torch.nonzero(self.labels == label)[:, 0].tolist()

    @torch.inference_mode()
    def decode(self, z: Tensor) -> Tensor:
        """Decode z [N, D] to audio [N, 1, T], both on the CPU."""
        parts = [self.model.decode(part.to(self.device)).cpu() for part in z.split(AT_ONCE)]
        return torch.cat(parts) if parts else torch.empty(0, 1, self.saved.config.model.length)


@dataclass(frozen=True)
class Outputs:
    """The outputs of a model for the test sounds and the centres of their classes.

    Attributes:
        mean: the encoder's mean for each sound, a position in latent space, float32 [N, D].
        predicted: class that the classifier of the model predicts at the mean, int64 [N].
        audio: reconstruction of each sound from its mean, float32 [N, 1, T].
        centres: mean position of the test sounds of each class (Eqn. 2 of the paper), [C, D]; NaN for a class
            without test sounds.
        centre_audio: the decoded centres, [C, 1, T].
        learned_centres: mean position of the training sounds of each class, [C, D]; a performer selects such
            a centre by the name of the class.
        learned_audio: the decoded learned centres, [C, 1, T].
    """

    mean: Tensor
    predicted: Tensor
    audio: Tensor
    centres: Tensor
    centre_audio: Tensor
    learned_centres: Tensor
    learned_audio: Tensor


def load(
    run: Path,
    which: str | None = None,
    data: Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> Subject:
    """Load the model of a run and its test sounds.

    Args:
        run: a run folder or a checkpoint file.
        which: the checkpoint in the run folder, "last" (the default) or "best".
        data: the folder of the sounds, if it has moved.

    Raises:
        TrainerError: if the checkpoint is missing, the sounds have changed, or there are no test sounds.
    """
    if which and not run.is_dir():
        raise CheckpointError(f"{run}: --checkpoint {which} needs a run folder")
    path = run / (BEST if which == "best" else LAST) if run.is_dir() else run
    if run.is_dir() and not path.exists():
        raise CheckpointError(f"{run}: no checkpoint in it (looked for {path.name})")
    saved = checkpoint.load(path)
    if path.name == BEST and not saved.config.data.validation_fraction:
        raise CheckpointError(f"{path}: does not exist, because [data] validation_fraction is 0; use {LAST}")
    config, folder = saved.config, data or Path(saved.data["folder"])
    chosen = pick_device(device)
    sounds = prepare(folder, config.model, config.data, progress, saved.centres)
    parts = splits.parts(sounds, config.data, config.fit.seed)
    sounds = alignment.aligned(sounds, parts.train, config.model.length)
    if sounds.digest != saved.data.get("digest"):
        raise DataError(
            f"{folder}: its sounds are not those of this run ({len(sounds.names)} sounds now; the run was "
            f"trained on {len(saved.anchors.names)}), so it is unknown which are test sounds"
        )
    if not len(parts.test):
        raise DataError(
            f"{run}: it has no test sounds ([data] test_fraction = {config.data.test_fraction:g} of "
            f"{len(sounds.names)} sounds), so there is nothing to evaluate it on"
        )
    model = build(config.model, len(saved.classes))
    try:
        checkpoint.fill(model, saved)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    return Subject(path, saved, model.to(chosen).eval(), chosen, sounds, parts.test)


@torch.inference_mode()
def outputs_of(subject: Subject) -> Outputs:
    """Encode and decode the test sounds and the centres of their classes.

    Raises:
        DivergedError: if an output of the model is not finite.
    """
    means, predicted = [], []
    for part in subject.waveforms.split(AT_ONCE):
        mean = subject.model.encode(part.to(subject.device))[0]
        predicted.append(subject.model.classify(mean).argmax(1).cpu())
        means.append(mean.cpu())
    mean, anchors = torch.cat(means), subject.saved.anchors
    count = len(subject.saved.classes)
    centres = _centres(mean, subject.labels, count)
    learned = _centres(anchors.mean, torch.tensor(anchors.labels), count)
    audio, learned_audio = subject.decode(mean), subject.decode(learned)
    if not all(bool(given.isfinite().all()) for given in (mean, audio, learned_audio)):
        raise DivergedError(f"{subject.path}: the output of the model is not finite: its training diverged")
    return Outputs(
        mean=mean,
        predicted=torch.cat(predicted),
        audio=audio,
        centres=centres,
        centre_audio=subject.decode(centres),
        learned_centres=learned,
        learned_audio=learned_audio,
    )


def _centres(points: Tensor, labels: Tensor, count: int) -> Tensor:
    """Return the mean of the points [N, D] of each label, [count, D]."""
    return torch.stack([points[labels == label].mean(0) for label in range(count)])
