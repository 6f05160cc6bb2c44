"""The metadata schema of model files, which `export` writes and `realtime` reads.

A decoder file is an ONNX model with three entries in its `metadata_props`: `soundmorph_schema`, the version
of this schema; `soundmorph`, a ModelInfo as one JSON object; and, as the last bytes of the file,
`soundmorph_sha256`, the checksum of all bytes before that entry. Its tensors are:

    z        float32 [voices, frames, latent_dim]   may differ at each frame
    frame    int64   [voices]                       index of each voice's first frame
    cache_*  float32 [voices, rows, columns]        state after the previous frames; zeros at the start
    audio    float32 [voices, frames * hop_length]  the sound of these frames
    new_cache_*                                     state after these frames: the next call's cache_*

The encoder file is next to the decoder file (drums.onnx, drums.encoder.onnx). It is written and checked in
the same way, with `soundmorph_encoder`, an EncoderInfo, in place of `soundmorph`:

    sound    float32 [1, length]                    one sound, prepared as described in Preparation
    z        float32 [1, latent_dim]                its point: the mean of the encoder's distribution
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

from realtime.model.names import Names
from realtime.util import outside
from realtime.util.errors import ModelError
from realtime.util.outside import OutsideError

SCHEMA_VERSION = 1
SCHEMA_KEY = "soundmorph_schema"
INFO_KEY = "soundmorph"
ENCODER_KEY = "soundmorph_encoder"
Z, FRAME, AUDIO, CACHE, NEW_CACHE = "z", "frame", "audio", "cache_", "new_cache_"
SOUND = "sound"

MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ = 1000, 192_000
MAX_LENGTH = 2**22
MAX_LATENT_DIM = 1024
MAX_CLASSES, MAX_ANCHORS, MAX_CREDITS = 1000, 100_000, 10_000
MAX_DRUMS, MIN_REACH = 2_000, 1e-3  # limited because every hit compares its point with each drum
MAX_NUMBER = 1e9  # largest magnitude of any coordinate, spread or variance
MAX_NAME, MAX_TEXT = 255, 10_000  # maximum numbers of characters
MAX_METADATA = 64 * 2**20  # maximum number of characters
SHOWN = 80  # characters of an invalid value that an error message quotes
MAX_COURSE, MAX_COURSE_DB = 257, 24.0
MAX_MORPH_MS = 60_000
RESAMPLERS = ("VHQ", "HQ")

_CHECKSUM_KEY = b"soundmorph_sha256"
_DIGITS = 64
# A serialised ModelProto is a sequence of fields, so an entry of metadata_props (field 14: a message with
# key, field 1, and value, field 2) can be appended to it.
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
    """Statistics of the training sounds' z, per dimension; low and high are the 5th and 95th percentiles."""

    mean: Vector
    std: Vector
    low: Vector
    high: Vector


@dataclass(frozen=True)
class Pca:
    """Principal axes of the training sounds' z: unit vectors in order of decreasing variance."""

    basis: tuple[Vector, ...]
    variance: Vector


@dataclass(frozen=True)
class ClassInfo:
    """A class of sounds.

    Attributes:
        name: name, unique in the model.
        centroid: the class centre: the mean z of the class's sounds or, in a "modal" model, the z of one of
            its most typical sounds.
        spread: root mean square distance of the class's sounds from their mean z.
        velocity: direction in z along which its hits get harder, from the softest hit (0) to the hardest (1);
            empty if unknown, as in files of earlier releases.
    """

    name: str
    centroid: Vector
    spread: float
    velocity: Vector = ()


@dataclass(frozen=True)
class Anchor:
    """A training sound: name, class index, z, and position on the two-dimensional map."""

    name: str
    label: int
    z: Vector
    xy: Vector


@dataclass(frozen=True)
class DrumInfo:
    """A drum that was recorded at several velocities.

    Attributes:
        z: the mean z of its recordings.
        reach: distance from z at which the weight of `velocity` has fallen to e^(-1/2); at least 0.001.
        velocity: direction in z along which its hits get harder, from the softest hit (0) to the hardest (1).
    """

    z: Vector
    reach: float
    velocity: Vector


@dataclass(frozen=True)
class CourseInfo:
    """A course: the straight path from one class centre to another, divided into steps that sound equal.

    Attributes:
        start: index of the class at which the course starts.
        end: index of the class at which the course ends.
        t: 2 to 257 positions on the line, from 0 to 1; from each to the next, the sound changes equally.
        level_db: gain at each position in dB; with these gains, the loudness changes steadily along the path.
    """

    start: int
    end: int
    t: Vector
    level_db: Vector


