"""The layers of the MB-VAE, a model that works on the bands of a filter bank, match their definitions."""

from __future__ import annotations

import math

import pytest
import torch

from tests.trainer.models.plain import assert_equals_plain
from trainer.config import Config, LossConfig, ModelConfig
from trainer.errors import ConfigError
from trainer.losses.terms import centre_terms, reconstruction, spectral_distance
from trainer.models.mb import GatedStack, MBDecoder, MBEncoder
from trainer.models.vae import MEMORY, build

SMALL = ModelConfig("mb", 8000, 1024, 4, layers=9, channels=6, hop_length=64, bands=8, hidden=10, values=5)


@pytest.mark.parametrize(("layers", "steps", "batch"), [(1, 3, 1), (9, 200, 3), (8, 40, 2)])
def test_stack_and_its_gradients_equal_those_of_a_plain_implementation(
    layers: int, steps: int, batch: int
) -> None:
    torch.manual_seed(layers)
    x = torch.randn(steps, batch, 5, dtype=torch.float64)
    assert_equals_plain(GatedStack(layers, 5).double(), x)


def test_a_single_z_acts_as_the_same_z_at_every_frame() -> None:
    torch.manual_seed(0)
    decoder = MBDecoder(SMALL).double()
    z = torch.randn(3, 4, dtype=torch.float64)
    torch.testing.assert_close(decoder(z), decoder(z[:, None].expand(3, 16, 4)))


def test_onset_layer_changes_the_first_sample() -> None:
    decoder = MBDecoder(SMALL)
    with torch.no_grad():
        decoder.onset.weight.zero_()
        decoder.onset.bias[0, 0] = 1.0
    zero = torch.zeros(1, 4)
    before = decoder(zero)[0, 0, 0]
    assert before > 0.5


def test_encoder_ignores_sign_and_almost_ignores_phase() -> None:
    torch.manual_seed(0)
    encoder = MBEncoder(SMALL)
    time = torch.arange(1024) / 8000
    sound = torch.sin(2 * math.pi * 440 * time)[None, None]
    later = torch.sin(2 * math.pi * (440 * time + 0.3))[None, None]
    with torch.no_grad():
        mean, flipped, shifted = (encoder(x)[0] for x in (sound, -sound, later))
        other = encoder(torch.sin(2 * math.pi * 900 * time)[None, None])[0]
    torch.testing.assert_close(mean, flipped)
    assert (shifted - mean).norm() < 0.3 * (other - mean).norm()


def test_prototype_of_a_class_is_the_mean_z_of_its_sounds() -> None:
    model = build(SMALL, 2)
    means = torch.randn(30, 4)
    label = torch.arange(30) % 2
    for part in range(0, 30, 10):
        found = model.updated(means[part : part + 10], label[part : part + 10])
        model.load_state_dict(found, strict=False)
    assert MEMORY >= 15
    for index in range(2):
        torch.testing.assert_close(model.prototypes[index], means[label == index].mean(0))


def test_centre_terms_of_the_loss_compare_the_decoded_class_centre_with_the_medoid() -> None:
    torch.manual_seed(0)
    audio, medoid, sound = torch.randn(3, 2, 1, 1024).unbind()
    config = LossConfig(reduction="mean", reconstruction=3.0, stft=2.0, centre=1.0, centre_dtw=1.0)
    terms = centre_terms(audio, medoid, sound, config, 8000)
    wanted = 3.0 * reconstruction(audio, medoid, "mean")
    wanted = wanted + 2.0 * spectral_distance(audio, medoid, config.stft_sizes, config.stft_floor)
    torch.testing.assert_close(terms["centre"], wanted)
    assert terms["centre_dtw"] > centre_terms(sound, medoid, sound, config, 8000)["centre_dtw"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"architecture": "mb", "hop_length": 60, "length": 600}, "multiple of bands = 8"),
        ({"architecture": "mb", "hop_length": 64, "length": 100}, "multiple of 64"),
        ({"architecture": "dc", "hop_length": 64}, 'it must be 32 for "dc"'),
    ],
)
def test_impossible_frame_lengths_are_refused_with_the_accepted_values(
    table: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        Config.from_dict({"model": table})
