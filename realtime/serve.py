"""The server: OSC, MIDI and whatever else controls, before a process that plays (`sound`)."""

from __future__ import annotations

import gc
import time
from contextlib import ExitStack
from pathlib import Path

import platformdirs

from realtime import gate, hosts, priority
from realtime.commands import Panic
from realtime.control import Control
from realtime.errors import RealtimeError, say
from realtime.line import LineError
from realtime.osc import Server, bind
from realtime.presets import PresetFile
from realtime.serve_config import ServeConfig
from realtime.signals import Stopping, stop_on_signals
from realtime.sound_process import Facts, SoundProcess

WATCH_S = 0.1
AGAIN_S = 10.0  # what plays is begun anew after a fault, unless it was so shortly before


def serve(config: ServeConfig) -> int:
    """Play until SIGINT, SIGTERM, or `config.seconds` are over; returns the exit code.

    Raises:
        RealtimeError: the server cannot start.
    """
    stopping = stop_on_signals()
    priority.before_ordinary(priority.CONTROL)
    priority.switch_often()
    gate.check(config.host, config.allow)
    with ExitStack() as parts:
        listener = parts.enter_context(bind(config.host, config.port))
        bridge = hosts.open_midi(config.hosts, say)
        if bridge:
            parts.callback(bridge.close)
        sound = SoundProcess(config)
        parts.callback(sound.close)
        shelf = PresetFile(config.presets or default_presets(), say)
        control = Control(sound.info, sound.player, shelf=shelf, studio=sound.studio, effects=sound.plugins)
        server = Server(control, listener, gate.Gate(config.allow))
        if config.restore and not control.restore():
            say("there is no earlier session of this model to go on with")
        beside = ExitStack()
        gc.collect()
        try:
            lines = sound.start()
            server.start()
            _introduce(lines, server)
            beside = hosts.start(config.hosts, bridge, server, gate.Gate(config.allow), say)
            gc.freeze()
            _watch(stopping, config.seconds, sound, server)
        finally:
            try:
                sound.player.submit([Panic()])  # fades at once, while the rest ends
            except LineError:
                sound.close()  # or whoever waits for it would not end
            server.stop()
            _save(control)
            beside.close()
            counts, failed = _stop(sound)
    _sum_up(counts)
    return 1 if failed else 0


def default_presets() -> Path:
    """Where presets are kept unless told otherwise: in the user's folder for the data of programs."""
    return platformdirs.user_data_path("soundmorph", appauthor=False) / "presets.json"


def _save(control: Control) -> None:
    try:
        control.close()
    except RealtimeError as error:
        say(str(error))


def _watch(stopping: Stopping, seconds: float | None, sound: SoundProcess, server: Server) -> None:
    end = None if seconds is None else time.monotonic() + seconds
    begun_s: float | None = None
    while not stopping.is_set():
        if fault := sound.fault():
            again = begun_s is not None and time.monotonic() - begun_s < AGAIN_S
            if again or stopping.is_set():
                return
            say(f"the process that plays {fault}; it is begun anew")
            try:
                told = sound.restart()
                server.resume()
            except RealtimeError as error:
                say(str(error))
                return
            say("; ".join(["it plays again, from where the point was", *told]))
            begun_s = time.monotonic()
        left = WATCH_S if end is None else min(WATCH_S, end - time.monotonic())
        if left <= 0 or stopping.wait(left):
            return


def _stop(sound: SoundProcess) -> tuple[Facts, bool]:
    try:
        return sound.stop()
    except LineError as error:
        raise RealtimeError(f"{error}; presets are kept, start the server again") from error


def _introduce(lines: dict[str, str], server: Server) -> None:
    host = "127.0.0.1" if server.host == "0.0.0.0" else server.host
    osc = f"{server.host}:{server.port}; try: oscsend {host} {server.port} /morph/trigger f 1.0"
    print("\n".join(f"{name:<8} {text}" for name, text in {**lines, "osc": osc}.items()), flush=True)


def _sum_up(counts: Facts) -> None:
    print(
        f"played {counts['seconds']:.1f} s, {counts['hits']} hits; {counts['late_blocks']} late blocks, "
        f"{counts['xruns']} xruns, {counts['shed']} voices shed, {counts['muted']} chunks muted, "
        f"{counts['dropped']} commands dropped",
        flush=True,
    )