@dataclass(frozen=True)
class MorphInfo:
    """A glide from one class to another while a hit is sounding.

    Attributes:
        start: index of the class at which the glide starts.
        end: index of the class at which the glide ends.
        ms: duration of the glide in ms.
    """

    start: int
    end: int
    ms: int


@dataclass(frozen=True)
class ModelInfo:
    """The metadata of a decoder.

    Attributes:
        name: name of the model.
        architecture: name of the architecture, such as "dc".
        sample_rate: model sample rate in Hz.
        hop_length: samples per latent frame.
        length: samples of a complete sound, a multiple of hop_length.
        latent_dim: size of z.
        latent: statistics of the training sounds' z.
        pca: principal axes of the training sounds' z.
        classes: the classes, in the order of their labels.
        anchors: the training sounds.
        loudness_db: RMS of the decoded class centres in dB relative to full scale.
        config_hash: SHA-256 of the training configuration, in hexadecimal.
        licence: licence of the model, which the licences of its training data must allow.
        credits: one line per source of training data.
        tools: name -> version of each tool that made the file.
        training: facts about the run (epochs, sounds, …), for people to read.
        schema_version: version of the schema.
        courses: the courses between class centres; empty if not measured.
        drums: directions of velocity around single drums; elsewhere, the directions of the classes apply.
            Empty if unknown, as in files of earlier releases.
        morph: the morph to try first; None if unknown, as in files of earlier releases.
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
    courses: tuple[CourseInfo, ...] = ()
    drums: tuple[DrumInfo, ...] = ()
    morph: MorphInfo | None = None

    @property
    def frames(self) -> int:
        """Number of latent frames in a complete sound."""
        return self.length // self.hop_length

    @property
    def duration_ms(self) -> float:
        """Duration of a complete sound in ms."""
        return 1e3 * self.length / self.sample_rate

    def point(self, name: str) -> Vector:
        """Return the z of the class centre or anchor with a name, in any spelling that `names.Names` finds.

        The folder in the name of an anchor may be left out.

        Raises:
            ModelError: no class or anchor has that name; the message lists similar names.
        """
        points = {c.name: c.centroid for c in self.classes}
        points |= {a.name: a.z for a in self.anchors if a.name not in points}
        names = Names(points)
        if found := names.find(name) or names.find_file(name):
            return points[found]
        classes = [c.name for c in self.classes]
        near = difflib.get_close_matches(name, classes + [a.name for a in self.anchors], n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"classes are {', '.join(classes)}"
        raise ModelError(f"model {self.name!r} has no point named {name!r}: {hint}")

    def renews(self, other: ModelInfo) -> bool:
        """Return True if this is a version of `other`, with the same name, sounds and size of z."""
        return self.digest != other.digest and self.sounds_digest == other.sounds_digest

    def as_dict(self) -> dict[str, Any]:
        """Return the metadata in JSON types; velocity, courses, drums and morph are left out if unknown."""
        content = dataclasses.asdict(self)
        for key in ("courses", "drums", "morph"):
            if not content[key]:
                del content[key]
        for entry in content["classes"]:
            if not entry["velocity"]:  # to keep the digest of files of earlier releases
                del entry["velocity"]
        return content

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata as entries of `metadata_props`."""
        compact = (",", ":")  # spaces would lengthen the metadata by a tenth
        return {SCHEMA_KEY: str(self.schema_version), INFO_KEY: self._json(compact)}

    @property
    def digest(self) -> str:
        """SHA-256 of the metadata, in hexadecimal, by which an encoder identifies its decoder."""
        return hashlib.sha256(self._json((", ", ": ")).encode()).hexdigest()

    def _json(self, separators: tuple[str, str]) -> str:
        content = self.as_dict()
        del content["schema_version"]
        return json.dumps(content, allow_nan=False, separators=separators)

    @property
    def sounds_digest(self) -> str:
        """SHA-256, in hexadecimal, of the names and the size of z, which all versions of a model share."""
        names = [[each.name for each in kind] for kind in (self.classes, self.anchors)]
        return hashlib.sha256(json.dumps([self.name, self.latent_dim, *names]).encode()).hexdigest()

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> ModelInfo:
        """Parse and check the result of `to_metadata`.

        Raises:
            ModelError: the metadata is missing, of another schema version, or inconsistent.
        """
        if ENCODER_KEY in metadata:
            raise ModelError("this is an encoder, not a decoder: give the decoder's .onnx file beside it")
        return _Reader(_content(metadata, INFO_KEY)).info()


