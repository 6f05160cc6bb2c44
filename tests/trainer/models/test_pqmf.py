"""The filter bank separates bands and reconstructs a sound."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from trainer.models.pqmf import OVERLAP, synthesis_filters, synthesis_kernel


@pytest.mark.parametrize("bands", [8, 16, 32])
def test_analysis_and_synthesis_reproduce_a_sound_within_56_db(bands: int) -> None:
    filters = synthesis_filters(bands)
    taps = filters.shape[1]
    torch.manual_seed(0)
    sound = torch.randn(1, 1, 64 * bands, dtype=torch.float64)
    parts = functional.conv1d(functional.pad(sound, (taps - 1, taps - 1)), filters[:, None], stride=bands)
    whole = functional.conv_transpose1d(parts, filters[:, None], stride=bands)[..., taps - 1 :]
    whole = whole[..., : sound.shape[-1]]
    gain = (whole * sound).sum() / sound.square().sum()
    assert abs(gain - 1.0) < 0.01
    assert (whole / gain - sound).norm() < 1.6e-3 * sound.norm()


def test_filter_of_a_band_suppresses_all_but_the_band_and_its_neighbours() -> None:
    bands = 8
    spectrum = torch.fft.rfft(synthesis_filters(bands), 4096).abs()
    width = 2048 // bands
    loudest = spectrum.max()
    for band in range(bands):
        low, high = max(0, (band - 1) * width), (band + 2) * width
        outside = torch.cat((spectrum[band, :low], spectrum[band, high:]))
        assert outside.max() < 10 ** (-60 / 20) * loudest


def test_synthesis_with_the_kernel_equals_synthesis_with_the_filters() -> None:
    bands = 4
    torch.manual_seed(0)
    parts = torch.randn(1, bands, 20, dtype=torch.float64)
    phases = functional.conv1d(functional.pad(parts, (OVERLAP - 1, 0)), synthesis_kernel(bands))
    whole = functional.conv_transpose1d(parts, synthesis_filters(bands)[:, None], stride=bands)
    torch.testing.assert_close(phases.transpose(1, 2).flatten(), whole[0, 0, : 20 * bands])
