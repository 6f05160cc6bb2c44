"""The bridge: memory that the server and a plugin in a host (a DAW) share.

The plugin writes requests for samples, and events, such as MIDI notes; each event states the sample at which
it takes effect. The server has two processes: its control process turns the events into commands, and its
worker then renders the requested samples. The plugin is therefore the clock. A worker that is restarted
begins a new epoch with a new count of samples.

The memory is a file, `NAME.bridge` in `folder`, which the server creates and both programs map. Numbers are
64 bits wide, in the machine's byte order. Only one side writes each number, and each ring buffer has one
writer and one reader: the writer fills a slot, then increments its count. A host that finds a running server
continues where the last request of the epoch ends. `plugin/source/memory.h` has the same layout; a change of
the layout needs a new `VERSION`.

    words      LAYOUT, SERVER and HOST below
    requests   [REQUESTS, 4]: position, samples, bytes of all events written before the request, epoch
    events     a ring of bytes; each event is four words (position, epoch, kind, bytes) and its content, which
               is padded to 8 bytes
    states     two JSON strings: the server's state, which the host saves in its project (a song), and the
               state from a project that the host has opened
    sound      [SAMPLES, channels] float32; device sample n is at n % SAMPLES

A lock on `NAME.server` shows that the server is running. A lock on `NAME.host` shows that a plugin is using
the bridge, or is about to use it. The system releases the locks of a program that dies.

The reader of a word also sees everything that was written before the word: the plugin uses C++ atomics for
this, and Python uses `barrier`. Only x86-64 is tested.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import platform
import re
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from realtime.audio import barrier
from realtime.util.errors import RealtimeError

MAGIC = int.from_bytes(b"smbridge", "little")
VERSION = 1
LAYOUT = {"magic": 0, "version": 1, "channels": 2}
SERVER = {  # words that the server writes
    "sound_port": 8,  # UDP port that wakes the worker
    "events_port": 9,  # UDP port that wakes the control process
    "page_port": 10,  # TCP port of the page; 0 if there is no page
    "epoch": 11,  # number of the current worker, counted from 1; each worker counts samples from `start`
    "start": 12,  # first sample of the epoch
    "rate": 13,  # sample rate in Hz
    "written": 14,  # samples before this one are in the ring
    "requests_read": 15,
    "events_read": 16,  # bytes of events read so far
    "state_writes": 17,  # odd while the state is being written
    "state_bytes": 18,
    "project_read": 19,  # number of the project that was opened last
    "faults": 20,  # number of items that were refused or not restored since the last project was opened
}
HOST = {  # words that the plugin writes
    "host_rate": 32,  # sample rate of the host in Hz; 0 if not known yet
    "host_block": 33,  # largest block of the host
    "requests_written": 34,
    "events_written": 35,  # bytes of events written so far
    "missed": 36,  # number of blocks that did not arrive in time
    "project_writes": 37,  # number of the latest project
    "project_bytes": 38,
}
REQUESTS = 1024
REQUEST_WORDS = 4
OFFLINE = 1 << 32  # flag in the samples of a request: the host is waiting for the block
EVENT_BYTES = 1 << 18
EVENT_HEADER = struct.Struct("=4Q")
OSC, MIDI, PARAMETER, BEAT = 1, 2, 3, 4  # kinds of events
STATE_BYTES = 1 << 20
SAMPLES = 1 << 15
_HEADER_BYTES = 4096
_WORDS = LAYOUT | SERVER | HOST


class BridgeError(RealtimeError):
    """A bridge that cannot be created or opened."""


def folder() -> Path:
    """Return the folder of the bridges, for this user alone: in $XDG_RUNTIME_DIR or else in /tmp.

    Raises:
        BridgeError: the folder cannot be created, or other users have access to it.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    place = Path(runtime) / "soundmorph" if runtime else Path(f"/tmp/soundmorph-{os.getuid()}")
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = place.stat()
    except OSError as error:
        raise BridgeError(f"cannot create the bridge's folder {place}: {error.strerror}") from error
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise BridgeError(f"other users have access to {place}: remove it, or set XDG_RUNTIME_DIR")
    return place


