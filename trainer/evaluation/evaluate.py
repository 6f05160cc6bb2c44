"""The evaluation of section 5 of the paper (Lionello and Purwins), with reference values.

The test sounds of a training run are measured. The training sounds are used only as neighbours for the 1-NN
(nearest-neighbour) accuracy, for the class centres that a performer selects by name, and for a second
signal-to-noise ratio. z is a point in latent space.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.data import mfcc_dtw
from trainer.data.mfcc_dtw import Deviation, References, Settings
from trainer.evaluation import paper, quality
from trainer.evaluation.subject import Outputs, Subject
from trainer.run.checkpoint import BEST
from trainer.run.validation import leave_one_out, nearest_neighbour

SCHEMA_VERSION = 1
LEARNED = 100
"""Maximum number of training sounds that are decoded, spread evenly over all training sounds."""


@dataclass(frozen=True)
class Spread:
    """Statistics of a measure over sounds."""

    mean: float
    std: float
    median: float

    @classmethod
    def of(cls, values: Tensor) -> Spread:
        """Summarise [N] values, N at least 1."""
        values = values.double()
        middle = values.quantile(0.5).item()
        return cls(values.mean().item(), values.std(correction=0).item(), middle)


@dataclass(frozen=True)
class ClassResult:
    """The results of a class.

    Attributes:
        name: name of the class.
        sounds: number of test sounds of the class.
        centre: MFCC-DTW deviation (Eqn. 2) of the sound decoded at the class centre, the mean z of the test
            sounds.
        learned_centre: the same deviation for the mean z of the training sounds.
        centre_at_peak: `centre` for the decoded sound scaled to a peak of 1, as the test sounds are; without
            scaling, a quiet centre deviates because of its level alone.
        blur_at_peak: deviation of the blur, scaled to a peak of 1; None if the class has no test sound.
        references: the deviations of real sounds and of the blur, the mean of the waveforms; None if the
            class has no test sound.
        medoid, random_take: names of the real sounds in `references`: the most typical one, and one drawn at
            random.
    """

    name: str
    sounds: int
    centre: Deviation
    learned_centre: Deviation
    centre_at_peak: Deviation
    blur_at_peak: Deviation | None
    references: References | None
    medoid: str | None
    random_take: str | None


@dataclass(frozen=True)
class Evaluation:
    """All results of a run.

    Attributes:
        run: facts about the checkpoint and the configuration, as plain values.
        nearest_neighbour: fraction of the test sounds whose nearest training sound, by z, has the same class.
        leave_one_out: fraction of the test sounds whose nearest other test sound, by z, has the same class.
        classifier: accuracy of the bottleneck classifier; None if it was not trained.
        snr_db: signal-to-noise ratio of the reconstructions.
        learned_snr_db: signal-to-noise ratio of the reconstructions of at most `LEARNED` training sounds.
        stft_distance: multi-resolution STFT distance of the reconstructions.
        classes: the results of each class.
        settings: settings of the MFCC-DTW deviation.
    """

    run: dict[str, Any]
    nearest_neighbour: float
    leave_one_out: float
    classifier: float | None
    snr_db: Spread
    learned_snr_db: Spread
    stft_distance: Spread
    classes: tuple[ClassResult, ...]
    settings: Settings

    @property
    def model(self) -> str:
        """Name of the model as in the paper, such as "DC-VAE"; " (non-class)" is added if λ2 is 0."""
        return f"{self.run['architecture'].upper()}-VAE" + (
            "" if self.run["discriminative"] else " (non-class)"
        )

    @property
    def digits(self) -> bool:
        """True if the classes are the digits of the paper."""
        return tuple(result.name for result in self.classes) == paper.DIGITS

    def averages(self) -> dict[str, Deviation]:
        """Return the mean of each deviation over the classes, by name, as in the last row of Table 3."""
        columns = [columns_of(result) for result in self.classes]
        return {name: average([column[name] for column in columns]) for name in columns[0]}

    def to_dict(self) -> dict[str, Any]:
        """Return all results as plain values, for JSON; an undefined value is None."""
        averages = self.averages()
        found: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "model": self.model,
            **dataclasses.asdict(self),
            "average": {name: dataclasses.asdict(value) for name, value in averages.items()},
        }
        found["settings"] = {
            "mfcc_dtw": self.settings.to_dict(),
            "stft_distance": {"sizes": list(quality.SIZES), "hop": "size / 4", "floor": quality.FLOOR},
            "snr_db": "10 log10(sum w^2 / sum (a - w)^2) of each sound, decoded from its mean",
        }
        if self.digits:
            found["paper"] = {
                "deviation": {
                    model: dict(zip(paper.DIGITS, rows, strict=True))
                    for model, rows in paper.DEVIATIONS.items()
                },
                "nearest_neighbour": paper.NEAREST_NEIGHBOUR,
            }
        return found


def columns_of(result: ClassResult) -> dict[str, Deviation]:
    """Return the deviations of a class by name: those of the model, then those for comparison."""
    nothing, known = Deviation(None, None), result.references
    return {
        "centre": result.centre,
        "centre_at_peak": result.centre_at_peak,
        "learned_centre": result.learned_centre,
        "medoid": known.medoid if known else nothing,
        "random_take": known.random_take if known else nothing,
        "every_take": known.every_take if known else nothing,
        "blur": known.blur if known else nothing,
        "blur_at_peak": result.blur_at_peak or nothing,
    }


def measure(subject: Subject, outputs: Outputs) -> Evaluation:
    """Evaluate a model on its test sounds."""
    saved = subject.saved
    config, anchors = saved.config, saved.anchors
    settings = Settings.at(config.model.sample_rate)
    labels = subject.labels
    discriminative = config.loss.classification > 0
    return Evaluation(
        run={
            "checkpoint": subject.path.name,
            "chosen_by_validation": subject.path.name == BEST,
            "epoch": saved.epoch,
            "step": saved.step,
            "architecture": config.model.architecture,
            "discriminative": discriminative,
            "leak": config.data.leak,
            "seed": config.fit.seed,
            "sample_rate": config.model.sample_rate,
            "length": config.model.length,
            "latent_dim": config.model.latent_dim,
            "config_hash": config.digest(),
            "data_hash": subject.sounds.digest,
            "train_sounds": len(anchors.names),
            "test_sounds": len(labels),
        },
        nearest_neighbour=nearest_neighbour(anchors.mean, torch.tensor(anchors.labels), outputs.mean, labels),
        leave_one_out=leave_one_out(outputs.mean, labels),
        classifier=(outputs.predicted == labels).double().mean().item() if discriminative else None,
        snr_db=Spread.of(quality.snr_db(outputs.audio, subject.waveforms)),
        learned_snr_db=Spread.of(_learned_snr_db(subject)),
        stft_distance=Spread.of(quality.stft_distance(outputs.audio, subject.waveforms)),
        classes=tuple(_class(subject, outputs, label, settings) for label in range(len(saved.classes))),
        settings=settings,
    )


def _learned_snr_db(subject: Subject) -> Tensor:
    """Return the signal-to-noise ratio, in dB, of reconstructions of training sounds, [N]."""
    anchors, places = subject.saved.anchors, {name: i for i, name in enumerate(subject.sounds.names)}
    count = len(anchors.names)
    chosen = torch.linspace(0, count - 1, min(count, LEARNED)).round().long()
    indices = [places[anchors.names[row]] for row in chosen.tolist()]
    return quality.snr_db(subject.decode(anchors.mean[chosen]), subject.sounds.waveforms[indices])


def _class(subject: Subject, outputs: Outputs, label: int, settings: Settings) -> ClassResult:
    name, members = subject.saved.classes[label], subject.members(label)
    if not members:
        nothing = Deviation(None, None)
        return ClassResult(name, 0, nothing, nothing, nothing, None, None, None, None)
    waveforms = subject.waveforms[members][:, 0].numpy()
    sounds = [mfcc_dtw.features(waveform, settings) for waveform in waveforms]
    among = mfcc_dtw.pairwise(sounds)
    mean = waveforms.mean(0)
    blur = mfcc_dtw.features(mean, settings)
    known = mfcc_dtw.references(blur, sounds, among, (subject.saved.config.fit.seed, label))
    decoded, learned = (audio[label, 0].numpy() for audio in (outputs.centre_audio, outputs.learned_audio))

    def apart(sound: NDArray[np.float32]) -> Deviation:
        return mfcc_dtw.deviation(mfcc_dtw.features(sound, settings), sounds, among)

    names = subject.names
    return ClassResult(
        name=name,
        sounds=len(members),
        centre=apart(decoded),
        learned_centre=apart(learned),
        centre_at_peak=apart(_at_peak(decoded)),
        blur_at_peak=apart(_at_peak(mean)),
        references=known,
        medoid=names[members[known.medoid_index]],
        random_take=names[members[known.random_index]],
    )


def _at_peak(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a sound [T] with a peak of 1; silence stays silence."""
    peak = np.abs(sound).max()
    return sound / peak if peak else sound


def average(values: list[Deviation]) -> Deviation:
    """Return the means over the classes that have a deviation."""
    pairs = [(value.mean, value.std) for value in values if value.mean is not None and value.std is not None]
    if not pairs:
        return Deviation(None, None)
    means, stds = zip(*pairs, strict=True)
    return Deviation(sum(means) / len(means), sum(stds) / len(stds))
