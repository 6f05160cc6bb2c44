"""The server: puts the parts together, watches over them, and takes them apart again."""

from __future__ import annotations

import gc
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from realtime import gate, hosts, latency, plugins, priority
from realtime.commands import Panic
from realtime.control import Control
from realtime.engine import Engine
from realtime.errors import RealtimeError
from realtime.hosts import HostConfig
from realtime.library import Library
from realtime.osc import DEFAULT_HOST, DEFAULT_PORT, Server, bind
from realtime.outlet import Outlet, opener
from realtime.presets import PresetFile
from realtime.recorder import Recorder
from realtime.session import PluginState, SessionLog, Setting, versions
from realtime.signals import Stopping, stop_on_signals
from realtime.stream import NullDevice
from realtime.studio import Instrument, Studio

WATCH_S = 0.1
#: What is said once, when a count of the engine's status is no longer 0.
TROUBLES = {
    "shed": "decoding does not keep up: the quietest voice was let go, and for some seconds hits take the "
    "place of others; fewer --voices avoid that (said once)",
    "muted": "the model decoded to something that is no sound: silenced, as it will be (said once)",
}


@dataclass(frozen=True)
class ServeConfig:
    """What `realtime serve` can be told; see its --help."""

    model: Path
    device: str | None = None
    null: bool = False
    rate: int | None = None
    channels: tuple[int, ...] = (1, 2)
    block: int = 128
    ahead: int | None = None
    voices: int = 8
    gain_db: float = 0.0
    dc_block_hz: float = 0.0
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    allow: tuple[str, ...] = ()
    library: Path | None = None
    presets: Path | None = None
    restore: bool = False
    record: Path | None = None
    log: Path | None = None
    force: bool = False
    threads: int = 1
    provider: str = "auto"
    synchronous: bool = False
    steady: bool = False
    seconds: float | None = None
    hosts: HostConfig = field(default_factory=HostConfig)


def serve(config: ServeConfig) -> int:
    """Play until SIGINT, SIGTERM, or `config.seconds` are over; returns the exit code.

    Raises:
        RealtimeError: the server cannot start.
    """
    stopping = stop_on_signals()
    priority.before_ordinary()
    gate.check(config.host, config.allow)
    with ExitStack() as parts:
        listener = parts.enter_context(bind(config.host, config.port))
        bridge = hosts.open_midi(config.hosts, _say)
        if bridge:
            parts.callback(bridge.close)
        outlet = Outlet(
            opener(config.device, null=config.null, rate=config.rate, pair=config.channels, say=_say), _say
        )
        parts.callback(outlet.close)
        studio = Studio(
            Library(config.library),
            sample_rate=outlet.sample_rate,
            channels=outlet.channels,
            voices=config.voices,
            gain_db=config.gain_db,
            dc_block_hz=config.dc_block_hz,
            threads=config.threads,
            provider=config.provider,
        )
        instrument = studio.make(config.model)
        chain = plugins.load(
            config.hosts.plugins,
            sample_rate=outlet.sample_rate,
            block_size=config.block,
            channels=outlet.channels,
            say=_say,
        )
        recorder = _open_recorder(config, outlet)
        log = _open_log(config, instrument, chain)
        engine = Engine(
            instrument.mixer,
            block_size=config.block,
            ahead=config.ahead,
            synchronous=config.synchronous,
            paced=not (config.steady or isinstance(outlet.device, NullDevice)),
            sink=recorder,
            effects=chain,
        )
        studio.plays(instrument, engine)
        shelf = PresetFile(config.presets or default_presets(), _say)
        control = Control(instrument.info, engine, shelf=shelf, studio=studio, effects=chain)
        server = Server(control, listener, gate.Gate(config.allow))
        if config.restore and not control.restore():
            _say("there is no earlier session of this model to go on with")
        beside = ExitStack()
        gc.collect()
        engine.start()
        try:
            outlet.start(engine)
            server.start()
            _introduce(config, outlet, engine, server, instrument)
            beside = hosts.start(config.hosts, bridge, server, gate.Gate(config.allow), _say)
            gc.freeze()  # what is there stays: to look through it again would stop all threads for 15 ms
            _watch(stopping, config.seconds, engine, outlet, chain)
        finally:
            engine.submit([Panic()])  # fades at once, while the rest ends
            beside.close()
            server.stop()
            engine.stop()
            _save(control)
            if recorder:
                recorder.close()
            if log:
                log.close(engine.mixer.position)
    _sum_up(engine)
    return 1 if engine.failure else 0


