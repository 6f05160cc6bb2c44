"""What a decoder file says about itself: the one schema that `export` writes and `realtime` reads.

A decoder file is an ONNX model with three entries in its `metadata_props`: `soundmorph_schema`, the version
of this schema; `soundmorph`, everything below as one JSON object; and, as the last bytes of the file,
`soundmorph_sha256`, the checksum of all bytes before that entry. The tensors by name:

    z        float32 [voices, frames, latent_dim]   may differ at every frame
    frame    int64   [voices]                       index of each voice's first frame
    cache_*  float32 [voices, rows, columns]        what earlier frames left; zeros before the first
    audio    float32 [voices, frames * hop_length]
    new_cache_*                                     to be passed as cache_* with the frames that follow

An encoder file lies beside it (drums.onnx, drums.encoder.onnx). It is written and checked in the same way,
with `soundmorph_encoder`, an EncoderInfo, in place of `soundmorph`:

    sound    float32 [1, length]                    one sound, prepared as Preparation says
    z        float32 [1, latent_dim]                its point: the mean that the encoder gives
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from realtime.util.errors import ModelError

SCHEMA_VERSION = 1
SCHEMA_KEY = "soundmorph_schema"
INFO_KEY = "soundmorph"
ENCODER_KEY = "soundmorph_encoder"
Z, FRAME, AUDIO, CACHE, NEW_CACHE = "z", "frame", "audio", "cache_", "new_cache_"
SOUND = "sound"

MAX_SAMPLE_RATE_HZ = 192_000
MAX_LENGTH = 2**22
MAX_LATENT_DIM = 1024
RESAMPLERS = ("VHQ", "HQ")

_CHECKSUM_KEY = b"soundmorph_sha256"
_DIGITS = 64
# A ModelProto is its fields one after the other, so one more entry of metadata_props (field 14: a message
# with key, field 1, and value, field 2) can be put behind it.
_SEAL = b"".join(
    (
        bytes([14 << 3 | 2, 2 + len(_CHECKSUM_KEY) + 2 + _DIGITS]),
        bytes([1 << 3 | 2, len(_CHECKSUM_KEY)]) + _CHECKSUM_KEY,
        bytes([2 << 3 | 2, _DIGITS]),
    )
)

Vector = tuple[float, ...]


@dataclass(frozen=True)
class LatentStats:
    """Per dimension of z over the training sounds: mean, standard deviation, 5th and 95th percentile."""

    mean: Vector
    std: Vector
    low: Vector
    high: Vector


@dataclass(frozen=True)
class Pca:
    """Principal axes of the training sounds' z: rows of unit length, most variance first."""

    basis: tuple[Vector, ...]
    variance: Vector


@dataclass(frozen=True)
class ClassInfo:
    """A class: its centre in z, and the root mean square distance of its sounds from there."""

    name: str
    centroid: Vector
    spread: float


@dataclass(frozen=True)
class Anchor:
    """A training sound: its name, its class (index), its z, its place on the two-dimensional map."""

    name: str
    label: int
    z: Vector
    xy: Vector


