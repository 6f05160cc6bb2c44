"""The worker process: audio device, decoder and mixer, and nothing that could delay them.

OSC and all other Python code of the server run in the control process (`cli.server`), because the threads of
one process share Python's interpreter lock: next to a busy thread, rendering takes 1.5 times as long.
"""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection

from realtime.audio.devices import NullDevice
from realtime.live import latency, rpc
from realtime.live.config import SoundConfig
from realtime.live.engine import Engine
from realtime.live.failover import Failover, opener
from realtime.live.instruments import Instrument, Instruments
from realtime.live.recorder import Recorder
from realtime.live.takes import Takes, Taps
from realtime.model.schema import ModelInfo
from realtime.synth import plugins
from realtime.synth.command_log import CommandLog, LogHeader, PluginState, versions
from realtime.synth.player import FileWork, Player, PluginChain, TakeWork
from realtime.util import priority, timeouts
from realtime.util.errors import RealtimeError, explained, say
from realtime.util.library import Library
from realtime.util.recordings import recover
from realtime.util.signals import ENDING

WATCH_S = 0.1
END_S = 1.0  # time for the control process to read the last reply
#: Warnings by counter of the engine's status; each is printed once, when its counter first exceeds 0.
WARNINGS = {
    "shed": "decoding cannot keep up: the quietest voice was faded out, and for some seconds new hits "
    "replace old ones; use fewer --voices to avoid this (reported once)",
    "muted": "the model produced samples that are not finite numbers; they are silenced (reported once)",
}


@dataclass(frozen=True)
class Introduction:
    """Lines to print at the start, by name; `details` are printed only with `--verbose`."""

    lines: dict[str, str]
    details: dict[str, str]


