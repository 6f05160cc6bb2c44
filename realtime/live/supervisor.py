"""Starts and watches the worker, the process that renders the sound; provides proxies of its parts."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.live.config import SoundConfig
from realtime.live.rpc import Proxy, RpcClient, RpcError
from realtime.model import errands
from realtime.model.schema import ModelInfo
from realtime.synth.commands import Command
from realtime.util.errors import RealtimeError
from realtime.util.recordings import names
from realtime.util.signals import ENDING

if TYPE_CHECKING:
    from realtime.live.instruments import Built
    from realtime.live.worker import Introduction

ANSWER_S = 5.0  # time limit for a reply, longer than any quick call takes
BEAT_S = 1.0  # heartbeat interval
END_S = 1.0
POLL_S = 0.1
WRITE_S = 60.0  # limit for writing the rest of a recording or a log: 5 s of sound may wait for a slow disk

Facts = dict[str, int | float | str]


class EngineProxy(Proxy):
    """Proxy of the `Engine` in the worker; adds the time of each request."""

    def submit(self, commands: Sequence[Command], due: float | None = None, at: int | None = None) -> bool:
        """Submit commands as `Engine.submit` does; without `due`, return True and do not wait for a reply."""
        if due is None:
            self._client.tell("engine.submit", commands, None, at, time.monotonic())
            return True
        return bool(self._client.ask("engine.submit", commands, due))

    def submit_from(
        self, commands: Sequence[Command], due: float | None = None, at: int | None = None
    ) -> tuple[bool, list[float]]:
        """Submit commands as `Engine.submit_from` does; wait for the reply, not for the effect."""
        reply: tuple[bool, list[float]]
        reply = self._client.ask("engine.submit_from", commands, due, at, time.monotonic())
        return reply

    def handled(self, count: int) -> None:
        """Tell the plugin host's bridge that the first `count` bytes of its events have become commands."""
        self._client.tell("handled", count)


class InstrumentsProxy(Proxy):
    """Proxy of the `Instruments` in the worker, over one connection for slow calls and one for quick calls.

    `name_axes` uses a separate process instead of the worker, to avoid delaying other calls.

    Attributes:
        model: file of the current model.
        previous: file of the previous model, or None.
    """

    def __init__(self, works: RpcClient, calls: RpcClient, model: Path) -> None:
        super().__init__(works, "instruments")
        self._calls = calls
        self.model = model
        self.previous: Path | None = None

    def name_axes(self) -> list[str]:
        return errands.name_axes(self.model)

    def install(self, instrument: Built) -> None:
        self._calls.tell("instruments.install", instrument)
        self.previous, self.model = self.model, instrument.path


class TakesProxy(Proxy):
    """Proxy of the `Takes` in the worker.

    Attributes:
        recording: True if a take may be in progress.
    """

    recording = False

    def begin(self, name: str) -> None:
        self.recording = True
        self._client.ask("takes.begin", name)

    def end(self) -> str:
        name: str = self._client.ask("takes.end")
        self.recording = False
        return name


