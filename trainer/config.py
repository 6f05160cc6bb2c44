"""The configuration of a training run: frozen dataclasses of plain values, read from TOML and checked.

"The paper" is Lionello and Purwins, *End-to-End Dilated Variational Autoencoder with Bottleneck
Discriminative Loss for Sound Morphing*. "Authors' code" marks values in the published code of the paper.
"""

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

from trainer.architectures import ARCHITECTURES, HOP_LENGTH
from trainer.errors import ConfigError, printable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class HeadConfig:
    """A classifier on some dimensions of z, the point in latent space: one [[model.heads]] table.

    Attributes:
        name: name of the classifier (head); its loss is named "classification/<name>".
        dims: [first, end]: the dimensions of z from `first` up to, but not including, `end`.
        label: source of the target classes: "label" (the classes of the sounds), or a different field of
            [data] label_pattern.
        weight: factor of the head's loss, multiplied by [loss] classification.
        classes: number of classes; 0 takes the number of classes of the sounds.
    """

    name: str
    dims: tuple[int, ...]
    label: str = "label"
    weight: float = 1.0
    classes: int = 0


@dataclass(frozen=True)
class ModelConfig:
    """The shape of a model (the paper's Tables 1 and 2).

    Attributes:
        architecture: "dc" (Table 1), "cc" (Table 2), "mb" (ours, on the bands of a filter bank) or "modal"
            (ours, oscillators and noise).
        sample_rate: rate of the sounds, in Hz.
        length: length in samples of the window, the part of a sound that a model takes; a multiple of
            hop_length.
        latent_dim: number of dimensions of z, a point in the latent space.
        layers: number of gated layers of a dilation block ("dc" and "mb"; the paper has 50).
        channels: number of channels of a dilation block ("dc" and "mb"; the paper has 32).
        hop_length: number of samples in a latent frame; 32 for "dc" and "cc".
        bands: number of bands: those of the filter bank ("mb"; hop_length is a multiple of it), or those of
            the noise ("modal").
        hidden: width of the two hidden layers after z ("mb" and "modal").
        values: number of learnt values for each latent frame ("mb") or for each of the `knots` ("modal");
            "dc" and "cc" have one for each frame.
        modes: number of damped sinusoids, each in a frequency zone of its own ("modal" only).
        knots: number of knots, the times at which levels are learnt ("modal" only); there is at most one knot
            for each boundary of a latent frame.
        classifier_hidden: widths of the hidden layers of the bottleneck classifier; a width of 0 is replaced
            by the number of classes, as for the paper's drums.
        heads: classifiers on parts of z, the first one for the classes; without heads, one classifier takes
            all of z, as in the paper.
    """

    architecture: str = "dc"
    sample_rate: int = 22050
    length: int = 16384
    latent_dim: int = 30
    layers: int = 50
    channels: int = 32
    hop_length: int = HOP_LENGTH
    bands: int = 8
    hidden: int = 96
    values: int = 48
    modes: int = 112
    knots: int = 48
    classifier_hidden: tuple[int, ...] = (10, 10, 10)
    heads: tuple[HeadConfig, ...] = ()