@dataclass(frozen=True)
class Preparation:
    """The settings with which `realtime.model.preprocess` prepares a sound for the encoder.

    Steps, in order: mix to mono, or take the first channel if the channels cancel; remove the mean; resample
    with soxr; divide by the peak; if the sound is longer than the window, cut leading silence in whole
    blocks, then trim the end with a fade-out; divide by the peak again; pad with zeros at the end.

    Attributes:
        sample_rate: sample rate of a prepared sound, in Hz.
        length: length of the window in samples.
        resampler: quality setting of soxr.
        silence_block: length of a block of leading silence, in samples.
        silence_mean_square: mean square below which a block is silent.
        fade_ms: length of the fade-out of a trimmed sound; 0: no fade-out.
        silent_peak: lowest accepted peak, relative to full scale.
        shortest_ms: shortest accepted duration in ms.
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
    """The metadata of an encoder.

    Attributes:
        name: name of the model.
        architecture: architecture of the model.
        latent_dim: size of z.
        decoder: `ModelInfo.digest` of the decoder exported with it.
        preparation: settings that prepare a sound.
    """

    name: str
    architecture: str
    latent_dim: int
    decoder: str
    preparation: Preparation

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata as entries of `metadata_props`."""
        content = json.dumps(dataclasses.asdict(self), allow_nan=False)
        return {SCHEMA_KEY: str(SCHEMA_VERSION), ENCODER_KEY: content}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> EncoderInfo:
        """Parse and check the result of `to_metadata`.

        Raises:
            ModelError: the metadata is missing, of another schema version, or inconsistent.
        """
        if INFO_KEY in metadata:
            raise ModelError("this is a decoder, not an encoder: the encoder's name ends in .encoder.onnx")
        return _Reader(_content(metadata, ENCODER_KEY)).encoder()


def _content(metadata: Mapping[str, str], key: str) -> Any:
    """Return the parsed JSON under a key, after a check of the schema version."""
    if key not in metadata:
        raise ModelError("not a soundmorph model: export one with `trainer export RUN -o FILE.onnx`")
    if len(metadata[key]) > MAX_METADATA:
        raise ModelError(f"model metadata is longer than {MAX_METADATA} characters")
    version = metadata.get(SCHEMA_KEY, "none")
    if version != str(SCHEMA_VERSION):
        raise ModelError(
            f"it has schema version {version[:20]}; this soundmorph reads version {SCHEMA_VERSION}"
        )
    try:
        return outside.from_json(metadata[key])
    except OutsideError as error:
        raise ModelError(f"model metadata is damaged: {error}") from error


def add_checksum(model: bytes) -> bytes:
    """Append the checksum to a serialised ONNX model, which remains valid."""
    return model + _SEAL + hashlib.sha256(model).hexdigest().encode()


def has_valid_checksum(content: bytes) -> bool:
    """Return True if a file ends with a checksum.

    Raises:
        ModelError: the checksum does not match the content.
    """
    model, end = content[: -len(_SEAL) - _DIGITS], content[-len(_SEAL) - _DIGITS :]
    if not end.startswith(_SEAL):
        return False
    if end[len(_SEAL) :] != hashlib.sha256(model).hexdigest().encode():
        raise ModelError("damaged: the checksum does not match the content; copy or export the file again")
    return True


def _shown(value: Any) -> str:
    return repr(value)[:SHOWN]


