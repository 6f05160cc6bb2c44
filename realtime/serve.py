"""The server: puts the parts together, watches over them, and takes them apart again."""

from __future__ import annotations

import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from realtime import stream
from realtime.control import Control
from realtime.decoder import Decoder
from realtime.engine import Engine
from realtime.mixer import Cost, Mixer, slots_for
from realtime.osc import DEFAULT_HOST, DEFAULT_PORT, Server, bind
from realtime.recorder import Recorder

WATCH_S = 0.1


@dataclass(frozen=True)
class ServeConfig:
    """What `realtime serve` can be told; see its --help."""

    model: Path
    device: str | None = None
    null: bool = False
    rate: int | None = None
    block: int = 128
    ahead: int = 3
    voices: int = 8
    gain_db: float = 0.0
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    record: Path | None = None
    force: bool = False
    threads: int = 1
    provider: str = "auto"
    synchronous: bool = False
    seconds: float | None = None


def serve(config: ServeConfig) -> int:
    """Play until SIGINT, SIGTERM, or `config.seconds` are over; returns the exit code.

    Raises:
        RealtimeError: the server cannot start.
    """
    stopping = _stop_on_signals()
    with bind(config.host, config.port) as listener:
        device = _open_device(config)
        decoder = Decoder(
            config.model, capacity=slots_for(config.voices), threads=config.threads, provider=config.provider
        )
        mixer = Mixer(
            decoder,
            device.sample_rate,
            voices=config.voices,
            channels=device.channels,
            gain_db=config.gain_db,
        )
        cost = mixer.warm_up()
        recorder = _open_recorder(config, device)
        engine = Engine(
            mixer, block_size=config.block, ahead=config.ahead, synchronous=config.synchronous, sink=recorder
        )
        server = Server(Control(decoder.info, engine), listener)
        try:
            engine.start()
            engine.latency_s = device.start(engine)
            server.start()
            _introduce(config, device, engine, server, decoder, cost)
            _watch(stopping, config.seconds, engine, device)
        finally:
            engine.stop()
            server.stop()
            device.close()
            if recorder:
                recorder.close()
    _sum_up(engine)
    return 1 if engine.failure else 0


def _say(line: str) -> None:
    print(f"realtime: {line}", file=sys.stderr, flush=True)


def _stop_on_signals() -> threading.Event:
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
    return stopping


def _open_device(config: ServeConfig) -> stream.Device:
    if config.null:
        return stream.NullDevice(config.rate)
    try:
        return stream.SoundCard(stream.pick(stream.devices(), config.device), config.rate)
    except stream.NoSoundError as reason:
        if config.device is not None:
            raise
        _say(f"{reason}; going on without sound (--record FILE keeps what is played)")
        return stream.NullDevice(config.rate)


def _open_recorder(config: ServeConfig, device: stream.Device) -> Recorder | None:
    if config.record is None:
        return None
    return Recorder(
        config.record, device.sample_rate, device.channels, config.block, force=config.force, say=_say
    )


def _watch(stopping: threading.Event, seconds: float | None, engine: Engine, device: stream.Device) -> None:
    end = None if seconds is None else time.monotonic() + seconds
    while not stopping.is_set():
        left = WATCH_S if end is None else min(WATCH_S, end - time.monotonic())
        if left <= 0 or stopping.wait(left):
            return
        if engine.failure:
            _say(f"error: the decoder failed: {engine.failure}")
            return
        if not device.active:
            raise stream.StreamError(f"{device.name} has gone; start the server again when it is back")


def _introduce(
    config: ServeConfig, device: stream.Device, engine: Engine, server: Server, decoder: Decoder, cost: Cost
) -> None:
    info = decoder.info
    block_ms = 1000 * engine.block_size / device.sample_rate
    terms = {
        "wait for the next block": block_ms,
        f"queue of {engine.ahead} blocks": engine.ahead * block_ms,
        "device": 1000 * engine.latency_s,
    }
    total = " + ".join(f"{ms:.1f} {name}" for name, ms in terms.items())
    host = "127.0.0.1" if server.host == "0.0.0.0" else server.host
    lines = {
        "model": f"{info.name} ({info.architecture}): {', '.join(each.name for each in info.classes)}; "
        f"{info.latent_dim} dimensions, {info.duration_ms:.0f} ms at {info.sample_rate} Hz",
        "device": f"{device.name}, {device.sample_rate} Hz, {device.channels} channels, "
        f"blocks of {engine.block_size}",
        "decoder": f"{decoder.provider}, {config.threads} thread(s); {engine.mixer.voices} voices, "
        f"of which this machine decodes {cost.sustained_voices} at once in time",
        "latency": f"at most {sum(terms.values()):.1f} ms = {total}; "
        f"a sound's first chunk is decoded within the queue, in {1000 * cost.first_chunk_s:.1f} ms",
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
