"""Tests for configurations: defaults, bundled files, and errors that name the key."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from trainer import config as configs
from trainer.config import Config
from trainer.errors import ConfigError

PAPER = ("paper_dc", "paper_cc", "paper_nonclass")


def test_defaults_are_those_of_the_paper() -> None:
    config = Config()
    assert (config.loss.reconstruction, config.loss.kl, config.loss.classification) == (1.0, 1e-4, 1.01)
    assert (config.optim.lr, config.optim.classification_lr, config.optim.clip_norm) == (5e-4, 1e-3, 1.0)
    assert (config.optim.update, config.loss.reduction, config.loss.stft) == ("alternating", "sum", 0.0)
    assert (config.fit.epochs, config.fit.batch_size, config.data.silence_mean_square) == (117, 50, 5e-5)


@pytest.mark.parametrize("name", configs.bundled())
def test_bundled_configurations_are_the_same_after_writing_and_reading(name: str) -> None:
    config = configs.read(name)
    again = Config.from_toml(config.to_toml())
    assert again == config
    assert again.digest() == config.digest()


def test_configurations_of_the_paper_have_no_validation_sounds() -> None:
    rows = ("digits", "digits_cc", "digits_nonclass", "drums", "drums_cc", *PAPER)
    assert {configs.read(name).data.validation_fraction for name in rows} == {0.0}
    assert Config().data.validation_fraction == 0.1


def test_bundled_configurations_have_their_architecture_rate_length_and_latent_size() -> None:
    shapes = {
        name: (c.model.architecture, c.model.sample_rate, c.model.length, c.model.latent_dim)
        for name, c in ((name, configs.read(name)) for name in configs.bundled())
    }
    assert shapes == {
        "digits": ("dc", 8000, 4096, 20),
        "digits_aligned": ("dc", 8000, 4096, 20),
        "digits_cc": ("cc", 8000, 4096, 20),
        "digits_cc_cpu": ("cc", 8000, 4096, 20),
        "digits_cpu": ("dc", 8000, 4096, 20),
        "digits_mb": ("mb", 8000, 4096, 20),
        "digits_nonclass": ("dc", 8000, 4096, 20),
        "digits_nonclass_cpu": ("dc", 8000, 4096, 20),
        "digits_speakers": ("dc", 8000, 4096, 20),
        "drums": ("dc", 22050, 16384, 30),
        "drums_cc": ("cc", 22050, 16384, 30),
        "drums_mb": ("mb", 44100, 32768, 30),
        "kit": ("modal", 44_100, 65_536, 32),
        "paper_cc": ("cc", 8000, 4096, 20),
        "paper_dc": ("dc", 8000, 4096, 20),
        "paper_nonclass": ("dc", 8000, 4096, 20),
    }


@pytest.mark.parametrize("name", PAPER)
def test_configurations_of_the_papers_protocol_have_the_papers_values(name: str) -> None:
    config, default = configs.read(name), Config()
    assert config.optim == default.optim
    assert config.loss == dataclasses.replace(
        default.loss, classification=0.0 if name == "paper_nonclass" else 1.01
    )
    data = config.data
    assert (data.averages, data.mix, data.shift_ms, data.align_ms, data.leak) == (20, 0.0, 0.0, 0.0, False)
    assert (config.fit.epochs, config.fit.batch_size) == (117, 50)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[model]\n"\\n" = 1', "unknown key '\\n' in [model]"),
        ('["\\n"]', "unknown table ['\\n']"),
        ("[fit]\nbtach_size = 3", "unknown key btach_size in [fit]; did you mean batch_size?"),
        ("[loss]\nepochs = 3", "unknown key epochs in [loss]; it belongs in [fit]"),
        ("[modle]\nlayers = 3", "unknown table [modle]; did you mean model?"),
        ("epochs = 3", "unknown table [epochs]; choose from model, data, loss, optim, fit"),
        ("fit = 3", "fit = 3: it must be a table, [fit]"),
        ("[fit]\nseed = 1180591620717411303424", "[fit] seed: a number has more than 63 bits"),
        ("[fit]\nseed = 0x" + "f" * 5000, "[fit] seed: a number has more than 63 bits"),
        ("[fit]\nseed = " + "9" * 5000, "not a TOML file: "),
        ("[fit]\nseed = " + "[" * 5000, "not a TOML file: "),
        ("[optim]\nlr = " + "9" * 400, "[optim] lr: a number has more than 63 bits"),
        ("[loss]\nstft_sizes = [0]", "[loss] stft_sizes = [0]: each must be at least 4"),
        ("[loss]\nstft_sizes = [9223372036854775808]", "[loss] stft_sizes: a number has more than 63 bits"),
        (
            "[loss]\nstft = 1\nstft_sizes = [4096]\n[model]\nlength = 1024",
            "[loss] stft_sizes = [4096]: one must be 1024 samples or shorter",
        ),
        ("[loss]\nloudness = 1", "[loss] loudness = 1: it must be 0 for dc; it works with modal"),
        ("[fit]\nepochs = 0", "[fit] epochs = 0: it must be at least 1"),
        ("[fit]\nepochs = 1.5", "[fit] epochs = 1.5: it must be a whole number"),
        ("[fit]\nepochs = true", "[fit] epochs = True: it must be a whole number"),
        ("[optim]\nlr = 0", "[optim] lr = 0: it must be above 0"),
        ("[optim]\nlr = inf", "[optim] lr = inf: it must be at least 0"),
        ("[data]\ntest_fraction = 0.95", "[data] test_fraction = 0.95: it must be 0 to 0.9"),
        ("[model]\nlength = 100", "[model] length = 100: it must be a multiple of 32"),
        ('[model]\narchitecture = "rnn"', "[model] architecture = 'rnn': choose from dc, cc, mb"),
        ("[loss]\ncentre = 0.3", "[loss] centre = 0.3: it must be 0 for dc; it works with mb"),
        ("[data]\nvary_db = 2", "[data] vary_db = 2: it must be 0 for dc; it works with modal"),
        ("[loss]\ncomponents = 1", "[loss] components = 1: it must be 0 for dc; it works with modal"),
        (
            '[model]\narchitecture = "cc"\n[loss]\ncentre_dtw = 1',
            "[loss] centre_dtw = 1: it must be 0 for cc; it works with mb",
        ),
        ("[data]\naverages = 2\nmix = 0.5", "[data] averages = 2 and mix = 0.5: one of them must be 0"),
        (
            '[data]\nshift_steps = "classification"\n[optim]\nupdate = "joint"',
            '[data] shift_steps = "classification": it needs [optim] update = "alternating", two steps',
        ),
        (
            "[loss]\nstft_sizes = [64, 1.5]",
            "[loss] stft_sizes = [64, 1.5]: it must be a list of whole numbers",
        ),
    ],
)
def test_error_names_the_key_and_the_accepted_values(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        Config.from_toml(text)
    assert str(error.value).startswith(message)


def test_error_names_the_configuration_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[fit\n")
    with pytest.raises(ConfigError, match=r"mine\.toml: not a TOML file"):
        configs.read(str(path))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"mine\.toml: not a text file"):
        configs.read(str(path))
    with pytest.raises(ConfigError, match=r"other\.toml: No such file"):
        configs.read(str(tmp_path / "other.toml"))
    with pytest.raises(ConfigError, match="no configuration drumz; did you mean drums"):
        configs.read("drumz")


def test_replace_checks_values() -> None:
    assert Config().replace("fit", epochs=3).fit.epochs == 3
    with pytest.raises(ConfigError, match="at least 1"):
        Config().replace("fit", epochs=-3)
