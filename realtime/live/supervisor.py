"""The process that plays (`sound`), as control sees it: an engine, a studio and plugins, asked over lines."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.live.config import SoundConfig
from realtime.live.rpc import RpcClient, RpcError
from realtime.model.schema import ModelInfo
from realtime.synth.commands import Command, Tweak, Z
from realtime.util.errors import RealtimeError

if TYPE_CHECKING:
    from realtime.live.worker import Built, PluginFacts

ANSWER_S = 5.0  # more than it ever takes
BEAT_S = 1.0  # between two signs of life
END_S = 1.0
WRITE_S = 60.0  # to write the rest of a recording or a log: 5 s of sound may wait for a slow disk

Facts = dict[str, int | float | str]


class EngineProxy:
    """An `engine` over a line."""

    def __init__(self, line: RpcClient) -> None:
        self._line = line

    def submit(self, commands: Sequence[Command], due: float | None = None) -> bool:
        """As of the engine, but a command for now is not waited for."""
        if due is None:
            self._line.tell("submit", commands, None, time.monotonic())
            return True
        return bool(self._line.ask("submit", commands, due))

    def submit_from(self, commands: Sequence[Command], due: float | None = None) -> tuple[bool, list[float]]:
        """As of the engine: what is waited for is only the answer, when the commands are on their way."""
        end: tuple[bool, list[float]] = self._line.ask("submit_from", commands, due, time.monotonic())
        return end

    def status(self) -> Facts:
        status: Facts = self._line.ask("status")
        return status

    def latency(self) -> dict[str, float]:
        terms: dict[str, float] = self._line.ask("latency")
        return terms

    def z(self) -> list[float]:
        z: list[float] = self._line.ask("z")
        return z

    def arrivals(self) -> Iterator[int]:
        with contextlib.suppress(RpcError):
            yield from self._line.ask("arrivals")


class InstrumentsProxy:
    """A `studio` over two lines: for what takes a while, and for what does not.

    Attributes:
        model: the file of what was installed last, or None.
    """

    def __init__(self, works: RpcClient, calls: RpcClient) -> None:
        self._works, self._calls = works, calls
        self.model: Path | None = None

    def encode(self, file: str) -> Z:
        z: Z = self._works.ask("encode", file)
        return z

    def build(self, file: str) -> Built:
        built: Built = self._works.ask("build", file)
        return built

    def install(self, instrument: Built) -> None:
        self._calls.tell("install", instrument.number)
        self.model = instrument.path


class PluginsProxy:
    """A chain of plugins over a line."""

    def __init__(self, line: RpcClient) -> None:
        self._line = line

    @property
    def plugins(self) -> list[PluginFacts]:
        found: list[PluginFacts] = self._line.ask("plugins")
        return found

    def tweak(self, index: int, name: str, value: float | str) -> Tweak:
        tweak: Tweak = self._line.ask("tweak", index, name, value)
        return tweak


class Supervisor:
    """One that plays, from here to `close`.

    Raises:
        RealtimeError: it cannot play.

    Attributes:
        info: of the model.
        player, studio: to be asked.
        plugins: likewise; None if there are none.
    """

    def __init__(self, config: SoundConfig) -> None:
        self._config = config
        self._ask_again_s = 0.0
        calls, works, facts = self._begin(config)
        self._line, self._works = RpcClient(calls, ANSWER_S), RpcClient(works)
        self.info: ModelInfo
        self.info, has_plugins = facts
        self.player = EngineProxy(self._line)
        self.studio = InstrumentsProxy(self._works, self._line)
        self.plugins = PluginsProxy(self._line) if has_plugins else None

    def _begin(self, config: SoundConfig) -> tuple[Connection, Connection, tuple[ModelInfo, bool]]:
        """Start the process: what it can be called by, for quick calls and slow ones, and its facts."""
        context = multiprocessing.get_context("spawn")
        (calls, theirs), (works, theirs_too) = context.Pipe(), context.Pipe()
        self._alarm, bell = context.Pipe(duplex=False)
        ends = theirs, theirs_too, bell
        self._process = context.Process(target=_play, args=(config, *ends), name="sound")
        with _no_signals():
            self._process.start()
        for end in ends:
            end.close()
        try:
            error, facts = calls.recv()
        except (OSError, EOFError):
            error, facts = "the process that plays has ended as it began", None
        if error:
            calls.close()
            self._see_it_end()
            raise RealtimeError(error)
        return calls, works, facts

    def start(self) -> dict[str, str]:
        """Begin to play; what there is to say of it, in lines.

        Raises:
            RealtimeError: the device refuses.
        """
        lines: dict[str, str] = self._works.ask("start")
        return lines

    def fault(self) -> str:
        """Why it plays no more, or nothing; it is asked for a sign of life now and then."""
        if time.monotonic() >= self._ask_again_s and not self._line.closed:
            self._ask_again_s = time.monotonic() + BEAT_S
            with contextlib.suppress(RpcError):
                self.player.z()
        if (code := self._process.exitcode) is not None:
            return f"has ended ({signal.Signals(-code).name})" if code < 0 else "has ended"
        if self._line.closed:
            return "does not answer"
        return "has failed" if self._alarm.poll() else ""

    def restart(self) -> list[str]:
        """Play again after a fault, with the model that played, and the same proxies; what is to be told.

        Plugins are left out, for they may be to blame. Recording and log go on in files of their own.

        Raises:
            RealtimeError: it cannot play.
        """
        self.close()
        before, told = self._config, []
        self._config = now = replace(
            before,
            model=self.studio.model or before.model,
            record=before.record and _free(before.record),
            log=before.log and _free(before.log),
            plugins=(),
        )
        calls, works, _ = self._begin(now)
        self._line.reconnect(calls)
        self._works.reconnect(works)
        self.start()
        if before.plugins:
            told.append("without its plugins, which may be to blame")
        told += [f"recording goes on in {now.record}"] if now.record else []
        told += [f"the log goes on in {now.log}"] if now.log else []
        return told

    def stop(self) -> tuple[Facts, bool]:
        """Fade out and end; the last status, and whether rendering had failed.

        Waits until recording and log are written.

        Raises:
            RpcError: it had ended by itself, or does not end in time.
        """
        writes = self._config.record or self._config.log
        end: tuple[Facts, bool] = self._line.ask("stop", limit_s=WRITE_S if writes else None)
        return end

    def close(self) -> None:
        """End, if it has not been stopped."""
        self._line.close()
        self._see_it_end()

    def _see_it_end(self) -> None:
        self._process.join(END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _free(path: Path) -> Path:
    """A name beside it that is not taken: `take-2.wav` beside `take.wav`."""
    return next(p for n in count(2) if not (p := path.with_stem(f"{path.stem}-{n}")).exists())


@contextlib.contextmanager
def _no_signals() -> Iterator[None]:
    """Signals that ask for the end wait; a process that is begun here never gets them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    ours = {signal.SIGINT, signal.SIGTERM}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ours)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _play(config: SoundConfig, *ends: Connection) -> None:
    from realtime.live.worker import play

    play(config, *ends)
