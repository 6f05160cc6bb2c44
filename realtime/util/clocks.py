"""Estimates the time at which a stream of samples began, from observations that jitter."""

from __future__ import annotations

JUMP_S = 0.02  # a larger deviation is corrected at once, a smaller one gradually
GAIN = 0.05  # share of a smaller deviation that each observation corrects


def corrected(estimate_s: float, observed_s: float) -> float:
    """Return the estimate after another observation.

    Args:
        estimate_s: the estimate so far, in seconds.
        observed_s: the observation, in seconds.
    """
    off = observed_s - estimate_s
    return observed_s if abs(off) > JUMP_S else estimate_s + GAIN * off