@dataclass(frozen=True)
class ModelInfo:
    """Everything that a player's interface needs to know of a decoder.

    Attributes:
        name: what the model calls itself.
        architecture: "dc" or "cc".
        sample_rate: of the sound, in Hz.
        hop_length: samples of sound that a latent frame becomes.
        length: samples of a whole sound, a multiple of hop_length.
        latent_dim: size of z.
        latent: where the training sounds lie, per dimension.
        pca: the axes along which they differ most.
        classes: in the order of the labels.
        anchors: the training sounds.
        loudness_db: RMS of the decoded class centres in dB below full scale.
        config_hash: SHA-256 of the training configuration, in hexadecimal.
        licence: of the model, as its training data allow.
        credits: a line for each source of training data.
        tools: name -> version of what made the file.
        training: facts of the run (epochs, sounds, …), for people.
    """

    name: str
    architecture: str
    sample_rate: int
    hop_length: int
    length: int
    latent_dim: int
    latent: LatentStats
    pca: Pca
    classes: tuple[ClassInfo, ...]
    anchors: tuple[Anchor, ...]
    loudness_db: float
    config_hash: str
    licence: str
    credits: tuple[str, ...]
    tools: dict[str, str]
    training: dict[str, Any]
    schema_version: int = SCHEMA_VERSION

    @property
    def frames(self) -> int:
        """Latent frames of a whole sound."""
        return self.length // self.hop_length

    @property
    def duration_ms(self) -> float:
        """How long a whole sound is."""
        return 1e3 * self.length / self.sample_rate

    def point(self, name: str) -> Vector:
        """The z of a class's centre or of an anchor.

        Raises:
            ModelError: where nothing has that name; the message lists the nearest names.
        """
        for named in self.classes:
            if named.name == name:
                return named.centroid
        for anchor in self.anchors:
            if anchor.name == name:
                return anchor.z
        classes = [c.name for c in self.classes]
        near = difflib.get_close_matches(name, classes + [a.name for a in self.anchors], n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"classes are {', '.join(classes)}"
        raise ModelError(f"model {self.name!r} has no point named {name!r}: {hint}")

    def to_metadata(self) -> dict[str, str]:
        """The entries of `metadata_props` that say all this."""
        content = dataclasses.asdict(self)
        del content["schema_version"]
        return {SCHEMA_KEY: str(self.schema_version), INFO_KEY: json.dumps(content, allow_nan=False)}

    @property
    def digest(self) -> str:
        """SHA-256 of all this, in hexadecimal: what an encoder names its decoder by."""
        return hashlib.sha256(self.to_metadata()[INFO_KEY].encode()).hexdigest()

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> ModelInfo:
        """Read and check what `to_metadata` wrote.

        Raises:
            ModelError: for a file that is not ours, is of another schema version, or contradicts itself.
        """
        if ENCODER_KEY in metadata:
            raise ModelError("an encoder, not a decoder: give the .onnx file that lies beside it")
        return _Reader(_content(metadata, INFO_KEY)).info()


@dataclass(frozen=True)
class Preparation:
    """How a sound becomes what an encoder hears, in this order (realtime.model.preprocess does it).

    Mixed to mono; its mean removed; resampled by soxr; divided by its peak; if it is longer than the window,
    its leading silence cut, whole blocks at a time; trimmed, with a fade; divided by its peak again; padded
    with zeros behind.

    Attributes:
        sample_rate: in Hz.
        length: of the window in samples.
        resampler: soxr's quality.
        silence_block: samples of a block of leading silence.
        silence_mean_square: below which a block is silent.
        fade_ms: of the end of what was trimmed; 0 is none.
        silent_peak: a sound that peaks below is refused; of full scale.
        shortest_ms: a shorter sound is refused.
    """

    sample_rate: int
    length: int
    resampler: str
    silence_block: int
    silence_mean_square: float
    fade_ms: float
    silent_peak: float
    shortest_ms: float


@dataclass(frozen=True)
class EncoderInfo:
    """What an encoder file says of itself.

    Attributes:
        name: of the model.
        architecture: of the model.
        latent_dim: size of z.
        decoder: `ModelInfo.digest` of the decoder that it was exported with.
        preparation: of the sound.
    """

    name: str
    architecture: str
    latent_dim: int
    decoder: str
    preparation: Preparation

    def to_metadata(self) -> dict[str, str]:
        """The entries of `metadata_props` that say all this."""
        content = json.dumps(dataclasses.asdict(self), allow_nan=False)
        return {SCHEMA_KEY: str(SCHEMA_VERSION), ENCODER_KEY: content}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> EncoderInfo:
        """Read and check what `to_metadata` wrote.

        Raises:
            ModelError: for a file that is not ours, is of another schema version, or contradicts itself.
        """
        if INFO_KEY in metadata:
            raise ModelError("a decoder, not an encoder: the encoder's name ends in .encoder.onnx")
        return _Reader(_content(metadata, ENCODER_KEY)).encoder()


def _content(metadata: Mapping[str, str], key: str) -> Any:
    """The JSON under a key, of our schema version."""
    if key not in metadata:
        raise ModelError("not a soundmorph model: export one with `trainer export RUN -o FILE.onnx`")
    version = metadata.get(SCHEMA_KEY, "none")
    if version != str(SCHEMA_VERSION):
        raise ModelError(
            f"model file of schema version {version[:20]}; this soundmorph reads version {SCHEMA_VERSION}"
        )
    try:
        return json.loads(metadata[key])
    except (ValueError, RecursionError) as error:
        raise ModelError("model metadata is damaged: not JSON") from error


def add_checksum(model: bytes) -> bytes:
    """A serialised ONNX model with its checksum behind it, still an ONNX model."""
    return model + _SEAL + hashlib.sha256(model).hexdigest().encode()


def has_valid_checksum(content: bytes) -> bool:
    """Whether a file ends with a checksum.

    Raises:
        ModelError: where it does, and the checksum is not that of the file.
    """
    model, end = content[: -len(_SEAL) - _DIGITS], content[-len(_SEAL) - _DIGITS :]
    if not end.startswith(_SEAL):
        return False
    if end[len(_SEAL) :] != hashlib.sha256(model).hexdigest().encode():
        raise ModelError("damaged: its checksum is not that of its content; copy or export it again")
    return True


class _Reader:
    """Builds a ModelInfo from parsed JSON and trusts nothing in it."""

    def __init__(self, content: Any) -> None:
        self.content = self._typed("metadata", content, dict, "an object")
        self.dim = 0

    def info(self) -> ModelInfo:
        rate = self._integer("sample_rate", 1, MAX_SAMPLE_RATE_HZ)
        length = self._integer("length", 1, MAX_LENGTH)
        hop = self._integer("hop_length", 1, length)
        self.dim = self._integer("latent_dim", 1, MAX_LATENT_DIM)
        if length % hop:
            raise ModelError(f"model metadata: length {length} is not a multiple of hop_length {hop}")
        classes = self._rows("classes", self._class)
        if len({c.name for c in classes}) != len(classes) or not classes:
            raise ModelError("model metadata: classes must be there, each with a name of its own")
        anchors = self._rows("anchors", self._anchor)
        if any(a.label >= len(classes) for a in anchors):
            raise ModelError(f"model metadata: an anchor's label is not one of the {len(classes)} classes")
        latent = self._object("latent")
        pca = self._object("pca")
        basis = self._typed("pca basis", pca.get("basis"), list, "a list")
        if len(basis) > self.dim:
            raise ModelError(f"model metadata: pca has {len(basis)} axes for {self.dim} dimensions")
        return ModelInfo(
            name=self._text(self.content, "name"),
            architecture=self._text(self.content, "architecture"),
            sample_rate=rate,
            hop_length=hop,
            length=length,
            latent_dim=self.dim,
            latent=LatentStats(
                *(
                    self._vector(f"latent {k}", latent.get(k), self.dim)
                    for k in ("mean", "std", "low", "high")
                )
            ),
            pca=Pca(
                tuple(self._vector("pca axis", row, self.dim) for row in basis),
                self._vector("pca variance", pca.get("variance"), len(basis)),
            ),
            classes=classes,
            anchors=anchors,
            loudness_db=self._number("loudness_db", self.content.get("loudness_db")),
            config_hash=self._text(self.content, "config_hash"),
            licence=self._text(self.content, "licence"),
            credits=self._rows("credits", lambda line: str(self._typed("credit", line, str, "text"))),
            tools={str(k): str(v) for k, v in self._object("tools").items()},
            training=self._object("training"),
        )

    def encoder(self) -> EncoderInfo:
        name, architecture, decoder = (
            self._text(self.content, key) for key in ("name", "architecture", "decoder")
        )
        dim = self._integer("latent_dim", 1, MAX_LATENT_DIM)
        how = _Reader(self.content.get("preparation"))
        return EncoderInfo(name, architecture, dim, decoder, how.preparation())

    def preparation(self) -> Preparation:
        length = self._integer("length", 1, MAX_LENGTH)
        quality = self._text(self.content, "resampler")
        if quality not in RESAMPLERS:
            raise ModelError(f"model metadata: resampler {quality[:20]!r} is none of {', '.join(RESAMPLERS)}")
        return Preparation(
            sample_rate=self._integer("sample_rate", 1, MAX_SAMPLE_RATE_HZ),
            length=length,
            resampler=quality,
            silence_block=self._integer("silence_block", 1, MAX_LENGTH),
            silence_mean_square=self._positive("silence_mean_square"),
            fade_ms=self._positive("fade_ms"),
            silent_peak=self._positive("silent_peak"),
            shortest_ms=self._positive("shortest_ms"),
        )

    def _positive(self, key: str) -> float:
        value = self._number(key, self.content.get(key))
        if value < 0.0:
            raise ModelError(f"model metadata: {key} is {value:g}, less than 0")
        return value

    def _class(self, row: Any) -> ClassInfo:
        row = self._typed("class", row, dict, "an object")
        return ClassInfo(
            self._text(row, "name"),
            self._vector("centroid", row.get("centroid"), self.dim),
            self._number("spread", row.get("spread")),
        )

    def _anchor(self, row: Any) -> Anchor:
        row = self._typed("anchor", row, dict, "an object")
        label = row.get("label")
        if not isinstance(label, int) or label < 0:
            raise ModelError(f"model metadata: anchor label {label!r} is not the index of a class")
        z = self._vector("anchor z", row.get("z"), self.dim)
        return Anchor(self._text(row, "name"), label, z, self._vector("anchor xy", row.get("xy"), 2))

    def _rows(self, key: str, build: Callable[[Any], Any]) -> tuple[Any, ...]:
        return tuple(build(row) for row in self._typed(key, self.content.get(key), list, "a list"))

    def _object(self, key: str) -> dict[str, Any]:
        value: dict[str, Any] = self._typed(key, self.content.get(key), dict, "an object")
        return value

    def _integer(self, key: str, low: int, high: int) -> int:
        value = self.content.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ModelError(f"model metadata: {key} is {value!r}, not a whole number in {low}…{high}")
        return value

    @staticmethod
    def _typed(name: str, value: Any, kind: type, wanted: str) -> Any:
        if not isinstance(value, kind):
            raise ModelError(f"model metadata: {name} is {type(value).__name__}, not {wanted}")
        return value

    @classmethod
    def _text(cls, row: Mapping[str, Any], key: str) -> str:
        return str(cls._typed(key, row.get(key), str, "text"))

    @staticmethod
    def _number(name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ModelError(f"model metadata: {name} is {value!r}, not a finite number")
        return float(value)

    @classmethod
    def _vector(cls, name: str, value: Any, size: int) -> Vector:
        if not isinstance(value, list) or len(value) != size:
            raise ModelError(f"model metadata: {name} is not a list of {size} numbers")
        return tuple(cls._number(name, v) for v in value)
