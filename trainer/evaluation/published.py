"""Measures published sounds from a different model with the same measures as the sounds of a run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainer.data import mfcc_dtw
from trainer.data.audio import AUDIOREAD_SUFFIXES, SOUNDFILE_SUFFIXES, prepare_signal, read
from trainer.data.mfcc_dtw import Deviation, Settings
from trainer.errors import DataError
from trainer.evaluation import quality
from trainer.evaluation.subject import Subject

MEANS, RECONSTRUCTIONS = "means", "reconstructions"
"""Names of the sub-folders for decoded class means, in files named after the classes, and for
reconstructions."""
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True)
class Published:
    """The measures of published sounds.

    Attributes:
        folder: folder of the sounds.
        deviations: for each class, MFCC-DTW deviation of the published mean from the test sounds.
        snr_db: signal-to-noise ratio of each published reconstruction, float64 [N]. The reference is the
            sound in the data folder that gives the highest ratio.
    """

    folder: Path
    deviations: tuple[Deviation, ...]
    snr_db: Tensor


def measure(folder: Path, subject: Subject) -> Published:
    """Measure the sounds of a folder, prepared in the same way as the sounds of the run.

    Raises:
        DataError: the folder contains neither of the two sub-folders; a file cannot be used; the file name of
            a mean contains no class or several classes; or two means belong to the same class.
    """
    if not any((folder / name).is_dir() for name in (MEANS, RECONSTRUCTIONS)):
        raise DataError(f"{folder}: no sub-folder {MEANS} or {RECONSTRUCTIONS} in it")
    settings = Settings.at(subject.saved.config.model.sample_rate)
    means: dict[int, Tensor] = {}
    for path in _files(folder / MEANS):
        label = class_of(path.stem, subject.saved.classes)
        if label is None or label in means:
            reason = "no class, or several, in its name" if label is None else "a second mean of its class"
            raise DataError(f"{path}: {reason}; name each mean after its class, such as {NUMBERS[6]}.wav")
        means[label] = _sound(path, subject)
    found = []
    for label in range(len(subject.saved.classes)):
        members = subject.members(label)
        if label not in means or not members:
            found.append(Deviation(None, None))
            continue
        takes = [mfcc_dtw.features(subject.waveforms[i, 0].numpy(), settings) for i in members]
        centre = mfcc_dtw.features(means[label].numpy(), settings)
        found.append(mfcc_dtw.deviation(centre, takes, mfcc_dtw.pairwise(takes)))
    ratios = [_best_snr(_sound(path, subject), subject) for path in _files(folder / RECONSTRUCTIONS)]
    return Published(folder, tuple(found), torch.tensor(ratios, dtype=torch.float64))


def class_of(name: str, classes: Sequence[str]) -> int | None:
    """Return the label of the class whose name is a word in a file name.

    The result is None if the file name contains no class or several classes. If the name of a class is a
    digit, the file name may spell the digit out.
    """
    words = {word.casefold() for word in re.findall(r"[^\W\d_]+|\d+", name)}
    words |= {str(NUMBERS.index(word)) for word in words if word in NUMBERS}
    found = [label for label, other in enumerate(classes) if other.casefold() in words]
    return found[0] if len(found) == 1 else None


def _files(folder: Path) -> list[Path]:
    suffixes = SOUNDFILE_SUFFIXES | AUDIOREAD_SUFFIXES
    return sorted(path for path in folder.glob("*") if path.suffix.lower() in suffixes)


def _sound(path: Path, subject: Subject) -> Tensor:
    """Read a sound file, and return the sound [T], prepared as for the run."""
    config = subject.saved.config
    try:
        return torch.from_numpy(prepare_signal(*read(path), config.model, config.data))
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _best_snr(sound: Tensor, subject: Subject) -> float:
    """Return the highest SNR of a sound [T] against any sound of the data folder."""
    takes = subject.sounds.waveforms
    return float(np.max(quality.snr_db(sound.expand_as(takes), takes).numpy()))
