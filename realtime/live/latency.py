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

from typing import Protocol

from realtime.synth.crossfade import Effects
from realtime.synth.mixer import Mixer


class Player(Protocol):
    """The properties of an engine that its latency depends on.

    Attributes:
        block_size: device samples in a block.
        latency_s: of the device.
        effects: what every block passes, or None.
    """

    block_size: int
    latency_s: float
    effects: Effects | None

    @property
    def mixer(self) -> Mixer:
        """The mixer that plays."""
        ...

    def lead_s(self, *, streaming: int = 0, begun: int = 0) -> float:
        """Seconds by which a block is begun before the device takes it."""
        ...

    def p99_ms(self) -> float:
        """The 99th percentile of the measured latency."""
        ...


def trigger(engine: Player) -> dict[str, float]:
    """The terms for a hit where the point rests, in ms, each at most."""
    return {
        "next_block": _block_ms(engine),
        "lead": 1000.0 * engine.lead_s(),
        "device": 1000.0 * engine.latency_s,
        **_plugins(engine),
    }


def coordinate(engine: Player) -> dict[str, float]:
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


def _plugins(engine: Player) -> dict[str, float]:
    if engine.effects is None:
        return {}
    return {"plugins": 1000.0 * engine.effects.latency_samples / engine.mixer.sample_rate}


def _block_ms(engine: Player) -> float:
    return 1000.0 * engine.block_size / engine.mixer.sample_rate


def report(engine: Player) -> dict[str, float]:
    """What `/morph/get/latency` says: the terms of a hit, their total, the measured one, those of a move."""
    hit, move = trigger(engine), coordinate(engine)
    own = {f"coordinate_{name}": move[name] for name in ("lead", "tick", "filter")}
    totals = {"total": sum(hit.values()), "p99": engine.p99_ms()}
    return {**hit, **totals, **own, "coordinate_total": sum(move.values())}


def describe(terms: dict[str, float]) -> str:
    """ "7.1 ms = 2.7 next block + …"."""
    parts = " + ".join(f"{ms:.1f} {name.replace('_', ' ')}" for name, ms in terms.items())
    return f"{sum(terms.values()):.1f} ms = {parts}"