class Worker:
    """Owns the device, instruments, plugins, engine, recorder and log.

    Args:
        config: options of the worker process.
        say: receives one-line messages for the user.

    Raises:
        RealtimeError: the device, the model, a plugin or a file cannot be opened.
    """

    def __init__(self, config: SoundConfig, say: Callable[[str], None]) -> None:
        self._config, self._say = config, say
        self._outlet = outlet = Failover(opener(config, say), say, patient=config.bridge is not None)
        self._instruments = Instruments(
            Library(config.library),
            sample_rate=outlet.sample_rate,
            channels=outlet.channels,
            voices=config.voices,
            gain_db=config.gain_db,
            finish=config.finish,
            outs=config.outs,
            threads=config.threads,
            provider=config.provider,
        )
        self._instrument = instrument = self._instruments.make(config.model)
        self._chain = plugins.load(
            config.plugins,
            sample_rate=outlet.sample_rate,
            block_size=config.block,
            channels=outlet.channels,
            say=say,
        )
        for folder in {each for each in (config.takes, config.record and config.record.parent) if each}:
            recover(folder, say)
        self._recorder = self._open_recorder()
        instrument.mixer.tap = self._taps = Taps()
        self._log = self._open_log()
        self._engine = Engine(
            instrument.mixer,
            block_size=config.block,
            ahead=config.ahead,
            synchronous=config.synchronous,
            paced=not (config.steady or config.bridge or isinstance(outlet.device, NullDevice)),
            pulled=config.bridge is not None,
            sink=self._recorder,
            effects=self._chain,
        )
        self._instruments.plays(instrument, self._engine)
        self._takes = Takes(config.takes, self._engine, self._taps, self._header, say)
        self.stopping = threading.Event()
        self._started = False
        self._end: Future[tuple[dict[str, int | float | str], bool]] = Future()

    def _open_recorder(self) -> Recorder | None:
        config, outlet = self._config, self._outlet
        if config.record is None:
            return None
        return Recorder(
            config.record,
            outlet.sample_rate,
            outlet.channels,
            config.block,
            force=config.force,
            say=self._say,
        )

    def _open_log(self) -> CommandLog | None:
        config = self._config
        if config.log is None:
            return None
        header = self._header_of(self._instrument, 0)
        log = CommandLog(config.log, header, force=config.force, say=self._say)
        self._taps.listeners = (log.tap,)
        return log

    def _header(self, start: int) -> LogHeader:
        """Return the header of a log that begins now, at sample `start` as counted by the device."""
        return self._header_of(self._instruments.playing, start)

    def _header_of(self, instrument: Instrument, start: int) -> LogHeader:
        config, mixer, model = self._config, instrument.mixer, instrument.swap
        states = [
            PluginState(str(each.path.resolve()), each.name, each.raw_values())
            for each in (self._chain.plugins if self._chain else ())
        ]
        return LogHeader(
            model=model.model,
            model_sha256=model.model_sha256,
            latent_dim=model.latent_dim,
            sample_rate=mixer.sample_rate,
            channels=mixer.channels,
            voices=mixer.voices,
            chunk_frames=model.chunk_frames,
            gain_db=mixer.output.gain_db,
            block=config.block,
            versions=versions(),
            **asdict(config.finish),
            outs=config.outs,
            plugins=tuple(states),
            start=start,
        )

    @property
    def info(self) -> ModelInfo:
        """Description of the model."""
        return self._instrument.info

    # ---- objects whose methods the control process calls

    @property
    def engine(self) -> Player:
        return self._engine

    @property
    def plugins(self) -> PluginChain:
        return self._chain or plugins.Chain(())

    @property
    def instruments(self) -> FileWork:
        return self._instruments

    @property
    def takes(self) -> TakeWork:
        return self._takes

    def start(self) -> Introduction:
        """Start to play; return the lines to print."""
        gc.collect()
        self._engine.start()
        self._outlet.start(self._engine)
        self._started = True
        gc.freeze()  # scanning these permanent objects again would stop all threads for 15 ms
        return self._introduction()

    def _introduction(self) -> Introduction:
        engine, outlet, config = self._engine, self._outlet, self._config
        info, cost = self._instrument.info, self._instrument.cost
        hit, move = latency.trigger(engine), latency.coordinate(engine)
        lines = {
            "plays": f"{info.name}: {', '.join(each.name for each in info.classes)}",
            "sound": f"to {outlet.device.name}; a hit is heard within {sum(hit.values()):.0f} ms, "
            f"a move within {sum(move.values()):.0f} ms",
        }
        if config.library:
            lines["library"] = f"messages can refer to the files in {config.library} by name"
        if config.record:
            lines["records"] = f"the sound to {config.record}"
        if config.log:
            lines["log"] = f"all commands to {config.log}"
        details = {
            "model": f"{info.architecture}, {info.latent_dim} dimensions, {info.duration_ms:.0f} ms at "
            f"{info.sample_rate} Hz",
            "device": f"{outlet.sample_rate} Hz, {outlet.channels} channels, blocks of {engine.block_size}",
            "decoder": f"{self._instrument.decoder.provider}, {config.threads} thread(s); {config.voices} "
            f"voices; this machine can decode {cost.sustained_voices} at once in real time",
            "trigger": f"heard within {latency.describe(hit)} if its sound is decoded ahead, "
            f"otherwise {1000 * cost.first_chunk_s:.1f} ms later",
            "move": f"heard within {latency.describe(move)}",
        }
        return Introduction(lines, details)

    def handled(self, count: int) -> None:
        """Tell the plugin host's bridge that the first `count` bytes of its events have become commands."""
        from realtime.audio.bridge_device import BridgeDevice

        if isinstance(self._outlet.device, BridgeDevice):
            self._outlet.device.handled(count)

    # ---- the end

    def watch(self) -> None:
        """Watch device and plugins, and report problems, until `stop` is called or rendering fails."""
        engine, pending = self._engine, dict(WARNINGS)
        while not self.stopping.wait(WATCH_S) and not engine.failure:
            if not self._started:
                continue
            self._outlet.watch()
            counts = engine.status()
            for name in [name for name in pending if counts[name]]:
                self._say(pending.pop(name))
            if self._chain and (name := self._chain.hung()):
                engine.failure = RealtimeError(f"plugin {name} hangs")
            for fault in self._chain.faults() if self._chain else ():
                self._say(fault)
        if (failure := engine.failure) is not None:
            known = isinstance(failure, RealtimeError)
            self._say(f"error: {failure}" if known else f"error: the decoder failed: {failure}")

    @property
    def failed(self) -> bool:
        return self._engine.failure is not None

    def close(self) -> None:
        """Fade out, finish the recording and the log, and close the device."""
        try:
            self._engine.stop()
            self._takes.close(self._engine.mixer.position)
            if self._recorder:
                self._recorder.close()
            if self._log:
                self._log.close(self._engine.mixer.position)
            self._outlet.close()
        finally:
            self._end.set_result((self._engine.status(), self.failed))

    def stop(self) -> tuple[dict[str, int | float | str], bool]:
        """End the worker; return the last status, and True if rendering has failed."""
        self.stopping.set()
        return self._end.result()


def play(config: SoundConfig, calls: Connection, works: Connection, failed: Connection) -> None:
    """Run the worker process until the control process stops it or has ended.

    Args:
        calls: connection for quick calls; its first message is (error, `Worker.info`).
        works: connection for slow calls.
        failed: receives True if rendering has failed.
    """
    for number in ENDING:  # the control process handles these signals, and ends this process
        signal.signal(number, signal.SIG_IGN)
    priority.before_ordinary(priority.SOUND)
    try:
        sound = Worker(config, say)
        answering = threading.Thread(target=_answer, args=(sound, calls), name="control", daemon=True)
        answering.start()
        threading.Thread(target=rpc.answer, args=(works, sound), name="works", daemon=True).start()
    except Exception as error:
        if not (line := explained(error)):
            raise
        calls.send((line, None))
        timeouts.exit_with(0)
    calls.send(("", sound.info))
    sound.watch()
    if sound.failed:
        failed.send(True)
        sound.stopping.wait()
    sound.close()
    answering.join(END_S)
    timeouts.exit_with(0)


def _answer(sound: Worker, calls: Connection) -> None:
    rpc.answer(calls, sound)
    sound.stopping.set()
