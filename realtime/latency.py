"""The two latencies as sums of named terms: of a hit where the point rests, and of a move of the point.

next_block   until the device takes the next block: up to one
lead         how long before its time a block is begun (`pacing`)
tick         until the frames are decoded that the move is to be heard in: up to a tick of decoding, or to
             as many as are decoded at a time; a frame where the whole sound was decoded ahead, but then the
             lead is that of a block in which a voice begins a stream of its own: the longer way is told
filter       how far ahead of the sound the filter from the model's rate to the device's must see
device       as it reports it
plugins      as they report it, if there are any
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from realtime.errors import RealtimeError

if TYPE_CHECKING:
    from realtime.engine import Engine

HITS = 200
PAUSE_S = 0.013  # between two hits, no multiple of usual blocks


def trigger(engine: Engine) -> dict[str, float]:
    """The terms for a hit where the point rests, in ms, each at most."""
    return {
        "next_block": _block_ms(engine),
        "lead": 1000.0 * engine.lead_s(),
        "device": 1000.0 * engine.latency_s,
        **_plugins(engine),
    }


def coordinate(engine: Engine) -> dict[str, float]:
    """The terms for a move of the point under one voice, in ms, each at most."""
    mixer, timing = engine.mixer, engine.mixer.timing
    begun = 1 if mixer.cost is None else mixer.cost.moved
    ahead = engine.lead_s(begun=begun), timing.frame_start(1)
    streamed = engine.lead_s(streaming=1), timing.tick_start(mixer.at_once)
    lead_s, tick = max(ahead, streamed, key=lambda way: way[0] + way[1] / mixer.sample_rate)
    return {
        "next_block": _block_ms(engine),
        "lead": 1000.0 * lead_s,
        "tick": 1000.0 * tick / mixer.sample_rate,
        "filter": 1000.0 * timing.resampler.half / timing.resampler.rate_in,
        "device": 1000.0 * engine.latency_s,
        **_plugins(engine),
    }


def _plugins(engine: Engine) -> dict[str, float]:
    if engine.effects is None:
        return {}
    return {"plugins": 1000.0 * engine.effects.latency_samples / engine.mixer.sample_rate}


def _block_ms(engine: Engine) -> float:
    return 1000.0 * engine.block_size / engine.mixer.sample_rate


def told(engine: Engine) -> dict[str, float]:
    """What `/morph/get/latency` says: the terms of a hit, their total, the measured one, those of a move."""
    hit, move = trigger(engine), coordinate(engine)
    own = {f"coordinate_{name}": move[name] for name in ("lead", "tick", "filter")}
    totals = {"total": sum(hit.values()), "p99": engine.p99_ms()}
    return {**hit, **totals, **own, "coordinate_total": sum(move.values())}


def in_words(terms: dict[str, float]) -> str:
    """ "7.1 ms = 2.7 next block + …"."""
    parts = " + ".join(f"{ms:.1f} {name.replace('_', ' ')}" for name, ms in terms.items())
    return f"{sum(terms.values()):.1f} ms = {parts}"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command `bench`."""
    from realtime.arguments import add_decoder, add_model, whole

    parser = commands.add_parser("bench", help="the two latencies with a model on a device, by their parts")
    add_model(parser)
    parser.add_argument("--device", help="as for `realtime serve`")
    parser.add_argument("--null", action="store_true", help="no sound card: keep time by the clock")
    parser.add_argument("--rate", type=whole(1000, 768_000), metavar="HZ", help="default: the device's")
    parser.add_argument("--block", type=whole(16, 8192), default=128, metavar="SAMPLES", help="default: 128")
    parser.add_argument(
        "--ahead", type=whole(1, 64), metavar="BLOCKS", help="default: as for `realtime serve`"
    )
    add_decoder(parser)


def run(args: argparse.Namespace) -> int:
    """Print the terms, and how long silent hits take here."""
    from realtime.commands import Gain, Panic, Prepare, Trigger
    from realtime.decoder import resolve
    from realtime.engine import Engine
    from realtime.library import Library
    from realtime.outlet import Outlet, opener
    from realtime.stream import NullDevice
    from realtime.studio import Studio

    def say(line: str) -> None:
        print(line, flush=True)

    model = resolve(args.model)
    outlet = Outlet(opener(args.device, null=args.null, rate=args.rate, pair=(1, 2), say=say), say)
    studio = Studio(
        Library(None),
        sample_rate=outlet.sample_rate,
        channels=outlet.channels,
        voices=8,
        threads=args.threads,
        provider=args.provider,
    )
    instrument = studio.make(model)
    paced = not isinstance(outlet.device, NullDevice)
    engine = Engine(instrument.mixer, block_size=args.block, ahead=args.ahead, paced=paced)
    point = instrument.info.classes[0].centroid
    try:
        engine.start()
        outlet.start(engine)
        engine.submit([Gain(-120.0), Prepare((point,))])
        time.sleep(1.0)
        late = engine.late_blocks
        for _ in range(HITS):
            engine.submit([Trigger(0.0, point)])
            time.sleep(PAUSE_S)
            engine.submit([Panic()])
            time.sleep(PAUSE_S)
        if not outlet.device.active:
            raise RealtimeError(f"{outlet.device.name} has gone")
        rows = {
            "device": f"{outlet.device.name}, {outlet.sample_rate} Hz, blocks of {engine.block_size}",
            "model": f"{instrument.info.name} at {instrument.info.sample_rate} Hz",
            "trigger": f"at most {in_words(trigger(engine))}",
            "coordinate": f"at most {in_words(coordinate(engine))}",
            "decoding": f"{1000 * instrument.cost.first_chunk_s:.2f} ms for the first chunk of a sound, "
            f"{1000 * instrument.cost.chunk_s[0]:.2f} ms for a tick of one voice",
            "measured": f"{engine.p99_ms():.1f} ms for 99 of 100 of {HITS} hits; "
            f"{engine.late_blocks - late} late blocks",
        }
    finally:
        engine.stop()
        outlet.close()
    for name, text in rows.items():
        print(f"{name:<11} {text}")
    return 0
