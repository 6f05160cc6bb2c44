"""What a run is made of, as frozen dataclasses of plain values."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_type_hints

from trainer.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HOP_LENGTH = 32
"""Samples per latent frame: five stride-2 layers (Tables 1 and 2)."""


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a model (Tables 1 and 2).

    Attributes:
        architecture: "dc" (Table 1) or "cc" (Table 2).
        sample_rate: of the sounds, in Hz.
        length: of the window in samples; a multiple of 32.
        latent_dim: size of z.
        layers: gated layers of a dilation block ("dc" only; the paper has 50).
        channels: of the dilation block ("dc" only; the paper has 32).
        classifier_hidden: widths of the hidden layers of the bottleneck classifier; 0 is as wide as there are
            classes (the paper's drums).
    """

    architecture: str = "dc"
    sample_rate: int = 22050
    length: int = 16384
    latent_dim: int = 30
    layers: int = 50
    channels: int = 32
    classifier_hidden: tuple[int, ...] = (10, 10, 10)


@dataclass(frozen=True)
class DataConfig:
    """How a folder becomes training sounds.

    Attributes:
        silence_mean_square: where a sound is longer than the window, leading blocks whose mean square, of the
            peak-normalised signal, is below this are cut (authors' code).
        silence_block: samples in such a block, at the model's rate (authors' code).
        fade_ms: fade-out where a sound is trimmed to the window; 0 in the paper.
        include: pattern of the file names used ("*_jackson_*"); "" is all of them.
        labels: where classes come from. "folder": the manifest's column, else the sub-folder; "pattern":
            `label_pattern`; "kmeans": k-means on the MFCCs of the attack (the paper's drums); "auto": the
            pattern where there is one, else as "folder".
        label_pattern: file-name pattern that gives the class ("{label}_{speaker}_{index}").
        clusters: of k-means (the paper's drums: 5).
        test_fraction: part of each class that is held out, 0 to 0.9; groups of near-duplicates stay together.
        balance: "none" draws each sound once an epoch; "class" and "source" draw every class, or every
            (class, source) pair, equally often.
        max_per_source: at most this many sounds of a class from one source, spread evenly; 0 is all.
        shift_ms: the encoder hears the sound moved by up to ± this; 0 in the paper.
    """

    silence_mean_square: float = 5e-5
    silence_block: int = 128
    fade_ms: float = 0.0
    include: str = ""
    labels: str = "auto"
    label_pattern: str = ""
    clusters: int = 5
    test_fraction: float = 0.1
    balance: str = "none"
    max_per_source: int = 0
    shift_ms: float = 0.0


@dataclass(frozen=True)
class LossConfig:
    """The terms of the loss and their weights.

    Attributes:
        reconstruction: λ11, of the squared error in time.
        kl: λ12, of the divergence from N(0, I).
        classification: λ2, of the cross-entropy at z; 0 is the paper's "non-class" model.
        reduction: "sum" (authors' code) or "mean" of the squared error over the window.
        kl_warmup_epochs: the weight of kl rises linearly over this many epochs; 0 in the paper.
        stft: weight of the multi-resolution spectral distance; 0 in the paper.
        stft_sizes: its window sizes in samples; the hop is a quarter.
        stft_floor: magnitude, of a full-scale sine's 1, below which it does not look.
    """

    reconstruction: float = 1.0
    kl: float = 1e-4
    classification: float = 1.01
    reduction: str = "sum"
    kl_warmup_epochs: int = 0
    stft: float = 0.0
    stft_sizes: tuple[int, ...] = (64, 256, 1024)
    stft_floor: float = 2e-5


@dataclass(frozen=True)
class OptimConfig:
    """How the weights move.

    Attributes:
        update: "alternating": one step on the variational loss, then one on the classification loss (paper);
            "joint": one step on their sum.
        algorithm: "adam" or "adamw".
        lr: of the encoder and decoder.
        classification_lr: of the classification step; of the classifier where the update is joint.
        weight_decay: of adamw.
        clip_norm: gradients are clipped to this norm (authors' code); 0 is off.
        schedule: "constant" (paper) or "one-cycle": linear rise, then a half cosine down to nothing.
        warmup: part of the steps that the rise takes.
    """

    update: str = "alternating"
    algorithm: str = "adam"
    lr: float = 5e-4
    classification_lr: float = 1e-3
    weight_decay: float = 0.0
    clip_norm: float = 1.0
    schedule: str = "constant"
    warmup: float = 0.1


@dataclass(frozen=True)
class FitConfig:
    """How long, how much at once, and on what.

    Attributes:
        epochs: passes over the training sounds (the paper's results are after 117).
        batch_size: sounds of one step (authors' code: 50).
        micro_batch: sounds held in memory at once; the gradient is that of the whole batch.
        seed: of the weights, the split, the order and the noise.
        device: "auto", "cpu" or "cuda".
        threads: of PyTorch on the CPU; 0 leaves its own choice.
        validate_epochs: validate and save every this many epochs.
        checkpoint_minutes: save within an epoch too, at most this often.
    """

    epochs: int = 117
    batch_size: int = 50
    micro_batch: int = 8
    seed: int = 0
    device: str = "auto"
    threads: int = 0
    validate_epochs: int = 1
    checkpoint_minutes: float = 5.0