@dataclass(frozen=True)
class DataConfig:
    """Preparation of training sounds from a folder.

    Attributes:
        silence_mean_square: mean square below which leading blocks of the peak-normalised signal are cut, if
            the sound is longer than the window (authors' code).
        silence_block: length of the leading blocks, in samples at the model's rate (authors' code).
        fade_ms: length of the fade-out of sounds that are trimmed to the window; 0 in the paper.
        include: pattern of the names of the files to use ("*_jackson_*"); "" takes all files.
        labels: source of the classes. "folder": the column `class` of manifest.csv, else the sub-folder;
            "pattern": `label_pattern`; "kmeans": k-means on the MFCCs of the attack (the paper's drums);
            "auto": the pattern if it matches at least one file name, else as "folder"; "names": as "folder",
            but in a folder with neither sub-folders nor a manifest, the file names give the classes, and the
            decay of a hi-hat decides whether it is open or closed.
        label_pattern: file-name pattern that gives the class ("{label}_{speaker}_{index}").
        clusters: number of clusters of k-means (the paper's drums: 5).
        test_fraction: fraction of each class that is kept out of training, for `evaluate`, 0 to 0.9; groups
            of near-duplicates stay together.
        validation_fraction: fraction, 0 to 0.9, of the remaining sounds of each class. These sounds determine
            the best checkpoint and early stopping; classes of fewer than 5 groups give no such sounds. With
            0, as in the paper, the last checkpoint is the result.
        balance: "none" draws each sound once an epoch; "class" draws every class equally often; "source"
            draws every pair of a class and a source (the origin of a sound in manifest.csv) equally often.
        max_per_source: maximum number of sounds of one class and one source; manifest.csv gives the sources.
            Of more sounds, an even selection in order of name is used. 0: no limit. Sounds without a source
            are always used.
        mix: fraction of the drawn sounds that are averaged with another training sound of the class; 0 in the
            paper. (The authors' code adds 20 such averages to each sound: 20/21 = 0.952.) With the
            architecture "modal", such a sound instead gets the body of the other sound (the part that the
            free oscillators play), and all bodies are transposed.
        averages: number of averages that are added for each training sound; each is the mean of the sound and
            another sound of the class, drawn once for the run. 0 in the paper (authors' code: 20, so 21
            sounds for each file).
        shift_ms: largest shift in time, early or late, of the encoder's input; 0 in the paper.
        shift_steps: the training steps in which the encoder's input is shifted: "both", or only
            "classification"; the variational step then uses unshifted sounds.
        align_ms: longest part cut from the start of a training sound to align its waveform with others of the
            class; the waveform may also be inverted. Validation and test sounds are not changed. 0, as in the
            paper, aligns nothing.
        leak: also train on the test sounds, once an epoch, as the validation loop of the authors' code does.
            This is an experiment: `evaluate` then measures sounds that the model was trained on.
        copies: number of varied copies of each training sound; the copies are made and measured once. An
            epoch takes one copy of each sound; after the last copies, the first ones are used again. 0 varies
            the sounds anew in each epoch ("modal" only; 0 in the paper). A copy takes 37 kB of memory.
        vary_zones: largest change of pitch in training, in widths of a mode's frequency zone ("modal" only);
            0 in the paper.
        vary_db: standard deviation, in dB, of each of the three cosines that form the curve of a random
            equaliser in training ("modal" only); 0 in the paper.
        vary_attack_db: standard deviation, in dB, of a random gain of the attack ("modal" only); 0 in the
            paper.
        vary_damping: largest extra damping in training, in nepers a second ("modal" only); 0 in the paper.
    """

    silence_mean_square: float = 5e-5
    silence_block: int = 128
    fade_ms: float = 0.0
    include: str = ""
    labels: str = "auto"
    label_pattern: str = ""
    clusters: int = 5
    test_fraction: float = 0.1
    validation_fraction: float = 0.1
    balance: str = "none"
    max_per_source: int = 0
    mix: float = 0.0
    averages: int = 0
    shift_ms: float = 0.0
    shift_steps: str = "both"
    align_ms: float = 0.0
    leak: bool = False
    copies: int = 0
    vary_zones: int = 0
    vary_db: float = 0.0
    vary_attack_db: float = 0.0
    vary_damping: float = 0.0


