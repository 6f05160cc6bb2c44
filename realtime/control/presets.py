"""Presets: named positions in a model's latent space, in a JSON file with a section for each model.

    {"soundmorph_presets": 1,
     "models": {"drums 0123456789abcdef": {"sounds": "fedcba9876543210",
                                           "presets": {"fat": [0.1, …]}, "last": {"z": […], …},
                                           "sequencer": {"grid": {…}, "patterns": {"intro": {…}}}}}}

The key of a section is the model's name and the first 16 digits of `ModelInfo.digest`. Earlier releases used
the hash of the training configuration instead. `sounds` contains the first 16 digits of
`ModelInfo.sounds_digest`. A model without a section continues with the latest section for the same training
sounds, which belongs to an earlier version of the model. Other sections with the model's name are offered to
the user, and taken over only on request. The section saved last is the last section in the file; sections of
earlier versions are deleted if they add nothing. The module `pattern` defines the entry `sequencer`.

Several servers may share the file. When a server saves, it writes only the changes that it has made since it
last read or wrote its section. The rest of the file stays unchanged.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import platformdirs

from realtime.control.pattern import Patterns
from realtime.control.preset_names import first, missing
from realtime.control.protocol import HOST, PORT, check_name
from realtime.model.schema import ModelInfo
from realtime.synth.commands import MODES, Z
from realtime.synth.quantities import GAIN_DB, REACHED
from realtime.util import outside
from realtime.util.errors import ControlError, RealtimeError
from realtime.util.outside import OutsideError

FORMAT = "soundmorph_presets"
VERSION = 1
MAX_PRESETS = 1000  # maximum number of presets of a model
MAX_BYTES = 64 * 2**20  # maximum size of a file that is read
LOCK_S = 5.0  # longest wait for another server's save


Section = dict[str, Any]


class PresetError(RealtimeError):
    """The preset file cannot be written, or the user has no folder for it."""


@dataclass(frozen=True)
class Last:
    """The state at the end of a session: point z [D], gain and mode."""

    z: Z
    gain_db: float
    mode: str


class Presets(Mapping[str, Z]):
    """The presets of one model, by name. One thread may change them while another thread saves them.

    Attributes:
        elsewhere: for presets of other models of the same name: name of the preset -> command that takes the
            preset over.
    """

    def __init__(
        self, info: ModelInfo, found: Mapping[str, Z] | None = None, last: Last | None = None
    ) -> None:
        self.elsewhere: Mapping[str, str] = {}
        self.key = f"{info.name} {info.digest[:16]}".strip()
        self.sounds = info.sounds_digest[:16]
        self.last = last
        self.patterns = Patterns()
        self._points: dict[str, Z] = dict(found or {})  # replaced, never mutated

    def __getitem__(self, name: str) -> Z:
        return self._points[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)

    def store(self, name: str, z: Z) -> None:
        """Add or replace a preset.

        Raises:
            ControlError: the name is not accepted, or there are too many presets.
        """
        check_name(name)
        if name not in self._points and len(self._points) >= MAX_PRESETS:
            raise ControlError(f"there are {MAX_PRESETS} presets already; delete one first")
        self._points = {**self._points, name: z}

    def adopt(self, points: Mapping[str, Z]) -> None:
        """Add presets of another model, except those whose names are taken.

        Raises:
            ControlError: there would be too many presets.
        """
        both = {**points, **self._points}
        if len(both) > MAX_PRESETS:
            raise ControlError(f"there would be {len(both)} presets; the limit is {MAX_PRESETS}")
        self._points = both

    def delete(self, name: str) -> None:
        """Delete a preset.

        Raises:
            ControlError: no preset has that name.
        """
        if name not in self._points:
            raise missing(name, self, self.elsewhere)
        self._points = {n: z for n, z in self._points.items() if n != name}

    def section(self) -> dict[str, Any]:
        """Return the presets as a section of the file."""
        section: dict[str, Any] = {"presets": {name: list(z) for name, z in self._points.items()}}
        if self.last:
            section["last"] = {"z": list(self.last.z), "gain_db": self.last.gain_db, "mode": self.last.mode}
        if patterns := self.patterns.section():
            section["sequencer"] = patterns
        return section


def default_presets() -> Path:
    """Return the path of the preset file in the user's data folder.

    Raises:
        PresetError: the user has no data folder.
    """
    try:
        return platformdirs.user_data_path("soundmorph", appauthor=False) / "presets.json"
    except RuntimeError:
        raise PresetError("this user has no home folder: set HOME, or give --presets and --takes") from None


class PresetFile:
    """The preset file.

    Args:
        path: the file, created with its folder on the first save; None keeps presets in memory only.
        say: receives lines for the user, for example that the file cannot be read and was renamed.
        send: the shell command that sends a message to this server, such as `oscsend 127.0.0.1 9000`.

    Raises:
        PresetError: `path` is a folder or a device.
    """

    def __init__(
        self, path: Path | None, say: Callable[[str], None] = print, send: str = f"oscsend {HOST} {PORT}"
    ) -> None:
        if path is not None and path.exists() and not path.is_file():
            raise PresetError(f"{path} is not a regular file: presets cannot be stored there")
        self.path = path
        self._say, self._send = say, send
        self._saving = threading.Lock()
        self._before: dict[str, Section] = {}  # model -> section that this object last read or wrote

    def open(self, info: ModelInfo) -> Presets:
        """Return this model's presets.

        Presets and patterns that do not fit the model, or exceed the limits, are left out but stay in the
        file; report their number. If no presets remain, offer those of a different model with the same name.
        """
        presets = Presets(info)
        if self.path is None:
            return presets
        sections = self._read()
        own = presets.key in sections
        section = _dict(sections.get(presets.key)) if own else _of_sounds(sections, presets.sounds)
        found, odd = points_of(section, info.latent_dim)
        patterns, odd_patterns = Patterns.read(section.get("sequencer"))
        more = max(0, len(found) - MAX_PRESETS)
        for number, what in (
            (odd, f"presets do not fit {info.name}"),
            (odd_patterns, f"patterns do not fit {info.name}"),
            (more, f"presets exceed the limit of {MAX_PRESETS} for a model"),
        ):
            if number:
                self._say(f"{self.path}: {number} {what} and are left out")
        found = dict(list(found.items())[:MAX_PRESETS])
        earlier = _earlier(sections, presets.key, info)
        if not found and earlier:
            self._say(
                f"{self.path} has no presets for this model {info.name!r}, but contains presets of another "
                f"model of this name: {first([*earlier.values()][-1])}. To take them over: "
                f"{self._send} /morph/preset/adopt"
            )
        if found and not own:
            self._say(f"the presets of an earlier version of {info.name!r} are kept: {first(found)}")
        presets = Presets(info, found, _last(section.get("last"), info.latent_dim))
        presets.patterns = patterns
        presets.elsewhere = self._elsewhere(earlier)
        if own:
            self._before[presets.key] = presets.section()
        return presets

    def _elsewhere(self, earlier: dict[str, dict[str, Z]]) -> dict[str, str]:
        adopt, latest = f"{self._send} /morph/preset/adopt", next(reversed(earlier), None)
        return {
            name: adopt if checksum == latest else f"{adopt} s {checksum}"
            for checksum, points in earlier.items()
            for name in points
        }

    def earlier(self, info: ModelInfo) -> dict[str, dict[str, Z]]:
        """Return the fitting presets of other models with this name: checksum -> presets, the latest last."""
        return {} if self.path is None else _earlier(self._read(), Presets(info).key, info)

    def save(self, presets: Presets) -> None:
        """Replace the file atomically; keep sections of other models and changes by other servers.

        Wait for a save in progress on another thread or in another server.

        Raises:
            PresetError: writing failed; the file is unchanged.
        """
        if self.path is None:
            return
        path, ours = self.path, presets.section()
        with self._saving:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with filelock.FileLock(path.with_name(f".{path.name}.lock"), LOCK_S):
                    sections = self._read()
                    if (theirs := sections.pop(presets.key, None)) is None:
                        merged = ours
                    else:
                        merged = _merged(self._before.get(presets.key, {}), ours, _dict(theirs))
                    sections[presets.key] = merged = {**merged, "sounds": presets.sounds}
                    sections = {k: s for k, s in sections.items() if k == presets.key or _adds(s, merged)}
                    self._write(path, sections)
            except (OSError, NotImplementedError) as error:
                # NotImplementedError: the file system lacks locks
                reason = getattr(error, "strerror", None) or error
                raise PresetError(f"cannot write presets to {path}: {reason}") from error
            self._before[presets.key] = ours

    @staticmethod
    def _write(path: Path, sections: dict[str, Any]) -> None:
        # a killed server may have left this file; the lock makes it safe to overwrite
        part = path.with_name(f".{path.name}.part")
        content = {FORMAT: VERSION, "models": sections}
        try:
            with part.open("w", encoding="utf-8") as file:
                json.dump(content, file, ensure_ascii=False, allow_nan=False, indent=1)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            with contextlib.suppress(OSError):
                part.unlink()

    def _read(self) -> dict[str, Any]:
        """Return the file's sections; empty if the file is missing or cannot be read."""
        assert self.path is not None
        try:
            content = outside.from_json(outside.read(self.path, MAX_BYTES), nulls=True)
            if content[FORMAT] != VERSION or not isinstance(content["models"], dict):
                raise OutsideError(f"not {FORMAT} version {VERSION}")
        except FileNotFoundError:
            return {}
        except (OSError, OutsideError, TypeError, KeyError) as error:
            aside = self._keep_aside()
            self._say(
                f"{self.path} cannot be read as presets ({error}); it is kept as {aside}; "
                "the server starts without presets"
            )
            return {}
        sections: dict[str, Any] = content["models"]
        return sections

    def _keep_aside(self) -> str:
        """Move the file to a free name, to protect it from later saves; return that name."""
        assert self.path is not None
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.broken-{number}")).exists():
            number += 1
        try:
            os.replace(self.path, aside)
        except OSError as error:
            return f"nothing: {error.strerror}"
        return aside.name