def default_presets() -> Path:
    """Where presets are kept unless told otherwise: in the user's folder for the data of programs."""
    return platformdirs.user_data_path("soundmorph", appauthor=False) / "presets.json"


def _save(control: Control) -> None:
    try:
        control.close()
    except RealtimeError as error:
        _say(str(error))


def _say(line: str) -> None:
    print(f"realtime: {line}", file=sys.stderr, flush=True)


def _open_log(config: ServeConfig, instrument: Instrument, chain: plugins.Chain | None) -> SessionLog | None:
    if config.log is None:
        return None
    mixer, first = instrument.mixer, instrument.swap
    states = [
        PluginState(str(each.path.resolve()), each.name, each.raw_values())
        for each in (chain.plugins if chain else ())
    ]
    setting = Setting(
        model=first.model,
        model_sha256=first.model_sha256,
        latent_dim=first.latent_dim,
        sample_rate=mixer.sample_rate,
        channels=mixer.channels,
        voices=mixer.voices,
        chunk_frames=first.chunk_frames,
        gain_db=config.gain_db,
        block=config.block,
        versions=versions(),
        dc_block_hz=config.dc_block_hz,
        plugins=tuple(states),
    )
    log = SessionLog(config.log, setting, force=config.force, say=_say)
    mixer.tap = log.tap
    return log


def _open_recorder(config: ServeConfig, outlet: Outlet) -> Recorder | None:
    if config.record is None:
        return None
    return Recorder(
        config.record, outlet.sample_rate, outlet.channels, config.block, force=config.force, say=_say
    )


def _watch(
    stopping: Stopping,
    seconds: float | None,
    engine: Engine,
    outlet: Outlet,
    chain: plugins.Chain | None,
) -> None:
    end = None if seconds is None else time.monotonic() + seconds
    untold = dict(TROUBLES)
    while not stopping.is_set():
        left = WATCH_S if end is None else min(WATCH_S, end - time.monotonic())
        if left <= 0 or stopping.wait(left):
            return
        if engine.failure:
            _say(f"error: the decoder failed: {engine.failure}")
            return
        outlet.watch()
        counts = engine.status()
        for trouble in [name for name in untold if counts[name]]:
            _say(untold.pop(trouble))
        if chain and chain.watch():
            engine.replace_thread()
        for fault in chain.faults() if chain else ():
            _say(fault)


def _introduce(
    config: ServeConfig, outlet: Outlet, engine: Engine, server: Server, instrument: Instrument
) -> None:
    info, cost = instrument.info, instrument.cost
    host = "127.0.0.1" if server.host == "0.0.0.0" else server.host
    lines = {
        "model": f"{info.name} ({info.architecture}): {', '.join(each.name for each in info.classes)}; "
        f"{info.latent_dim} dimensions, {info.duration_ms:.0f} ms at {info.sample_rate} Hz",
        "device": f"{outlet.device.name}, {outlet.sample_rate} Hz, {outlet.channels} channels, "
        f"blocks of {engine.block_size}",
        "decoder": f"{instrument.decoder.provider}, {config.threads} thread(s); {config.voices} voices, of "
        f"which this machine decodes {cost.sustained_voices} at once in time",
        "trigger": f"sounds within {latency.in_words(latency.trigger(engine))}, where the point rests; "
        f"elsewhere {1000 * cost.first_chunk_s:.1f} ms of decoding more",
        "move": f"is heard within {latency.in_words(latency.coordinate(engine))}",
        "osc": f"{server.host}:{server.port}; try: oscsend {host} {server.port} /morph/trigger f 1.0",
    }
    print("\n".join(f"{name:<8} {text}" for name, text in lines.items()), flush=True)


def _sum_up(engine: Engine) -> None:
    counts = engine.status()
    print(
        f"played {counts['seconds']:.1f} s, {counts['hits']} hits; {counts['late_blocks']} late blocks, "
        f"{counts['xruns']} xruns, {counts['shed']} voices shed, {counts['muted']} chunks muted, "
        f"{counts['dropped']} commands dropped",
        flush=True,
    )