@dataclass(frozen=True)
class Config:
    """All of a run: one table of the TOML file for each field."""

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    fit: FitConfig = field(default_factory=FitConfig)

    @classmethod
    def from_dict(cls, tables: Mapping[str, Any]) -> Config:
        """Build and check a configuration.

        Args:
            tables: {"fit": {"epochs": 10}, …}; what is absent keeps its default.

        Raises:
            ConfigError: for an unknown table or key (the message names the nearest one) or a bad value.
        """
        parts = {}
        for name, table in tables.items():
            if name not in _SECTIONS:
                raise ConfigError(f"unknown table [{name}]{_near(name, _SECTIONS)}")
            if not isinstance(table, Mapping):
                raise ConfigError(f"{name} = {table!r}: it must be a table, [{name}]")
            parts[name] = _section(name, table)
        return cls(**parts)

    @classmethod
    def from_toml(cls, text: str) -> Config:
        """As `from_dict`, from the text of a TOML file."""
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"not a TOML file: {error}") from None
        return cls.from_dict(tables)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """The tables, complete, as plain values."""
        return {name: dataclasses.asdict(getattr(self, name)) for name in _SECTIONS}

    def to_toml(self) -> str:
        """The text of a TOML file that `from_toml` reads back to an equal configuration."""
        lines: list[str] = []
        for name, table in self.to_dict().items():
            lines += [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items()), ""]
        return "\n".join(lines)

    def replace(self, section: str, **values: Any) -> Config:
        """A copy with keys of one table changed and checked."""
        return Config.from_dict({**self.to_dict(), section: {**self.to_dict()[section], **values}})

    def digest(self) -> str:
        """SHA-256 of the complete TOML text, in hex."""
        return hashlib.sha256(self.to_toml().encode()).hexdigest()


_SECTIONS: dict[str, type] = {
    "model": ModelConfig,
    "data": DataConfig,
    "loss": LossConfig,
    "optim": OptimConfig,
    "fit": FitConfig,
}
_CHOICES: dict[tuple[str, str], tuple[str, ...]] = {
    ("model", "architecture"): ("dc", "cc"),
    ("data", "labels"): ("auto", "folder", "pattern", "kmeans"),
    ("data", "balance"): ("none", "class", "source"),
    ("loss", "reduction"): ("sum", "mean"),
    ("optim", "update"): ("alternating", "joint"),
    ("optim", "algorithm"): ("adam", "adamw"),
    ("optim", "schedule"): ("constant", "one-cycle"),
    ("fit", "device"): ("auto", "cpu", "cuda"),
}
_AT_LEAST_ONE = {
    ("model", "sample_rate"),
    ("model", "length"),
    ("model", "latent_dim"),
    ("model", "layers"),
    ("model", "channels"),
    ("data", "silence_block"),
    ("data", "clusters"),
    ("fit", "epochs"),
    ("fit", "batch_size"),
    ("fit", "micro_batch"),
    ("fit", "validate_epochs"),
}
_AT_MOST = {("data", "test_fraction"): 0.9, ("optim", "warmup"): 1.0}
_ABOVE_ZERO = {("loss", "stft_floor"), ("optim", "lr"), ("optim", "classification_lr")}


def _near(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; choose from {', '.join(names)}"


def _section(section: str, table: Mapping[str, Any]) -> Any:
    """One dataclass from its table, every key and value checked."""
    kind = _SECTIONS[section]
    types = get_type_hints(kind)
    values = {}
    for key, value in table.items():
        if key not in types:
            home = [name for name, other in _SECTIONS.items() if key in get_type_hints(other)]
            hint = f"; it belongs in [{home[0]}]" if home else _near(key, types)
            raise ConfigError(f"unknown key {key} in [{section}]{hint}")
        values[key] = _value(section, key, value, types[key])
    if section == "model" and values.get("length", HOP_LENGTH) % HOP_LENGTH:
        raise ConfigError(f"[model] length = {values['length']}: it must be a multiple of {HOP_LENGTH}")
    if section == "data" and values.get("labels") == "pattern" and not values.get("label_pattern"):
        raise ConfigError('[data] labels = "pattern": it needs label_pattern, as "{label}_{speaker}_{index}"')
    return kind(**values)


def _value(section: str, key: str, value: Any, kind: Any) -> Any:
    """`value` as the type of its field, in the field's range."""
    where = f"[{section}] {key} = {value!r}"
    if kind is float and type(value) is int:
        value = float(value)
    if kind == tuple[int, ...]:
        if not isinstance(value, list | tuple) or any(type(item) is not int or item < 0 for item in value):
            raise ConfigError(f"{where}: it must be a list of whole numbers, 0 or more")
        return tuple(value)
    if type(value) is not kind:
        words = {int: "a whole number", float: "a number", str: "a text in quotes", bool: "true or false"}
        raise ConfigError(f"{where}: it must be {words[kind]}")
    choices = _CHOICES.get((section, key))
    if choices and value not in choices:
        raise ConfigError(f"{where}: choose from {', '.join(choices)}")
    if kind in (int, float):
        low = 1 if (section, key) in _AT_LEAST_ONE else 0
        high = _AT_MOST.get((section, key), math.inf)
        if not low <= value <= high or not math.isfinite(value):
            bound = f"at least {low}" if high == math.inf else f"{low} to {high}"
            raise ConfigError(f"{where}: it must be {bound}")
        if value == 0 and (section, key) in _ABOVE_ZERO:
            raise ConfigError(f"{where}: it must be above 0")
    return value


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value) if isinstance(value, str) else repr(value)


def bundled() -> dict[str, Path]:
    """The configurations that come with the package, by name."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "configs").glob("*.toml"))}


def read(name: str) -> Config:
    """The configuration in a TOML file, or a bundled one by its name.

    Raises:
        ConfigError: where there is none, or it is not accepted; the message starts with `name`.
    """
    path = bundled().get(name, Path(name))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        if path.suffix == ".toml" or path.exists():
            reason = error.strerror if isinstance(error, OSError) else "not a text file"
            raise ConfigError(f"{name}: {reason}") from None
        raise ConfigError(f"no configuration {name}{_near(name, bundled())}") from None
    try:
        return Config.from_toml(text)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None