def listed(earlier: Mapping[str, Mapping[str, Z]]) -> str:
    """Return a line with each checksum and the first presets: `0123456789abcdef (fat, thin, …), …`."""
    return ", ".join(f"{checksum} ({first(points)})" for checksum, points in earlier.items())


def _of_sounds(sections: Mapping[str, Any], sounds: str) -> dict[str, Any]:
    """Return the latest section for the same training sounds; empty if there is none."""
    found = [section for value in sections.values() if (section := _dict(value)).get("sounds") == sounds]
    return found[-1] if found else {}


def _earlier(sections: Mapping[str, Any], own: str, info: ModelInfo) -> dict[str, dict[str, Z]]:
    earlier: dict[str, dict[str, Z]] = {}
    for key, section in sections.items():
        name, _, checksum = key.rpartition(" ")
        if key != own and name == info.name and (found := points_of(_dict(section), info.latent_dim)[0]):
            earlier[checksum] = found
    return earlier


def points_of(section: Mapping[str, Any], dim: int) -> tuple[dict[str, Z], int]:
    """Return a section's valid presets, with points of `dim` numbers, and the number of other presets."""
    found: dict[str, Z] = {}
    odd = 0
    for name, value in _dict(section.get("presets")).items():
        if (z := _point(value, dim)) is None or not name.strip():
            odd += 1
        else:
            found[name] = z
    return found, odd


