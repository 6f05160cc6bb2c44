"""Measures the noise of a sound in the spectrum between its modes (damped sinusoids).

The levels of the modes are known only to within about 1 dB. If the power of the modes is subtracted from the
power of a band, a quarter of the band's power can therefore remain, even where there is no noise. The bins of
a spectrum between the modes show the noise itself, down to 30 dB below the partials of a bell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.components.layout import band_shapes

Array = NDArray[np.float64]

WINDOW = 4096
"""Length of the window in samples. At 44.1 kHz, it separates partials that are 50 Hz apart."""
LOBE_BINS = 2.5
"""Largest distance, in bins, at which a bin belongs to a mode. The window's main lobe extends over 2 bins on
either side."""
FEWEST = 0.15
"""Smallest fraction of a band that must lie between the modes for a measurement of the band's noise."""
LEAST = 1e-3
"""Smallest fraction that is returned. The side lobes of strong partials hide smaller fractions."""


def share_between(sound: Array, taken_hz: Array, rate: int, at: NDArray[np.int64], bands: int) -> Array:
    """Return the fraction of each noise band's power that is not in modes, LEAST to 1: [len(at), bands].

    Args:
        sound: the sound without its free oscillators (low partials that sweep in frequency), [T].
        taken_hz: frequencies of the modes, [K].
        at: indices of the samples for which the fraction is returned.

    Returns:
        The fractions; 1 for a band that contains too few bins between the modes.
    """
    if not len(taken_hz):
        return np.ones((len(at), bands))
    hop = WINDOW // 4
    middles = np.arange(0, len(sound) + hop, hop)
    padded = np.pad(sound, (WINDOW // 2, WINDOW))
    parts = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[middles]
    power = np.abs(np.fft.rfft(parts * np.hanning(WINDOW))) ** 2
    hz = np.fft.rfftfreq(WINDOW, 1.0 / rate).astype(np.float64)
    free = np.abs(hz[:, None] - taken_hz).min(1) > LOBE_BINS * hz[1]
    shapes = band_shapes(bands, rate, hz)
    part = (shapes * free).sum(1) / shapes.sum(1)
    mean = (power * free) @ shapes.T / np.maximum(part, FEWEST)
    share = np.where(part < FEWEST, 1.0, np.clip(mean / (power @ shapes.T + 1e-20), LEAST, 1.0))
    return np.stack([np.exp(np.interp(at, middles, row)) for row in np.log(share).T], 1)
