"""The log of a performance: each executed command, with its device sample, as a line of JSON.

Device samples are the samples of the sound that the audio device takes, counted from the start. The first
line is a `LogHeader`. Every other line is a command, `{"at": 4711, "do": "trigger", …}`, with the fields that
differ from the command's defaults. The last line is `{"at": …, "do": "end"}` if the server ended normally.
The log grows during the performance. Therefore, a crash of the server loses at most the last `FLUSH_S`, and a
power failure about the last `SYNC_S`. Either may leave an incomplete last line, which is not an error. The
reader checks every field.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import importlib.metadata
import json
import os
import platform
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Any

from realtime.synth import outs, quantities
from realtime.synth.commands import (
    HIT_SETTINGS,
    MAX_THROUGH,
    MODES,
    Command,
    Gain,
    Goto,
    Mode,
    Panic,
    Prepare,
    Press,
    SetAxis,
    SetDimension,
    SetZ,
    Shed,
    Stop,
    Swap,
    Ticks,
    Trigger,
    Tweak,
)
from realtime.synth.glide import CURVES, PATHS
from realtime.synth.output import Finish
from realtime.synth.plugins import MAX_PLUGINS
from realtime.synth.quantities import Quantity
from realtime.util import outside
from realtime.util.errors import RealtimeError
from realtime.util.files import FileError
from realtime.util.outside import OutsideError

VERSION = 1
FLUSH_S = 0.1  # longest time until a command is handed to the operating system
POLL_S = FLUSH_S / 5  # polling period; the rest of FLUSH_S is a margin for late wake-ups
SYNC_S = 1.0  # period of fsync
MAX_LINE = 2**20  # maximum number of bytes in a line
MAX_SAMPLE = 2**40
MAX_TEXT = 4096  # maximum number of characters in a string
MAX_DIMENSIONS = 1024  # maximum size of z
MAX_WAITING = 200_000  # maximum number of commands kept in memory while the disk stalls
COMMANDS: dict[str, type[Command]] = {
    "z": SetZ,
    "dimension": SetDimension,
    "axis": SetAxis,
    "goto": Goto,
    "trigger": Trigger,
    "stop": Stop,
    "press": Press,
    "panic": Panic,
    "gain": Gain,
    "mode": Mode,
    "shed": Shed,
    "ticks": Ticks,
    "plugin": Tweak,
    "model": Swap,
}
_NAMES = {kind: name for name, kind in COMMANDS.items()}


class LogError(RealtimeError):
    """A log that cannot be read."""


@dataclass(frozen=True)
class PluginState:
    """A plugin that processes the mix: its file, its name, and its parameters as raw values from 0 to 1."""

    path: str
    name: str
    parameters: dict[str, float]


@dataclass(frozen=True)
class LogHeader:
    """The header of a log: everything needed to build the mixer that replays it.

    Attributes:
        model: path of the model file.
        model_sha256: checksum of the model file.
        latent_dim: size of z, a position in the model's latent space.
        sample_rate: device sample rate in Hz.
        channels, voices, chunk_frames, gain_db: arguments of the mixer.
        dc_block_hz, headroom_db, limiter: see `output.Finish`; the defaults apply to logs that lack them.
        outs: names of further pairs of outputs.
        block: number of device samples in each block that the plugins process.
        versions: name -> version of Python and of each package that makes the sound.
        plugins: states of the plugins, in order.
        start: first device sample of the performance.
    """

    model: str
    model_sha256: str
    latent_dim: int
    sample_rate: int
    channels: int
    voices: int
    chunk_frames: int
    gain_db: float
    block: int
    versions: dict[str, str]
    dc_block_hz: float = 0.0
    plugins: tuple[PluginState, ...] = ()
    start: int = 0
    headroom_db: float = 0.0
    limiter: bool = False
    outs: tuple[str, ...] = ()

    @property
    def finish(self) -> Finish:
        """The treatment of the output."""
        return Finish(self.dc_block_hz, self.headroom_db, self.limiter)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that make the sound."""
    found = {"python": platform.python_version()}
    for package in ("soundmorph", "numpy", "onnxruntime", "onnxruntime-gpu", "soxr"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


# ---- commands to and from JSON


def to_json(at: int, command: Command) -> dict[str, Any] | None:
    """Return a command as the JSON object of a line; None if the command does not change the sound."""
    if isinstance(command, Prepare):
        return None
    line: dict[str, Any] = {"at": at, "do": _NAMES[type(command)]}
    for field in fields(command):
        value = getattr(command, field.name)
        if field.name != "ticket" and value != field.default:
            line[field.name] = value
    return line


def from_json(line: Any, dim: int) -> tuple[int, Command | None]:
    """Return the sample and the command in a line; the command is None at the end of the performance.

    Raises:
        LogError: the line lacks a field, has an unknown field, or has a value that is not accepted.
    """
    if not isinstance(line, dict):
        raise LogError("not an object")
    given = dict(line)
    at, name = given.pop("at", None), given.pop("do", None)
    if not _is_whole(at) or not 0 <= at <= MAX_SAMPLE:
        raise LogError(f"at is {at!r:.40}, not a sample from 0 to {MAX_SAMPLE}")
    if name == "end":
        return at, None
    if not isinstance(name, str) or name not in COMMANDS:
        raise LogError(f"do is {name!r:.40}, not one of {', '.join(COMMANDS)}, end")
    kind = COMMANDS[name]
    known = {field.name: field for field in fields(kind) if field.name != "ticket"}
    if unknown := set(given) - set(known):
        raise LogError(f"{name} has no {min(unknown)!r:.40}; it has {', '.join(known) or 'nothing'}")
    if absent := [key for key, field in known.items() if field.default is MISSING and key not in given]:
        raise LogError(f"{name} lacks {absent[0]}")
    values = {key: _check(known[key], value, dim) for key, value in given.items()}
    if kind is SetDimension and not values["index"] < dim:
        raise LogError(f"index is {values['index']}, not below {dim}")
    return at, kind(**values)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check(field: Field[Any], value: Any, dim: int) -> Any:
    """Check the value of a field and return the value that the command stores."""
    key = field.name
    if key == "through":
        if isinstance(value, list) and len(value) <= MAX_THROUGH:
            return tuple(_vector(key, each, dim) for each in value)
        raise LogError(f"through is not a list of up to {MAX_THROUGH} points")
    if key in ("z", "point", "offset", "axis", "origin"):
        return None if value is None and field.default is None else _vector(key, value, dim)
    if key in _CHOICES:
        if isinstance(value, str) and value in _CHOICES[key]:
            return value
        raise LogError(f"{key} is {value!r:.40}, not one of {', '.join(_CHOICES[key])}")
    if key in _TEXTS:
        if isinstance(value, str) and len(value) <= MAX_TEXT:
            return value
        raise LogError(f"{key} is {value!r:.40}, not text of up to {MAX_TEXT} characters")
    if key in _SWITCHES:
        if isinstance(value, bool):
            return value
        raise LogError(f"{key} is {value!r:.40}, not true or false")
    if not _QUANTITIES[key].accepts(value):
        raise LogError(f"{key} is {value!r:.40}, not {_QUANTITIES[key].accepted}")
    return value


_CHOICES: dict[str, tuple[str, ...]] = {"curve": tuple(CURVES), "path": tuple(PATHS), "mode": MODES}
_TEXTS = ("parameter", "model", "model_sha256")
_SWITCHES = ("ahead", *(row.field for row in HIT_SETTINGS.values() if row.switch))
_QUANTITIES: dict[str, Quantity] = {
    "plugin": Quantity(0, MAX_PLUGINS - 1, whole=True),
    "raw": quantities.FRACTION,
    "latent_dim": Quantity(1, MAX_DIMENSIONS, whole=True),
    "chunk_frames": Quantity(1, 4096, whole=True),
    "at_once": Quantity(1, 64, whole=True),
    "touch": quantities.TOUCH,
    "index": Quantity(0, MAX_DIMENSIONS - 1, whole=True),
    "value": quantities.REACHED,
    "ms": quantities.TRAVEL_MS,
    "velocity": quantities.VELOCITY,
    "db": quantities.GAIN_DB,
    **{row.field: row.quantity for row in HIT_SETTINGS.values() if not row.switch},
}


_HEADER: dict[str, Quantity] = {
    "latent_dim": _QUANTITIES["latent_dim"],
    "sample_rate": Quantity(1000, 768_000, whole=True),
    "channels": Quantity(1, 256, whole=True),
    "voices": Quantity(1, 64, whole=True),
    "chunk_frames": _QUANTITIES["chunk_frames"],
    "block": Quantity(1, 2**20, whole=True),
    "start": Quantity(0, MAX_SAMPLE, whole=True),
    "gain_db": quantities.GAIN_DB,
    "dc_block_hz": quantities.DC_BLOCK_HZ,
    "headroom_db": quantities.HEADROOM_DB,
}


def _vector(key: str, value: Any, dim: int) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != dim:
        raise LogError(f"{key} is not a list of {dim} numbers")
    for x in value:
        if not quantities.REACHED.accepts(x):
            raise LogError(f"{key} holds {x!r:.40}, not {quantities.REACHED.accepted}")
    return tuple(float(x) for x in value)


# ---- writing


class CommandLog:
    """Writes the commands that a mixer executes; the caller sets `Mixer.tap` to the method `tap`.

    One thread writes. A second thread calls fsync, which may take longer than `FLUSH_S`.

    Args:
        path: the log's file.
        header: the header of the log.
        force: True replaces an existing file.
        say: receives a line if writing fails, and a line if commands are lost.
        waiting: a queue of commands that another thread may have begun to fill; the log empties it.

    Raises:
        FileError: the file exists and `force` is False, or the file cannot be created.
    """

    def __init__(
        self,
        path: Path,
        header: LogHeader,
        *,
        force: bool = False,
        say: Callable[[str], None] = print,
        waiting: deque[tuple[int, Command]] | None = None,
    ) -> None:
        self.path = path
        self._say = say
        self._waiting: deque[tuple[int, Command]] = deque() if waiting is None else waiting
        self._lost = 0
        self._failed = False
        self._failing = threading.Lock()
        self._closing = threading.Event()
        try:
            self._file = path.open("w" if force else "x", encoding="utf-8")
        except FileExistsError as error:
            raise FileError(f"{path} exists; choose another name, or --force to replace it") from error
        except OSError as error:
            raise FileError(f"cannot write {path}: {error.strerror or error}") from error
        self._write([{"soundmorph_log": VERSION, **dataclasses.asdict(header)}])
        self._threads = [
            threading.Thread(target=each, name="session log", daemon=True) for each in (self._run, self._sync)
        ]
        for thread in self._threads:
            thread.start()

    def tap(self, sample: int, command: Command) -> None:
        """Record a command that takes effect at a device sample. Never blocks."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append((sample, command))
        else:
            self._lost += 1

    def close(self, sample: int) -> None:
        """Write the remaining commands, and the end of the performance at device sample `sample`."""
        self._closing.set()
        for thread in self._threads:
            thread.join()
        self._write([{"at": sample, "do": "end"}])
        self._fsync()
        with contextlib.suppress(OSError):  # already reported
            self._file.close()
        if self._lost:
            self._say(f"{self.path}: the disk was too slow; {self._lost} commands are missing")

    def _run(self) -> None:
        while not self._closing.wait(POLL_S):
            self._drain()
        self._drain()

    def _sync(self) -> None:
        while not self._closing.wait(SYNC_S):
            self._fsync()

    def _drain(self) -> None:
        lines = []
        while self._waiting:
            line = to_json(*self._waiting.popleft())
            if line is not None:
                lines.append(line)
        if lines:
            self._write(lines)

    def _write(self, lines: list[dict[str, Any]]) -> None:
        if self._failed:
            return
        try:
            self._file.write("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
            self._file.flush()
        except OSError as error:
            self._fail(error)

    def _fsync(self) -> None:
        if self._failed:
            return
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            if error.errno != errno.EINVAL:  # a pipe or a character device has no fsync
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        with self._failing:
            reported, self._failed = self._failed, True
        if not reported:
            self._say(f"logging stopped, playing continues: cannot write {self.path}: {error}")


# ---- reading


def read_header(path: Path) -> LogHeader:
    """Read the header of a log.

    Raises:
        LogError: the file cannot be read, or is not a log.
    """
    try:
        with outside.open_file(path) as file:
            first = file.readline(MAX_LINE)
    except OSError as error:
        raise LogError(f"{path}: {error.strerror or error}") from error
    except OutsideError as error:
        raise LogError(f"{path}: {error}") from error
    try:
        content = outside.from_json(first, file_names=True)
        if content.pop("soundmorph_log") != VERSION:
            raise LogError(
                f"{path}:1: the log has a different version; this soundmorph reads version {VERSION}"
            )
        plugins = tuple(PluginState(**each) for each in content.pop("plugins", ()))
        names = tuple(content.pop("outs", ()))
        header = LogHeader(**content, plugins=plugins, outs=names)
    except LogError:
        raise
    except (OutsideError, TypeError, KeyError, AttributeError) as error:
        raise LogError(f"{path}:1: not the log of a performance (`realtime serve --log FILE`)") from error
    for key, quantity in _HEADER.items():
        value = getattr(header, key)
        if not quantity.accepts(value):
            raise LogError(f"{path}:1: {key} is {value!r:.40}, not {quantity.accepted}")
    if not all(isinstance(name, str) for name in header.outs):
        raise LogError(f"{path}:1: outs is not a list of names")
    if header.outs and header.channels < 2 * (1 + len(header.outs)):
        raise LogError(f"{path}:1: {len(header.outs)} outs do not fit into {header.channels} channels")
    try:
        outs.check(header.outs)
    except RealtimeError as error:
        raise LogError(f"{path}:1: {error}") from None
    if not isinstance(header.limiter, bool):
        raise LogError(f"{path}:1: limiter is {header.limiter!r:.40}, not true or false")
    if not isinstance(header.model, str) or not isinstance(header.model_sha256, str):
        raise LogError(f"{path}:1: model and model_sha256 must be text")
    if len(header.plugins) > MAX_PLUGINS or not all(map(_is_state, header.plugins)):
        raise LogError(f"{path}:1: plugins is not a list of path, name and parameters from 0 to 1")
    return header


def _is_state(state: PluginState) -> bool:
    if not isinstance(state.parameters, dict):
        return False
    texts = (state.path, state.name, *state.parameters)
    values = state.parameters.values()
    return all(isinstance(each, str) for each in texts) and all(
        isinstance(each, (int, float)) and 0 <= each <= 1 for each in values
    )


def commands(path: Path, dim: int) -> Iterator[tuple[int, Command | None]]:
    """Yield (device sample, command) for each line after the header; the command is None for the end.

    Args:
        path: file of the log.
        dim: size of z, a point in the latent space, at the beginning; a switch to another model may change
            it.

    Raises:
        LogError: a line is damaged; an incomplete last line is ignored.
        OSError, OutsideError: the file cannot be opened.
    """
    before = 0
    with outside.open_file(path) as file:
        file.readline(MAX_LINE)
        number = 1
        while line := file.readline(MAX_LINE):
            number += 1
            try:
                at, command = from_json(outside.from_json(line, file_names=True), dim)
                if at < before:
                    raise LogError(f"at is {at}, before the sample of the line above ({before})")
            except (OutsideError, LogError) as error:
                if not line.endswith(b"\n") and not file.readline(1):
                    return  # incomplete: the machine stopped during the write
                raise LogError(f"{path}:{number}: {error}") from error
            before = at
            if isinstance(command, Swap):
                dim = command.latent_dim
            yield at, command
            if command is None:
                return