def _merged(before: Section, ours: Section, theirs: Section) -> Section:
    """Return the section `theirs` with the changes from `before` to `ours` applied."""
    presets, sequencer = (
        [_dict(each.get(key)) for each in (before, ours, theirs)] for key in ("presets", "sequencer")
    )
    patterns = [_dict(each.get("patterns")) for each in sequencer]
    merged = {
        **_changed(before, ours, theirs),
        "presets": _changed(*presets),
        "sequencer": {**_changed(*sequencer), "patterns": _changed(*patterns)},
    }
    if not merged["sequencer"]["patterns"]:
        del merged["sequencer"]["patterns"]
    if not merged["sequencer"]:
        del merged["sequencer"]
    return merged


def _adds(section: Any, latest: Section) -> bool:
    """Return True if a section is for other training sounds, or adds presets or patterns to `latest`."""
    section = _dict(section)
    if section.get("sounds") != latest["sounds"]:
        return True
    old, new = (
        (_dict(each.get("presets")), _dict(_dict(each.get("sequencer")).get("patterns")))
        for each in (section, latest)
    )
    return not all(one.items() <= other.items() for one, other in zip(old, new, strict=True))


def _changed(before: Section, ours: Section, theirs: Section) -> Section:
    """Return `theirs`, changed as in `ours` for each key whose value differs between `before` and `ours`."""
    set_ = {key: value for key, value in ours.items() if key not in before or before[key] != value}
    return {key: value for key, value in {**theirs, **set_}.items() if key in ours or key not in before}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _point(value: Any, dim: int) -> Z | None:
    if not isinstance(value, list) or len(value) != dim or not all(map(REACHED.accepts, value)):
        return None
    return tuple(float(x) for x in value)


def _last(value: Any, dim: int) -> Last | None:
    last = _dict(value)
    gain: Any = last.get("gain_db")
    z, mode = _point(last.get("z"), dim), last.get("mode")
    if z is None or mode not in MODES or not GAIN_DB.accepts(gain):
        return None
    return Last(z, float(gain), str(mode))
