"""Tests for labels of training sounds: from folders, from names, or from clusters of attacks."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.trainer.displays import Recorder
from trainer import config as configs
from trainer.config import Config, DataConfig, ModelConfig
from trainer.data import labels
from trainer.data.mfcc import mfcc
from trainer.data.sounds import find, prepare
from trainer.errors import ConfigError, DataError
from trainer.evaluation import subject
from trainer.run import checkpoint, fit

RATE = 8000
MODEL = ModelConfig(sample_rate=RATE, length=1024)
KMEANS = DataConfig(labels="kmeans", clusters=3)


def tone(frequency_hz: float, seed: int) -> torch.Tensor:
    """Return a sound [900] at 8 kHz: a tone of 70 ms, and then noise that is the same in all sounds."""
    time = np.arange(900) / RATE
    noise = np.random.default_rng(seed).standard_normal(900)
    sound = np.sin(2 * np.pi * frequency_hz * time) + 0.02 * noise
    sound[560:] = np.random.default_rng(0).standard_normal(340)
    return torch.from_numpy(sound)


@pytest.fixture
def tones(tmp_path: Path) -> Path:
    """A folder with five takes of each of three kinds of attack; the sub-folders do not match the kinds."""
    for take in range(5):
        for kind, frequency_hz in enumerate((150.0, 800.0, 2500.0)):
            path = tmp_path / "tones" / f"box-{(take + kind) % 2}" / f"{kind}-{take}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            sound = 0.3 * tone(frequency_hz * (1 + 0.01 * take), seed=take).numpy()
            soundfile.write(path, sound, RATE, subtype="FLOAT")
    return tmp_path / "tones"


@pytest.mark.parametrize(("rate", "window", "fft"), [(22050, 220, 1024), (8000, 80, 512), (8000, 256, 256)])
def test_mfcc_equals_that_of_librosa(rate: int, window: int, fft: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import librosa
    sound = np.random.default_rng(1).standard_normal(2000)
    bands = librosa.feature.melspectrogram(
        y=sound, sr=rate, n_fft=fft, win_length=window, hop_length=window, n_mels=40, center=False
    )
    theirs = librosa.feature.mfcc(S=librosa.power_to_db(bands, top_db=None), n_mfcc=20).T
    start = (fft - window) // 2  # librosa centres a short window in its frame of fft samples
    shifted = torch.from_numpy(sound)[None, start:]
    ours = mfcc(shifted, rate, coefficients=20, bands=40, window=window, hop=window, fft=fft)[0]
    count = min(len(ours), len(theirs))
    assert count >= 3
    np.testing.assert_allclose(ours[:count].numpy(), theirs[:count], rtol=1e-4, atol=1e-3)


def test_attack_features_are_the_mean_over_the_first_seven_windows_of_10_ms() -> None:
    sound = torch.randn(2, 1, 1024, generator=torch.Generator().manual_seed(0))
    found = labels.attack_features(sound, RATE)
    each = [labels.attack_features(sound[..., 80 * i : 80 * (i + 1)], RATE) for i in range(7)]
    torch.testing.assert_close(found, torch.stack(each).mean(0))
    changed = sound.clone()
    changed[..., 560:] = 0.0
    assert torch.equal(labels.attack_features(changed, RATE), found)
    changed[..., 559] += 1.0
    assert not torch.equal(labels.attack_features(changed, RATE), found)


def test_a_sound_shorter_than_10_ms_has_features() -> None:
    assert labels.attack_features(torch.randn(1, 1, 32), RATE).shape == (1, 20)


def test_clusters_are_the_kinds_of_attack(tones: Path) -> None:
    sounds = prepare(tones, MODEL, KMEANS)
    assert sounds.classes == ("cluster-1", "cluster-2", "cluster-3")  # sorted from dark to bright
    assert sounds.labels.tolist() == [int(Path(name).name[0]) for name in sounds.names]
    assert prepare(tones, MODEL, KMEANS).digest == sounds.digest
    assert prepare(tones, MODEL, DataConfig()).classes == ("box-0", "box-1")


def test_known_centres_of_clusters_label_other_sounds(tones: Path) -> None:
    centres = prepare(tones, MODEL, KMEANS).centres
    for path in tones.rglob("[12]-*.wav"):
        path.unlink()
    sounds = prepare(tones, MODEL, KMEANS, centres=centres)
    assert sounds.classes == ("cluster-1", "cluster-2", "cluster-3")
    assert sounds.labels.tolist() == [0] * 5


def test_equal_sounds_give_fewer_clusters_than_requested() -> None:
    features = torch.tensor([[0.0, 1.0], [0.0, 1.0], [5.0, 2.0], [5.0, 2.0]], dtype=torch.float64)
    centres = labels.cluster(features, 3)
    assert centres.tolist() == [[5.0, 2.0], [0.0, 1.0]]
    assert labels.nearest(features, centres).tolist() == [1, 1, 0, 0]
    with pytest.raises(DataError, match=r"clusters = 5: there are only 4 sounds"):
        labels.cluster(features, 5)


def test_a_checkpoint_contains_the_centres_of_the_clusters_and_resumes_with_them(
    tones: Path, config: Config, tmp_path: Path
) -> None:
    config = config.replace("data", labels="kmeans", clusters=3)
    (tmp_path / "run").mkdir()
    state = fit.start(config, tones)
    fit.run(state, tmp_path / "run", Recorder())
    saved = checkpoint.load(tmp_path / "run")
    assert saved.classes == ("cluster-1", "cluster-2", "cluster-3")
    assert saved.centres is not None
    assert torch.equal(saved.centres, labels.cluster(labels.attack_features(state.sounds.waveforms, RATE), 3))
    again = fit.resume(saved, config, tones)
    assert torch.equal(again.sounds.labels, state.sounds.labels)


def test_labels_come_from_the_configured_source(tones: Path) -> None:
    pattern = "{label}-{take}"
    asked = {
        "auto": ("0", "1", "2"),
        "pattern": ("0", "1", "2"),
        "folder": ("box-0", "box-1"),
    }
    for source, classes in asked.items():
        entries, skipped = find(tones, DataConfig(labels=source, label_pattern=pattern))
        assert (sorted({entry.label for entry in entries}), skipped) == (list(classes), [])
    with pytest.raises(ConfigError, match="it needs label_pattern"):
        Config().replace("data", labels="pattern")


def test_paper_recipes_cluster_drums_and_our_recipe_does_not() -> None:
    for name in ("drums", "drums_cc"):
        assert (configs.read(name).data.labels, configs.read(name).data.clusters) == ("kmeans", 5)
    assert configs.read("drums_mb").data.labels == "auto"


def test_an_evaluation_has_the_classes_of_the_run(tones: Path, config: Config, tmp_path: Path) -> None:
    config = config.replace("data", labels="kmeans", clusters=3, test_fraction=0.4)
    state = fit.start(config, tones)
    moved = state.sounds.centres
    assert moved is not None
    saved = dataclasses.replace(fit.snapshot(state), centres=moved.flip(0))
    checkpoint.write(tmp_path / "last.safetensors", saved)
    with pytest.raises(DataError, match="not those of this run"):  # the classes come from the saved centres
        subject.load(tmp_path, device="cpu")
    checkpoint.write(tmp_path / "last.safetensors", fit.snapshot(state))
    found = subject.load(tmp_path, device="cpu")
    assert torch.equal(found.sounds.labels, state.sounds.labels)
