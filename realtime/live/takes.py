"""Takes: recordings of parts of a performance, each with its sound as WAV and its commands as a log.

A take's log begins with the state at the take's first sample: the performer's position in the latent space
(the point), the points of touches, the mode, and the number of ticks decoded per call. `realtime render` can
therefore reproduce the take, except for sounds that were already playing at that sample.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.live.recorder import Recorder
from realtime.synth.command_log import MAX_WAITING, CommandLog, LogHeader
from realtime.synth.commands import Command
from realtime.synth.mixer import Mixer
from realtime.util.errors import ControlError, RealtimeError

SOUND, LOG = ".wav", ".jsonl"
MAX_NAME = 60
POLL_S = 0.002
BEGIN_S = 2.0  # time limit for the render thread to begin or end a take

Tap = Callable[[int, Command], None]


class Taps:
    """Passes each command that takes effect to all listeners; serves as `Mixer.tap`."""

    def __init__(self) -> None:
        self.listeners: tuple[Tap, ...] = ()

    def __call__(self, sample: int, command: Command) -> None:
        for listener in self.listeners:
            listener(sample, command)


class Take:
    """A recording in progress. The render thread calls `begin`, `write` and `end`.

    Attributes:
        first: device sample, counted from the engine's start, at which the take begins; None before that.
        last: device sample that follows the end of the take; None before the end.
    """

    def __init__(self, recorder: Recorder, taps: Taps) -> None:
        self.recorder = recorder
        self.waiting: deque[tuple[int, Command]] = deque()
        self.first: int | None = None
        self.last: int | None = None
        self._taps = taps

    def begin(self, mixer: Mixer) -> None:
        """Begin the take with the mixer's next sample."""
        self.waiting.extend((mixer.position, command) for command in mixer.standing())
        self._taps.listeners = (*self._taps.listeners, self._tap)
        self.first = mixer.position

    def write(self, block: NDArray[np.float32]) -> None:
        """Record a block [T, C]."""
        self.recorder.write(block)

    def end(self, mixer: Mixer) -> None:
        """End the take before the mixer's next sample."""
        self._taps.listeners = tuple(each for each in self._taps.listeners if each != self._tap)
        self.last = mixer.position

    def _tap(self, sample: int, command: Command) -> None:
        if len(self.waiting) < MAX_WAITING:
            self.waiting.append((sample, command))


class TakeEngine(Protocol):
    """The part of the engine that `Takes` uses."""

    block_size: int

    @property
    def mixer(self) -> Mixer: ...

    def record(self, take: Take | None) -> None:
        """Begin a take with the next block; None ends the current take."""
        ...


class Takes:
    """Records takes into a folder, one at a time. Not thread-safe.

    Args:
        folder: folder of the files, created with the first take; if None, takes are refused.
        engine: the engine that is playing.
        taps: the `Mixer.tap` of the engine's mixer.
        header: returns the header of a log that begins at the given device sample.
        say: receives a line if a recording has gaps.
    """

    def __init__(
        self,
        folder: Path | None,
        engine: TakeEngine,
        taps: Taps,
        header: Callable[[int], LogHeader],
        say: Callable[[str], None],
    ) -> None:
        self._folder, self._engine, self._taps = folder, engine, taps
        self._header, self._say = header, say
        self._now: tuple[Take, CommandLog] | None = None

    def begin(self, name: str) -> None:
        """Begin a take.

        Raises:
            ControlError: the name is not accepted, a take of that name exists, or a take is being recorded.
            FileError: a file cannot be created.
            RealtimeError: nothing was rendered within `BEGIN_S`.
        """
        if self._now is not None:
            raise ControlError("a take is being recorded already; `/morph/record/stop` ends it")
        sound = self._place(name)
        mixer = self._engine.mixer
        take = Take(
            Recorder(sound, mixer.sample_rate, mixer.channels, self._engine.block_size, say=self._say),
            self._taps,
        )
        try:
            self._engine.record(take)
            first = _await(lambda: take.first)
            log = CommandLog(sound.with_suffix(LOG), self._header(first), waiting=take.waiting, say=self._say)
        except RealtimeError:
            self._engine.record(None)
            take.recorder.close()
            raise
        self._now = take, log

    def end(self) -> str:
        """End the take; return its name when its files are complete.

        Raises:
            ControlError: nothing is being recorded.
            RealtimeError: nothing was rendered within `BEGIN_S`.
        """
        if self._now is None:
            raise ControlError("nothing is being recorded; `/morph/record/start` begins a take")
        (take, log), self._now = self._now, None
        self._engine.record(None)
        last = _await(lambda: take.last)
        take.recorder.close()
        log.close(last)
        self._say(f"the take is recorded in {log.path.with_suffix(SOUND)}, and its log in {log.path}")
        return log.path.stem

    def close(self, last: int) -> None:
        """Complete a take that is being recorded, after rendering has ended at device sample `last`."""
        if self._now is not None:
            take, log = self._now
            take.recorder.close()
            log.close(last)

    def _place(self, name: str) -> Path:
        """Return the sound file for a name."""
        if self._folder is None:
            raise ControlError("this server records no takes: start it with --takes FOLDER")
        plain = name.isprintable() and not set(name) & set('/\\:*?"<>|') and not name.startswith(".")
        if not plain or not 0 < len(name.strip()) <= MAX_NAME:
            raise ControlError(f"name is {name[:80]!r}, not a file name of up to {MAX_NAME} characters")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ControlError(f"cannot create {self._folder}: {error.strerror or error}") from error
        files = [self._folder / f"{name.strip()}{suffix}" for suffix in (SOUND, LOG)]
        if any(file.exists() for file in files):
            raise ControlError(f"there is a take {name!r} already")
        return files[0]


def _await(value: Callable[[], int | None]) -> int:
    """Wait until the render thread has set the value, at most `BEGIN_S`; return the value."""
    end = time.monotonic() + BEGIN_S
    while (found := value()) is None:
        if time.monotonic() > end:
            raise RealtimeError("nothing is being rendered at the moment")
        time.sleep(POLL_S)
    return found