@dataclass(frozen=True)
class LossConfig:
    """The terms of the loss and their weights.

    Attributes:
        reconstruction: λ11, weight of the squared error of the waveform.
        kl: λ12, weight of the divergence from N(0, I).
        classification: λ2, weight of the cross-entropy at z; 0 is the paper's "non-class" model.
        reduction: "sum" (authors' code) or "mean": how the squared error is reduced over the window.
        kl_warmup_epochs: number of epochs over which the weight of kl rises linearly; 0 in the paper.
        stft: weight of the multi-resolution spectral distance; 0 in the paper.
        stft_sizes: window sizes of stft in samples; the hop is a quarter of the window size.
        stft_floor: magnitude below which stft ignores differences; a full-scale sine has 1.
        soft_dtw: weight of soft-DTW on MFCCs; 0 in the paper, which names it as future work.
        soft_dtw_gamma: smoothing of soft_dtw, in dB²; the limit at 0 is DTW.
        centre: weight of the reconstruction of each class's medoid, its most typical training sound, from the
            centre of the class in z ("mb" only); 0 in the paper.
        centre_dtw: weight of soft-DTW between the sound decoded at the centre of each class and the training
            sounds of the class ("mb" only); 0 in the paper.
        morph: weight of the difference between the mel levels decoded at a point between two sounds in z and
            the levels interpolated between these sounds; 0 in the paper.
        components: weight of the distance of the decoder's components (oscillators, modes and noise) from
            those of the recordings ("modal" only).
        loudness: weight of the error of the loudness along a path, in nepers: how far the loudness at a point
            between two sounds in z lies from the loudness interpolated between those sounds ("modal" only).
        points: weight of the squared distance between two points in z: the training sound's own point, at
            which the decoder learns the sound, and the encoder's point for the sound. 0, as in the paper,
            gives no sound a point of its own. A weight above 0 needs [data] copies.
    """

    reconstruction: float = 1.0
    kl: float = 1e-4
    classification: float = 1.01
    reduction: str = "sum"
    kl_warmup_epochs: int = 0
    stft: float = 0.0
    stft_sizes: tuple[int, ...] = (64, 256, 1024)
    stft_floor: float = 2e-5
    soft_dtw: float = 0.0
    soft_dtw_gamma: float = 1.0
    centre: float = 0.0
    centre_dtw: float = 0.0
    morph: float = 0.0
    components: float = 0.0
    loudness: float = 0.0
    points: float = 0.0

    @property
    def prototypes(self) -> bool:
        """True if a term of the loss needs the sounds decoded at class centres."""
        return bool(self.centre or self.centre_dtw)