class Supervisor:
    """Owns the worker from the creation of this object to `close`.

    Args:
        config: options of the worker process.
        stopping: returns True when the program must end; a start in progress is then aborted.

    Raises:
        RealtimeError: the worker cannot play, or its start is aborted.

    Attributes:
        info: description of the model.
        player, instruments, takes: proxies of the worker's `Engine`, `Instruments` and `Takes`.
        plugins: proxy of the plugin chain.
        logs: paths of the log files, one for each worker so far.
    """

    def __init__(self, config: SoundConfig, stopping: Callable[[], bool] = lambda: False) -> None:
        self._config, self._stopping = config, stopping
        self._ask_again_s = 0.0
        self.logs = [config.log] if config.log else []
        calls, works, self.info = self._begin(config)
        self._calls, self._works = RpcClient(calls, ANSWER_S), RpcClient(works)
        self.player = EngineProxy(self._calls, "engine")
        self.instruments = InstrumentsProxy(self._works, self._calls, config.model)
        self.takes = TakesProxy(self._works, "takes")
        self.plugins = Proxy(self._calls, "plugins")

    def _begin(self, config: SoundConfig) -> tuple[Connection, Connection, ModelInfo]:
        """Start the process; return its connections for quick and slow calls, and `Worker.info`."""
        context = multiprocessing.get_context("spawn")
        (calls, theirs), (works, theirs_too) = context.Pipe(), context.Pipe()
        self._failed, failed = context.Pipe(duplex=False)
        ends = theirs, theirs_too, failed
        self._process = context.Process(target=_play, args=(config, *ends), name="sound")
        with _no_signals():
            self._process.start()
        for end in ends:
            end.close()
        info: ModelInfo | None = None
        try:
            if self._answers(calls):
                error, info = calls.recv()
            else:
                self._process.kill()
                error = "the program was stopped before the model was ready"
        except (OSError, EOFError):
            error = "the worker process ended during its start"
        if info is None:
            calls.close()
            self._await_end()
            raise RealtimeError(error)
        return calls, works, info

    def _answers(self, calls: Connection) -> bool:
        """Wait for the first message; return False if `stopping` is True and none comes within `END_S`."""
        end: float | None = None
        while not calls.poll(POLL_S):
            if end is None and self._stopping():
                end = time.monotonic() + END_S
            if end is not None and time.monotonic() > end:
                return False
        return True

    def start(self) -> Introduction:
        """Start to play; return the lines to print.

        Raises:
            RealtimeError: the device cannot be started.
        """
        introduction: Introduction = self._works.ask("start")
        return introduction

    def fault(self) -> str:
        """Return the reason why the worker no longer plays, such as "has ended", or "" if it plays.

        Ping the worker every `BEAT_S`.
        """
        if time.monotonic() >= self._ask_again_s and not self._calls.closed:
            self._ask_again_s = time.monotonic() + BEAT_S
            with contextlib.suppress(RpcError):
                self.player.z()
        if (code := self._process.exitcode) is not None:
            return f"has ended ({signal.Signals(-code).name})" if code < 0 else "has ended"
        if self._calls.closed:
            return "does not answer"
        return "has failed" if self._failed.poll() else ""

    def go_back(self) -> bool:
        """Make `restart` load the previous model; return False if there is no previous model."""
        if self.instruments.previous in (None, self.instruments.model):
            return False
        assert self.instruments.previous is not None
        self.instruments.model, self.instruments.previous = self.instruments.previous, None
        return True

    def restart(self, fault: bool = True) -> list[str]:
        """Start a new process with the current model; return notes for the user.

        The new process plays nothing until `start` is called. The caller can therefore send the settings
        before the first block. The proxies stay valid. The recording and the log continue in new files.
        After a fault, the new process has no plugins, because a plugin may have caused the fault.

        Raises:
            RealtimeError: the worker cannot play.
        """
        self.close()
        before, notes = self._config, []
        self._config = now = replace(
            before,
            model=self.instruments.model,
            record=before.record and _next(before.record),
            log=before.log and _next(before.log),
            plugins=() if fault else before.plugins,
        )
        self.logs += [now.log] if now.log else []
        calls, works, self.info = self._begin(now)
        self._calls.reconnect(calls)
        self._works.reconnect(works)
        if now.model != before.model and self.instruments.previous is None:
            notes.append(f"with {now.model.stem} instead of {before.model.stem}, which may be the cause")
        if before.plugins and fault:
            notes.append("without plugins, because one of them may be the cause")
        notes += [f"the recording continues in {now.record}"] if now.record else []
        notes += [f"the log continues in {now.log}"] if now.log else []
        return notes

    def stop(self) -> tuple[Facts, bool]:
        """End the worker with a fade-out; return the last status, and True if rendering has failed.

        Wait until the recording and the log are written.

        Raises:
            RpcError: the worker had already ended, or does not end in time.
        """
        writes = self._config.record or self._config.log or self.takes.recording
        reply: tuple[Facts, bool] = self._calls.ask("stop", limit_s=WRITE_S if writes else None)
        return reply

    def close(self) -> None:
        """End the worker if it is still running."""
        self._calls.close()
        self._await_end()

    def _await_end(self) -> None:
        self._process.join(END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _next(path: Path) -> Path:
    """Return an unused path in the folder of `path`, such as `take-2.wav` for `take.wav`."""
    return next(each for each in islice(names(path), 1, None) if not each.exists())


@contextlib.contextmanager
def _no_signals() -> Iterator[None]:
    """Block the signals that end the server; a process started in this context never receives them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its start would unblock the signals
    ours = set(ENDING)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ours)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _play(config: SoundConfig, *ends: Connection) -> None:
    from realtime.live.worker import play

    play(config, *ends)
