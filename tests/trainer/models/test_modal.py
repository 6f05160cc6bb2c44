"""The modal decoder makes a sound from oscillators, modes (ringing partials) and bands of noise.

Levels are interpolated between points in time, the knots. Each sound ends in silence.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from trainer import config as configs
from trainer.components.layout import FREE, LOWEST_NOISE_HZ, band_shapes, half_zone, knot_frames, zones_hz
from trainer.components.noise import EVEN_FRAMES, noise_table
from trainer.config import Config, ModelConfig
from trainer.errors import ConfigError
from trainer.models.modal import ModalDecoder, knot_weights

RATE, FRAMES, HOP, DIM = 16_000, 60, 32, 4
SMALL = ModelConfig(
    "modal", RATE, FRAMES * HOP, DIM, hop_length=HOP, bands=6, hidden=12, values=5, modes=7, knots=9
)
SILENT = -200.0
"""A log level whose exponential is 0 in float32."""


def _decoder(
    *, noise: float = SILENT, free: float = SILENT, modes: float = SILENT, rings: float = 0.0
) -> ModalDecoder:
    """Return a decoder whose levels are the same at every z; its sounds last for the full length.

    Args:
        noise: log level of each band of noise.
        free: log level of each free oscillator.
        modes: log level of each mode.
        rings: fraction of the noise that rings, 0 to 1.
    """
    torch.manual_seed(0)
    decoder = ModalDecoder(SMALL).eval()
    with torch.no_grad():
        for layer in (decoder.levels, decoder.mode_heads):
            layer.weight.zero_()
            layer.bias.zero_()
        decoder.levels.bias[: decoder.bands] = noise
        decoder.levels.bias[decoder.bands :] = free
        decoder.mode_heads.bias[: decoder.modes] = modes
        decoder.presence.weight.zero_()
        decoder.presence.bias.fill_(30.0)
        decoder.ringing.weight.zero_()
        decoder.ringing.bias.fill_(200.0 * (rings - 0.5))
        decoder.end.weight.zero_()
        decoder.end.bias.fill_(30.0)
    return decoder


def _z(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def test_a_later_z_changes_no_earlier_sample() -> None:
    torch.manual_seed(0)
    decoder = ModalDecoder(SMALL).eval()
    z = _z(1, FRAMES, DIM)
    moved = z.clone()
    moved[:, 25:] += 1.0
    with torch.no_grad():
        before, after = decoder(z), decoder(moved)
    assert torch.equal(before[..., : 25 * HOP], after[..., : 25 * HOP])
    assert not torch.equal(before[..., 25 * HOP :], after[..., 25 * HOP :])


@torch.no_grad()
def test_levels_at_the_knots_are_the_same_when_decoded_frame_by_frame() -> None:
    torch.manual_seed(0)
    decoder = ModalDecoder(SMALL).eval()
    hidden = decoder.hidden(_z(3, DIM))
    at = decoder.knot_frame
    streamed = decoder._levels_at(hidden[:, None].expand(-1, len(at), -1), at)
    torch.testing.assert_close(decoder.knot_levels(hidden), streamed)


@torch.no_grad()
@pytest.mark.parametrize("rings", [0.0, 0.5, 1.0])
def test_level_of_the_noise_is_the_sum_of_its_bands_and_does_not_depend_on_z(rings: float) -> None:
    decoder = _decoder(noise=-3.0, rings=rings)
    z = _z(2, DIM)
    played = decoder(z)[:, 0]
    wanted = math.exp(-3.0) * decoder.bands**0.5
    # a mixture of two independent signals of noise at the same level has this level, within a few per cent
    assert played[0].square().mean().sqrt().item() == pytest.approx(wanted, rel=0.15)
    assert torch.equal(played[0], played[1])  # the noise depends only on the position in the sound


@torch.no_grad()
def test_low_noise_begins_without_a_click() -> None:
    """The two lowest bands have under -60 dB of their power above 6 kHz; a start in mid-wave gives -33 dB."""
    config = configs.read("kit").model
    decoder = ModalDecoder(config).eval()
    for layer, bias in ((decoder.levels, SILENT), (decoder.mode_heads, SILENT), (decoder.end, 30.0)):
        layer.weight.zero_()
        layer.bias.fill_(bias)
    decoder.levels.bias[:2] = 0.0
    sound = decoder.stream(torch.zeros(1, 32, config.latent_dim))[0].double()
    sound = torch.cat((torch.zeros(64), sound))
    fade = torch.hann_window(2 * len(sound), dtype=torch.float64)[
        len(sound) :
    ]  # otherwise, the cut at the end would make a click
    power = torch.fft.rfft(sound * fade).abs().square()
    high = torch.fft.rfftfreq(len(sound), 1.0 / config.sample_rate) > 6000.0
    assert 10.0 * torch.log10(power[high].sum() / power.sum()) < -60.0


@torch.no_grad()
def test_frames_may_have_48_samples() -> None:
    config = dataclasses.replace(SMALL, hop_length=48, length=48 * FRAMES)
    decoder = ModalDecoder(config).eval()
    sound = decoder(_z(1, DIM))
    assert sound.shape == (1, 1, 48 * FRAMES)
    assert sound[..., : 48 * 20].abs().max() > 0.0


@torch.no_grad()
def test_a_free_oscillator_sweeps_to_its_frequency() -> None:
    decoder = _decoder(free=-2.0)
    decoder.levels.bias[decoder.bands + 1 :] = SILENT  # only the first oscillator is audible, at f1
    z = _z(1, DIM)
    found = decoder.pitch(z)
    sound = decoder(z)[0, 0].double().numpy()
    rising = np.flatnonzero((sound[:-1] < 0) & (sound[1:] >= 0))
    crossing = (rising - sound[rising] / (sound[rising + 1] - sound[rising])) / RATE
    middle = torch.from_numpy((crossing[1:] + crossing[:-1]) / 2)
    hz = decoder.free_hz({name: value.double() for name, value in found.items()}, middle[None])[0, :, 0]
    measured = 1.0 / np.diff(crossing)
    assert len(measured) >= 6
    assert measured[0] > 1.1 * measured[-1]
    np.testing.assert_allclose(measured, hz.numpy(), rtol=0.05)


@torch.no_grad()
def test_a_path_of_z_glides_the_pitch_during_the_sound() -> None:
    decoder = _decoder(free=-2.0)
    decoder.levels.bias[decoder.bands + 1 :] = SILENT
    sweep = FREE - 1  # the output for the sweep
    decoder.pitch.out.weight[sweep:] = 0.0
    decoder.pitch.out.bias[sweep:] = -30.0
    ends = _z(2, DIM)
    low, high = decoder.pitch(ends)["log_f1"].exp().tolist()
    share = torch.linspace(0.0, 1.0, FRAMES)[:, None]
    sound = decoder(torch.lerp(ends[0], ends[1], share)[None])[0, 0].numpy()
    rising = np.flatnonzero((sound[:-1] < 0) & (sound[1:] >= 0))
    hz = RATE / np.diff(rising)
    assert abs(math.log(high / low)) > 0.2
    assert hz[0] == pytest.approx(low, rel=0.15)
    assert hz[-1] == pytest.approx(high, rel=0.15)
    steepest = 2 * math.pi * max(low, high) / RATE * math.exp(-2.0)
    assert np.abs(np.diff(sound)).max() <= 1.1 * steepest  # no click


@torch.no_grad()
def test_a_mode_decays_at_its_rate_in_nepers_per_second() -> None:
    decoder = _decoder(modes=-2.0)
    decoder.mode_heads.bias[1 : decoder.modes] = SILENT
    hidden = decoder.hidden(_z(1, DIM))
    decay = decoder.mode_levels(hidden)[1][0, 0].item()
    sound = decoder(_z(1, DIM))[0, 0]
    quarter = FRAMES * HOP // 4
    first, last = (sound[i * quarter : (i + 1) * quarter].square().mean().log() / 2 for i in (0, 2))
    assert (first - last).item() == pytest.approx(decay * 2 * quarter / RATE, rel=0.05)


@torch.no_grad()
def test_a_sound_ends_in_exact_zeros() -> None:
    decoder = _decoder(noise=-2.0, free=-2.0, modes=-2.0)
    decoder.end.bias.zero_()
    end = decoder.end_frame(decoder.hidden(_z(1, DIM))).item()
    sound = decoder(_z(1, DIM))[0, 0]
    assert end == pytest.approx((FRAMES + decoder.gate_frames) / 2)
    assert sound[math.ceil(end) * HOP :].abs().max() == 0.0
    assert sound[(math.floor(end) - 2) * HOP : math.floor(end) * HOP].abs().max() > 0.0


@pytest.mark.parametrize(("frames", "knots"), [(1, 2), (40, 41), (40, 12), (1024, 48), (256, 200)])
def test_knots_rise_from_the_first_frame_to_the_last(frames: int, knots: int) -> None:
    at = knot_frames(frames, knots)
    assert (at[0], at[-1], len(at)) == (0, frames, knots)
    assert (np.diff(at) > 0).all()
    moment = np.linspace(0, frames, 5 * frames + 1)
    before, share = knot_weights(at, moment)
    line = (1 - share) * at[before] + share * at[before + 1]
    np.testing.assert_allclose(line, moment, rtol=1e-6, atol=1e-6)
    last, whole = knot_weights(at, np.array([frames + 9.0]))
    assert (last.tolist(), whole.tolist()) == ([len(at) - 2], [1.0])  # after the last knot, its level stays


@pytest.mark.parametrize("rate", [8000, 44_100])
def test_zones_of_the_modes_lie_side_by_side_below_half_the_sample_rate(rate: int) -> None:
    zones, half = zones_hz(112, rate), half_zone(112, rate)
    np.testing.assert_allclose(np.log(zones[1:]) - half, np.log(zones[:-1]) + half)
    assert zones[0] == pytest.approx(500.0)
    assert zones[-1] == pytest.approx(min(15_000.0, 0.45 * rate))


def test_bands_of_noise_have_unit_power_different_periods_and_no_gap() -> None:
    table, periods = noise_table(8, HOP, RATE)
    assert len(set(periods.tolist())) == 8
    power = np.zeros(1025)
    for row, frames in zip(table, periods, strict=True):
        period = frames * HOP
        assert np.mean(row[:period].astype(float) ** 2) == pytest.approx(1.0, rel=1e-4)
        assert not row[period:].any()
        spectrum = np.abs(np.fft.rfft(row[:period].astype(float))) ** 2
        hz = np.fft.rfftfreq(period, 1 / RATE)
        power += np.interp(np.linspace(0, RATE / 2, 1025), hz, np.convolve(spectrum, np.ones(64), "same"))
    middle = power[20:-20]
    assert middle.min() > 0.1 * np.median(middle)


def test_ringing_noise_has_few_partials_and_gaussian_noise_has_many() -> None:
    hop, rate, bands = 64, 44_100, 40
    shares = []
    for ringing in (False, True):
        table, periods = noise_table(bands, hop, rate, ringing=ringing)
        power = np.sort(np.abs(np.fft.rfft(table[20, : periods[20] * hop].astype(float))) ** 2)[::-1]
        shares.append(power[:30].sum() / power.sum())
    assert shares[0] < 0.5
    assert shares[1] > 0.95


def test_noise_begins_with_even_power_and_a_low_peak() -> None:
    hop, rate, bands = 64, 44_100, 40
    table, _ = noise_table(bands, hop, rate)
    begun = EVEN_FRAMES * hop
    power = (table[:, :begun].astype(float) ** 2).mean(1)
    assert (np.abs(10 * np.log10(power)) < 3.0).all()
    assert np.abs(table[:, :begun].sum(0)).max() < 3.0 * bands**0.5
    drawn = np.random.default_rng(0).standard_normal((bands, begun))
    assert np.abs(table[:, :begun].sum(0)).max() < np.abs(drawn.sum(0)).max()


@pytest.mark.parametrize("rate", [8000, 44_100])
def test_noise_bands_add_up_to_one_at_each_frequency(rate: int) -> None:
    hz = np.linspace(LOWEST_NOISE_HZ, rate / 2, 999)
    np.testing.assert_allclose(band_shapes(20, rate, hz).sum(0), 1.0)


def test_error_for_too_few_modes_or_knots_states_the_minimum() -> None:
    for key in ("modes", "knots"):
        with pytest.raises(ConfigError, match=f"{key} = 1: it must be at least 2"):
            Config.from_dict({"model": {"architecture": "modal", key: 1}})
