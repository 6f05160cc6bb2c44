"""The "learned ear": CDPAM, a network trained on listeners' judgements of how different two sounds are.

CDPAM is described in P. Manocha et al., *Contrastive Learning for Perceptual Audio Similarity*, 2021. The
package `cdpam` is optional and used only here. The weights of the network are stored as a pickle, which can
run code when it is read. Therefore, install the package from a source that you trust, into a separate folder:

    pip install --target FOLDER --no-deps cdpam resampy
    PYTHONPATH=FOLDER python -m bench.ear MODEL SOUNDS --learned

The embedding of a sound of 743 ms takes about three seconds on one thread; `--memory` keeps embeddings in a
file.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from bench.sounds.timbre import Sound

RATE, PEAK = 22_050, 0.9 * 32_768
"""Sample rate in Hz and peak of the sounds on which CDPAM was trained."""


class LearnedEarError(Exception):
    """The package is not installed, or its weights cannot be read."""


class LearnedEar:
    """Measures CDPAM's distance between sounds, and remembers the embeddings of sounds.

    Args:
        memory: a .npz file of embeddings, which is read if it exists and which `remember` writes; None uses
            no file.

    Raises:
        LearnedEarError: the package is not installed, or its weights cannot be read.
    """

    def __init__(self, memory: Path | None = None) -> None:
        self._model = _load()
        self._memory = memory
        self._known: dict[str, NDArray[np.float32]] = {}
        if memory is not None and memory.exists():
            with np.load(memory) as file:
                self._known = dict(file)

    def embedding(self, sound: Sound, rate: int) -> NDArray[np.float32]:
        """Return the acoustic half of CDPAM's embedding, a unit vector [512]; sound level has no effect."""
        import librosa

        key = hashlib.sha256(np.asarray(sound, np.float32).tobytes() + str(rate).encode()).hexdigest()
        if key not in self._known:
            scaled = sound / max(1e-9, float(np.abs(sound).max()))
            samples = np.round(librosa.resample(scaled, orig_sr=rate, target_sr=RATE) * PEAK)
            with torch.inference_mode():
                batch = torch.from_numpy(samples.astype(np.float32))[None, None]
                acoustic = self._model.base_encoder.forward(batch)[1]
                self._known[key] = functional.normalize(acoustic, dim=1)[0].numpy()
        return self._known[key]

    def distance(self, one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
        """Return CDPAM's distance between two embeddings [512]."""
        with torch.inference_mode():
            pair = (torch.from_numpy(point)[None] for point in (one, other))
            return float(self._model.model_dist.forward(*pair))

    def remember(self) -> None:
        """Write all known embeddings to the file."""
        if self._memory is not None:
            beside = self._memory.with_suffix(".part.npz")
            np.savez(beside, **cast(Any, self._known))
            beside.replace(self._memory)


def kernel_distance(some: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """Return the kernel distance (KID) between two sets of embeddings, [N, D] and [M, D].

    The KID is an estimate of the squared maximum mean discrepancy, with the kernel (x·y + 1)³. No embedding
    is compared with itself; the estimate is therefore unbiased for all N and M of at least 2. For two sets
    from one distribution, it is 0 on average and may be negative.
    """

    def kernel(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray((a.astype(np.float64) @ b.T.astype(np.float64) + 1) ** 3)

    def within(points: NDArray[np.float32]) -> float:
        values, count = kernel(points, points), len(points)
        return float((values.sum() - np.trace(values)) / (count * (count - 1)))

    return within(some) + within(others) - 2 * float(kernel(some, others).mean())


def _load() -> Any:
    try:
        module = importlib.import_module("cdpam.cdpam")
    except ImportError as error:
        raise LearnedEarError(
            f"--learned needs the package cdpam ({error}): "
            "pip install --target FOLDER --no-deps cdpam resampy, then PYTHONPATH=FOLDER"
        ) from None
    load = torch.load
    torch.load = functools.partial(
        load, weights_only=False
    )  # the weights are a pickle, which PyTorch no longer loads by default
    try:
        return module.CDPAM(dev="cpu").model
    except (OSError, RuntimeError) as error:
        raise LearnedEarError(f"the weights of cdpam cannot be read: {error}") from None
    finally:
        torch.load = load