def check_name(name: str) -> None:
    """Check the name of a bridge.

    Raises:
        BridgeError: the name is not 1 to 64 letters, digits, - and _.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise BridgeError(f"bridge {name!r} is not a name of up to 64 letters, digits, - and _")


class BridgeMemory:
    """The memory of a bridge, mapped into this process.

    Args:
        path: the file.

    Attributes:
        requests: uint64 [REQUESTS, REQUEST_WORDS].
        sound: float32 [SAMPLES, channels].

    Raises:
        BridgeError: there is no such file, or it has a different layout.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("r+b") as file:
                self._map = mmap.mmap(file.fileno(), 0)
        except (OSError, ValueError) as error:
            raise BridgeError(f"cannot open the bridge {path}: {error}") from error
        self._words = np.frombuffer(self._map, np.uint64, _HEADER_BYTES // 8)
        self._barrier = barrier.of(platform.machine())
        self._taken = 0  # number of the project that was read last
        if (self["magic"], self["version"]) != (MAGIC, VERSION):
            raise BridgeError(f"{path} is not a bridge of version {VERSION}")
        self.channels = self["channels"]
        at = _HEADER_BYTES
        size = REQUESTS * REQUEST_WORDS
        self.requests: NDArray[np.uint64] = np.frombuffer(self._map, np.uint64, size, at)
        self.requests = self.requests.reshape(REQUESTS, REQUEST_WORDS)
        self._events = at + 8 * size
        self._state = self._events + EVENT_BYTES
        self._project = self._state + STATE_BYTES
        ring = np.frombuffer(self._map, np.float32, SAMPLES * self.channels, self._project + STATE_BYTES)
        self.sound: NDArray[np.float32] = ring.reshape(SAMPLES, self.channels)

    def __getitem__(self, word: str) -> int:
        value = int(self._words[_WORDS[word]])
        self._barrier()
        return value

    def __setitem__(self, word: str, value: int) -> None:
        self._barrier()
        self._words[_WORDS[word]] = value

    def write(self, position: int, block: NDArray[np.float32]) -> None:
        """Write a block [T, channels], T at most `SAMPLES`, that begins at device sample `position`."""
        at = position % SAMPLES
        first = min(len(block), SAMPLES - at)
        self.sound[at : at + first] = block[:first]
        self.sound[: len(block) - first] = block[first:]
        self["written"] = position + len(block)

    def read_sound(self, position: int, samples: int) -> NDArray[np.float32]:
        """Return a copy of `samples` samples [T, channels] that begin at device sample `position`."""
        copy: NDArray[np.float32] = self.sound[np.arange(position, position + samples) % SAMPLES]
        return copy

    def events(self) -> Iterator[tuple[int, int, int, bytes]]:
        """Yield (position, epoch, kind, content) of each new event; the next step frees the event's space.

        Raises:
            BridgeError: an event is longer than the bytes that were written; all new events are skipped.
        """
        while (begin := self["events_read"]) < (end := self["events_written"]):
            position, epoch, kind, size = EVENT_HEADER.unpack(self._ring_bytes(begin, EVENT_HEADER.size))
            following = begin + EVENT_HEADER.size + _padded(size)
            if following > end:
                self["events_read"] = end
                raise BridgeError("an event is damaged")
            content = self._ring_bytes(begin + EVENT_HEADER.size, size)
            yield position, epoch, kind, content
            self["events_read"] = following

    def add_event(self, position: int, kind: int, content: bytes) -> bool:
        """Write an event, as a plugin does; return False if there is no room."""
        head = EVENT_HEADER.pack(position, self["epoch"], kind, len(content))
        event = head + content.ljust(_padded(len(content)), b"\0")
        begin = self["events_written"]
        if begin + len(event) - self["events_read"] > EVENT_BYTES:
            return False
        at = begin % EVENT_BYTES
        first = min(len(event), EVENT_BYTES - at)
        self._map[self._events + at : self._events + at + first] = event[:first]
        self._map[self._events : self._events + len(event) - first] = event[first:]
        self["events_written"] = begin + len(event)
        return True

    def _ring_bytes(self, begin: int, size: int) -> bytes:
        at = begin % EVENT_BYTES
        first = min(size, EVENT_BYTES - at)
        start = self._events
        return self._map[start + at : start + at + first] + self._map[start : start + size - first]

    def write_state(self, text: str) -> None:
        """Publish the state of the server.

        Raises:
            BridgeError: the string is longer than `STATE_BYTES`.
        """
        content = text.encode()
        if len(content) > STATE_BYTES:
            raise BridgeError(f"the state has {len(content)} bytes; the limit is {STATE_BYTES}")
        self["state_writes"] += 1
        self._barrier()
        self._map[self._state : self._state + len(content)] = content
        self["state_bytes"] = len(content)
        self["state_writes"] += 1

    def read_state(self) -> str:
        """Return the latest state of the server; empty if there is none yet."""
        while True:
            writes = self["state_writes"]
            content = self._map[self._state : self._state + self["state_bytes"]]
            if writes % 2 == 0 and writes == self["state_writes"]:
                return content.decode()

    def write_project(self, text: str) -> None:
        """Write the state saved in a project that the host opens, as a plugin does."""
        content = text.encode()
        self._map[self._project : self._project + len(content)] = content
        self["project_bytes"] = len(content)
        self["project_writes"] += 1

    def read_project(self) -> str | None:
        """Return the state of a project if one was written since the last call, otherwise None."""
        if (number := self["project_writes"]) == self._taken:
            return None
        self._taken = number
        content = self._map[self._project : self._project + min(self["project_bytes"], STATE_BYTES)]
        return content.decode(errors="replace")

    def project_done(self) -> None:
        """Tell the plugin that the project whose state `read_project` returned last is open."""
        self["project_read"] = self._taken


def _padded(size: int) -> int:
    return -(-size // 8) * 8


class BridgeFile:
    """A bridge that this process serves, from the creation of the object to `close`.

    Args:
        name: name of the bridge.
        channels: number of channels, at least 2.
        rate: sample rate in Hz until a host asks for another rate.

    Raises:
        BridgeError: the name is not accepted, or another server is using this bridge.
    """

    def __init__(self, name: str, channels: int, rate: int) -> None:
        check_name(name)
        place = folder()
        self.name, self.path = name, place / f"{name}.bridge"
        self._lock = _locked(place / f"{name}.server")
        if self._lock is None:
            raise BridgeError(f"another server is using the bridge {name!r}; choose another name")
        sound_bytes = 4 * SAMPLES * channels
        size = _HEADER_BYTES + 8 * REQUESTS * REQUEST_WORDS + EVENT_BYTES + 2 * STATE_BYTES + sound_bytes
        header = np.zeros(_HEADER_BYTES // 8, np.uint64)
        header[[LAYOUT["magic"], LAYOUT["version"], LAYOUT["channels"]]] = MAGIC, VERSION, channels
        header[SERVER["rate"]] = rate
        with tempfile.NamedTemporaryFile(dir=place, prefix=f".{name}.", delete=False) as part:
            part.write(header.tobytes())
            part.truncate(size)
        os.replace(part.name, self.path)  # a plugin never finds an incomplete file
        self.memory = BridgeMemory(self.path)

    @property
    def in_use(self) -> bool:
        """Return True if a plugin is using the bridge, or is about to use it."""
        if (free := _locked(self.path.with_suffix(".host"))) is None:
            return True
        free.close()
        return False

    def close(self) -> None:
        """Remove the bridge; programs that have mapped it keep their mapping."""
        assert self._lock is not None
        for suffix in (".bridge", ".host", ".model", ".offer", ".server"):
            with contextlib.suppress(OSError):
                self.path.with_suffix(suffix).unlink()
        self._lock.close()


def _locked(path: Path) -> BinaryIO | None:
    """Lock a file; return the open file, or None if another program has locked it."""
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