class _Reader:
    """Builds a ModelInfo or EncoderInfo from parsed JSON and checks every field."""

    def __init__(self, content: Any) -> None:
        self.content = self._typed("metadata", content, dict, "an object")
        self.dim = 0

    def info(self) -> ModelInfo:
        rate = self._integer("sample_rate", MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ)
        length = self._integer("length", 1, MAX_LENGTH)
        hop = self._integer("hop_length", 1, length)
        self.dim = self._integer("latent_dim", 1, MAX_LATENT_DIM)
        if length % hop:
            raise ModelError(f"model metadata: length {length} is not a multiple of hop_length {hop}")
        classes = self._rows("classes", self._class, MAX_CLASSES)
        if len({c.name for c in classes}) != len(classes) or not classes:
            raise ModelError("model metadata: classes must not be empty, and their names must be unique")
        anchors = self._rows("anchors", self._anchor, MAX_ANCHORS)
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
            licence=self._text(self.content, "licence", MAX_TEXT),
            credits=self._rows("credits", lambda line: self._checked("credit", line, MAX_TEXT), MAX_CREDITS),
            tools={
                self._checked("tool", name, MAX_NAME): self._checked("tool", version, MAX_NAME)
                for name, version in self._object("tools").items()
            },
            training=self._object("training"),
            courses=self._courses(len(classes)) if "courses" in self.content else (),
            drums=self._rows("drums", self._drum, MAX_DRUMS) if "drums" in self.content else (),
            morph=self._morph(len(classes)) if "morph" in self.content else None,
        )

    def _morph(self, classes: int) -> MorphInfo:
        reader = _Reader(self._object("morph"))
        start, end = (reader._integer(key, 0, classes - 1) for key in ("start", "end"))
        return MorphInfo(start, end, reader._integer("ms", 1, MAX_MORPH_MS))

    def _courses(self, classes: int) -> tuple[CourseInfo, ...]:
        def course(row: Any) -> CourseInfo:
            reader = _Reader(row)
            start, end = (reader._integer(key, 0, classes - 1) for key in ("start", "end"))
            count = len(self._typed("course t", row.get("t"), list, "a list"))
            if not 2 <= count <= MAX_COURSE:
                raise ModelError(f"model metadata: a course has {count} positions, not 2 to {MAX_COURSE}")
            t, level_db = (self._vector(f"course {k}", row.get(k), count) for k in ("t", "level_db"))
            if (t[0], t[-1]) != (0.0, 1.0) or list(t) != sorted(t):
                raise ModelError("model metadata: the positions of a course do not rise from 0 to 1")
            if max(map(abs, level_db)) > MAX_COURSE_DB:
                raise ModelError(f"model metadata: a level of a course exceeds {MAX_COURSE_DB:g} dB")
            return CourseInfo(start, end, t, level_db)

        return self._rows("courses", course, classes**2)

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
            raise ModelError(
                f"model metadata: resampler {quality[:20]!r} is not one of {', '.join(RESAMPLERS)}"
            )
        return Preparation(
            sample_rate=self._integer("sample_rate", MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ),
            length=length,
            resampler=quality,
            silence_block=self._integer("silence_block", 1, MAX_LENGTH),
            silence_mean_square=self._not_negative("silence_mean_square"),
            fade_ms=self._not_negative("fade_ms"),
            silent_peak=self._not_negative("silent_peak"),
            shortest_ms=self._not_negative("shortest_ms"),
        )

    def _not_negative(self, key: str) -> float:
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
            self._vector("velocity", row["velocity"], self.dim) if "velocity" in row else (),
        )

    def _drum(self, row: Any) -> DrumInfo:
        row = self._typed("drum", row, dict, "an object")
        reach = self._number("drum reach", row.get("reach"))
        if reach < MIN_REACH:
            raise ModelError(f"model metadata: the reach of a drum is {reach:g}, less than {MIN_REACH:g}")
        z, velocity = (self._vector(f"drum {key}", row.get(key), self.dim) for key in ("z", "velocity"))
        return DrumInfo(z, reach, velocity)

    def _anchor(self, row: Any) -> Anchor:
        row = self._typed("anchor", row, dict, "an object")
        label = row.get("label")
        if not isinstance(label, int) or label < 0:
            raise ModelError(f"model metadata: anchor label {_shown(label)} is not the index of a class")
        z = self._vector("anchor z", row.get("z"), self.dim)
        return Anchor(self._text(row, "name"), label, z, self._vector("anchor xy", row.get("xy"), 2))

    def _rows(self, key: str, build: Callable[[Any], Any], most: int) -> tuple[Any, ...]:
        rows = self._typed(key, self.content.get(key), list, "a list")
        if len(rows) > most:
            raise ModelError(f"model metadata: there are {len(rows)} {key}; at most {most} are accepted")
        return tuple(build(row) for row in rows)

    def _object(self, key: str) -> dict[str, Any]:
        value: dict[str, Any] = self._typed(key, self.content.get(key), dict, "an object")
        return value

    def _integer(self, key: str, low: int, high: int) -> int:
        value = self.content.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ModelError(
                f"model metadata: {key} is {_shown(value)}, not a whole number from {low} to {high}"
            )
        return value

    @staticmethod
    def _typed(name: str, value: Any, kind: type, wanted: str) -> Any:
        if not isinstance(value, kind):
            raise ModelError(f"model metadata: {name} is {type(value).__name__}, not {wanted}")
        return value

    @classmethod
    def _text(cls, row: Mapping[str, Any], key: str, longest: int = MAX_NAME) -> str:
        return cls._checked(key, row.get(key), longest)

    @classmethod
    def _checked(cls, name: str, value: Any, longest: int) -> str:
        text = str(cls._typed(name, value, str, "text"))
        if len(text) > longest:
            raise ModelError(
                f"model metadata: {name} has {len(text)} characters; at most {longest} are accepted"
            )
        return text

    @staticmethod
    def _number(name: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ModelError(f"model metadata: {name} is {_shown(value)}, not a finite number")
        if abs(value) > MAX_NUMBER:
            raise ModelError(f"model metadata: {name} is {_shown(value)}, beyond {MAX_NUMBER:g}")
        return float(value)

    @classmethod
    def _vector(cls, name: str, value: Any, size: int) -> Vector:
        if not isinstance(value, list) or len(value) != size:
            raise ModelError(f"model metadata: {name} is not a list of {size} numbers")
        return tuple(cls._number(name, v) for v in value)