@dataclass(frozen=True)
class OptimConfig:
    """The optimisation of the weights.

    Attributes:
        update: "alternating": one step on the variational loss, then one on the classification loss (paper);
            "joint": one step on their sum.
        algorithm: "adam", "adamw", or "muon": orthogonalised steps for the matrices of dense layers and of
            dilation blocks (`trainer/run/muon.py`), and those of adam for other weights.
        lr: learning rate of the encoder and decoder.
        classification_lr: learning rate of the classification step, or of the classifier in a joint update.
        weight_decay: weight decay of adamw.
        clip_norm: largest norm of the gradient (authors' code); 0 does not clip.
        schedule: "constant" (paper) or "one-cycle": a linear rise, then a half cosine to 0.
        warmup: fraction of the steps in which the learning rate of "one-cycle" rises.
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
    """Length, batches, saving and devices of a run.

    Attributes:
        epochs: number of passes over the training sounds (the paper's results are after 117).
        batch_size: number of sounds in a step (authors' code: 50).
        micro_batch: number of sounds in memory at once, rounded up to an even number with [loss] centre,
            centre_dtw or morph; the gradient is that of the complete batch. 0 takes 8 on a CPU and the
            complete batch on a GPU.
        seed: seed of the initial weights, the split, the order of sounds and the noise.
        device: "auto", "cpu" or "cuda".
        threads: number of PyTorch's CPU threads; 0 takes PyTorch's choice.
        validate_epochs: number of epochs from one validation to the next; each validation saves a checkpoint.
        checkpoint_minutes: shortest time in minutes between two checkpoints within an epoch; 0 saves only at
            the end of epochs.
        patience_epochs: number of epochs without a lower validation loss after which to stop; 0 never stops.
        keep_epochs: number of epochs from one numbered checkpoint to the next; 0 keeps only the last and the
            best checkpoint.
        keep: number of the newest numbered checkpoints to keep; 0 keeps all.
        tensorboard: write losses, sounds and pictures for TensorBoard into the run folder.
        devices: number of GPUs, or of CPU processes, on each machine.
        nodes: number of machines.
        strategy: "ddp", or "auto", which takes "ddp" for several devices.
        precision: "32" (products in TF32 on a GPU that has it), or "bf16": mixed precision, for a GPU; the
            weights stay in 32 bits.
        compile: compile the steps with PyTorch's compiler.
    """

    epochs: int = 117
    batch_size: int = 50
    micro_batch: int = 0
    seed: int = 0
    device: str = "auto"
    threads: int = 0
    validate_epochs: int = 1
    checkpoint_minutes: float = 5.0
    patience_epochs: int = 0
    keep_epochs: int = 0
    keep: int = 3
    tensorboard: bool = False
    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"
    precision: str = "32"
    compile: bool = False


@dataclass(frozen=True)
class Config:
    """The complete configuration: a field for each table of the TOML file."""

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    fit: FitConfig = field(default_factory=FitConfig)

    @classmethod
    def from_dict(cls, tables: Mapping[str, Any]) -> Config:
        """Build and check a configuration.

        Args:
            tables: {"fit": {"epochs": 10}, …}; absent keys keep their defaults.

        Raises:
            ConfigError: for an unknown table or key (the message names the nearest one) or a bad value.
        """
        parts = {}
        for name, table in tables.items():
            if name not in _SECTIONS:
                raise ConfigError(f"unknown table [{printable(name)}]{_near(name, _SECTIONS)}")
            if not isinstance(table, Mapping):
                raise ConfigError(f"{name} = {table!r}: it must be a table, [{name}]")
            parts[name] = _section(name, table)
        config = cls(**parts)
        _check_stft(config)
        _check_prototypes(config)
        _check_components(config)
        _check_drawn(config)
        _check_copies(config)
        return config

    @classmethod
    def from_toml(cls, text: str) -> Config:
        """Build and check a configuration from the text of a TOML file; raises ConfigError."""
        try:
            tables = tomllib.loads(text)
        except (
            ValueError,
            RecursionError,
        ) as error:  # for wrong syntax, numbers of thousands of digits, and deep nesting
            raise ConfigError(f"not a TOML file: {error}") from None
        return cls.from_dict(tables)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the complete tables as plain values."""
        return {name: dataclasses.asdict(getattr(self, name)) for name in _SECTIONS}

    def to_toml(self) -> str:
        """Return the text of a TOML file from which `from_toml` makes an equal configuration."""
        lines: list[str] = []
        for name, table in self.to_dict().items():
            lines += [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items()), ""]
        return "\n".join(lines)

    def replace(self, section: str, **values: Any) -> Config:
        """Return a copy with some keys of a table changed and checked; raises ConfigError."""
        return Config.from_dict({**self.to_dict(), section: {**self.to_dict()[section], **values}})

    def digest(self) -> str:
        """Return the SHA-256 of the complete TOML text, in hex."""
        return hashlib.sha256(self.to_toml().encode()).hexdigest()


_SECTIONS: dict[str, type] = {
    "model": ModelConfig,
    "data": DataConfig,
    "loss": LossConfig,
    "optim": OptimConfig,
    "fit": FitConfig,
}
_CHOICES: dict[tuple[str, str], tuple[str, ...]] = {
    ("model", "architecture"): tuple(ARCHITECTURES),
    ("data", "labels"): ("auto", "folder", "pattern", "kmeans", "names"),
    ("data", "balance"): ("none", "class", "source"),
    ("data", "shift_steps"): ("both", "classification"),
    ("loss", "reduction"): ("sum", "mean"),
    ("optim", "update"): ("alternating", "joint"),
    ("optim", "algorithm"): ("adam", "adamw", "muon"),
    ("optim", "schedule"): ("constant", "one-cycle"),
    ("fit", "device"): ("auto", "cpu", "cuda"),
    ("fit", "strategy"): ("auto", "ddp"),
    ("fit", "precision"): ("32", "bf16"),
}
_AT_LEAST_ONE = {
    ("model", "sample_rate"),
    ("model", "length"),
    ("model", "latent_dim"),
    ("model", "layers"),
    ("model", "channels"),
    ("model", "hop_length"),
    ("model", "bands"),
    ("model", "hidden"),
    ("model", "values"),
    ("model", "modes"),
    ("model", "knots"),
    ("data", "silence_block"),
    ("data", "clusters"),
    ("fit", "epochs"),
    ("fit", "batch_size"),
    ("fit", "validate_epochs"),
    ("fit", "devices"),
    ("fit", "nodes"),
}
VARIED = ("vary_zones", "vary_db", "vary_attack_db", "vary_damping")
"""Keys of [data] that vary sounds together with their components."""
COMPARED = ("reconstruction", "stft", "soft_dtw", "centre", "centre_dtw", "morph")
"""Keys of [loss] whose terms compare decoded sounds with real ones."""
MAX_WHOLE = 2**63 - 1  # the limit of PyTorch's seeds and sizes
SHORTEST_STFT = 4  # samples; the hop is a quarter of this
_AT_MOST = {
    ("data", "test_fraction"): 0.9,
    ("data", "validation_fraction"): 0.9,
    ("data", "mix"): 1.0,
    ("optim", "warmup"): 1.0,
}
_ABOVE_ZERO = {
    ("loss", "stft_floor"),
    ("loss", "soft_dtw_gamma"),
    ("optim", "lr"),
    ("optim", "classification_lr"),
}


def _near(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; choose from {', '.join(names)}"


def _section(section: str, table: Mapping[str, Any]) -> Any:
    """Build a dataclass from its table and check every key and value."""
    found = _fields(section, _SECTIONS[section], table)
    if section == "model":
        check_model(found)
    if section == "data" and found.labels == "pattern" and not found.label_pattern:
        raise ConfigError(
            '[data] labels = "pattern": it needs label_pattern, such as "{label}_{speaker}_{index}"'
        )
    return found


def _fields(section: str, kind: Any, table: Mapping[str, Any]) -> Any:
    types = get_type_hints(kind)
    values = {}
    for key, value in table.items():
        if key not in types:
            home = [name for name, other in _SECTIONS.items() if key in get_type_hints(other)]
            hint = f"; it belongs in [{home[0]}]" if home else _near(key, types)
            raise ConfigError(f"unknown key {printable(key)} in [{section}]{hint}")
        values[key] = _value(section, key, value, types[key])
    needed = [item.name for item in dataclasses.fields(kind) if item.default is dataclasses.MISSING]
    missing = [name for name in needed if name not in values and kind is HeadConfig]
    if missing:
        raise ConfigError(f"[{section}]: it needs {missing[0]}")
    return kind(**values)


def check_model(model: ModelConfig) -> None:
    """Raise ConfigError for a shape that no model can have."""
    if model.architecture not in ARCHITECTURES:
        raise ConfigError(
            f"[model] architecture = {model.architecture!r}: choose from {', '.join(ARCHITECTURES)}"
        )
    ARCHITECTURES[model.architecture].check(model)
    if model.length % model.hop_length:
        raise ConfigError(f"[model] length = {model.length}: it must be a multiple of {model.hop_length}")
    names = [head.name for head in model.heads]
    for head in model.heads:
        where = f"[model.heads] {head.name}"
        if not head.name.isidentifier() or names.count(head.name) > 1:
            raise ConfigError(
                f"{where}: a name consists of letters, digits and _, and each head needs a name of its own"
            )
        if len(head.dims) != 2 or not head.dims[0] < head.dims[1] <= model.latent_dim:
            raise ConfigError(
                f"{where}: dims = {list(head.dims)}: it must be [first, end], at most {model.latent_dim}"
            )
    if model.heads and model.heads[0].label != "label":
        raise ConfigError(f'[model.heads] {names[0]}: the first head must have label = "label", the classes')


def _check_stft(config: Config) -> None:
    """Refuse a spectral distance if none of its windows fits into a sound."""
    sizes, length = config.loss.stft_sizes, config.model.length
    if config.loss.stft and not any(size <= length for size in sizes):
        raise ConfigError(f"[loss] stft_sizes = {list(sizes)}: one must be {length} samples or shorter")


def _check_prototypes(config: Config) -> None:
    """Refuse loss terms of class centres if the architecture does not keep centres during training."""
    name = config.model.architecture
    able = ", ".join(other for other, row in ARCHITECTURES.items() if row.keeps_prototypes)
    for key in ("centre", "centre_dtw"):
        value = getattr(config.loss, key)
        if value and not ARCHITECTURES[name].keeps_prototypes:
            raise ConfigError(f"[loss] {key} = {value:g}: it must be 0 for {name}; it works with {able}")


def _check_components(config: Config) -> None:
    """Refuse options that need the components of sounds if the architecture does not learn from them."""
    name = config.model.architecture
    able = ", ".join(other for other, row in ARCHITECTURES.items() if row.learns_components)
    asked = {f"[data] {key}": getattr(config.data, key) for key in VARIED}
    asked |= {f"[loss] {key}": getattr(config.loss, key) for key in ("components", "loudness")}
    for key, value in asked.items():
        if value and not ARCHITECTURES[name].learns_components:
            raise ConfigError(f"{key} = {value:g}: it must be 0 for {name}; it works with {able}")


def _check_drawn(config: Config) -> None:
    """Refuse ways of drawing sounds that contradict each other or the kind of training steps."""
    data = config.data
    if data.averages and data.mix:
        raise ConfigError(f"[data] averages = {data.averages} and mix = {data.mix:g}: one of them must be 0")
    if data.averages and ARCHITECTURES[config.model.architecture].learns_components:
        raise ConfigError(f"[data] averages = {data.averages}: it must be 0 for {config.model.architecture}")
    if data.shift_steps != "both" and config.optim.update != "alternating":
        raise ConfigError(
            f'[data] shift_steps = "{data.shift_steps}": it needs [optim] update = "alternating", two steps'
        )


def _check_copies(config: Config) -> None:
    """Refuse [loss] points without [data] copies, and copies with settings that exclude them."""
    data, loss, fit = config.data, config.loss, config.fit
    if loss.points and not data.copies:
        raise ConfigError(f"[loss] points = {loss.points:g}: it needs [data] copies")
    if not data.copies:
        return
    if not ARCHITECTURES[config.model.architecture].learns_components:
        raise ConfigError(f"[data] copies = {data.copies}: it must be 0 for {config.model.architecture}")
    if config.optim.update != "joint":
        raise ConfigError(f'[data] copies = {data.copies}: it needs [optim] update = "joint"')
    comparing = [f"[loss] {key}" for key in COMPARED if getattr(loss, key)] + ["[data] leak"] * data.leak
    if comparing:
        raise ConfigError(
            f"[data] copies = {data.copies}: {comparing[0]} needs the sounds themselves, and must be 0"
        )
    if fit.devices * fit.nodes > 1:
        raise ConfigError(f"[data] copies = {data.copies}: it works on one device only")


def _value(section: str, key: str, value: Any, kind: Any) -> Any:
    """Check the type and range of a value and convert it to the type of its field."""
    numbers = value if isinstance(value, list | tuple) else [value]
    if any(type(item) is int and abs(item) > MAX_WHOLE for item in numbers):
        raise ConfigError(f"[{section}] {key}: a number has more than {MAX_WHOLE.bit_length()} bits")
    where = f"[{section}] {key} = {value!r:.200}"
    if kind is float and type(value) is int:
        value = float(value)
    if kind == tuple[int, ...]:
        if not isinstance(value, list | tuple) or any(type(item) is not int or item < 0 for item in value):
            raise ConfigError(f"{where}: it must be a list of whole numbers, 0 or more")
        if (section, key) == ("loss", "stft_sizes") and any(item < SHORTEST_STFT for item in value):
            raise ConfigError(f"{where}: each must be at least {SHORTEST_STFT}")
        return tuple(value)
    if kind == tuple[HeadConfig, ...]:
        if not isinstance(value, list | tuple) or any(not isinstance(item, Mapping) for item in value):
            raise ConfigError(f"{where}: it must be a list of tables, [[model.heads]]")
        return tuple(_fields("model.heads", HeadConfig, item) for item in value)
    if type(value) is not kind:
        words = {int: "a whole number", float: "a number", str: "text in quotes", bool: "true or false"}
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
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value) if isinstance(value, str) else repr(value)


DEFAULT = "kit"
"""The bundled configuration that a run without --config uses; it suits short sounds of any kind."""


def bundled() -> dict[str, Path]:
    """Return the paths of the configurations that come with the package, by name."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "configs").glob("*.toml"))}


def read(name: str) -> Config:
    """Read the configuration in a TOML file, or a bundled configuration by its name.

    Raises:
        ConfigError: if the configuration is missing or not accepted; the message starts with `name`.
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
