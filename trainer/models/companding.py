"""Companding: a model learns compressed waveforms, and its output is expanded to sound.

Telephone codecs compand speech, too (A-law and µ-law): the error of a sample then grows with the magnitude of
the sample, so there is less noise where a sound is soft.
"""

from __future__ import annotations

from torch import Tensor


def compressed(sound: Tensor, exponent: float) -> Tensor:
    """Return the waveform sign(x)·|x|^exponent of a sound x, of any shape, for an exponent above 0."""
    return sound if exponent == 1.0 else sound.sign() * sound.abs().pow(exponent)


def expanded(waveform: Tensor, exponent: float) -> Tensor:
    """Return the sound whose compressed waveform is given: the inverse of `compressed`."""
    return compressed(waveform, 1.0 / exponent)
