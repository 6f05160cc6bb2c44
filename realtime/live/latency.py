"""Computes the latency of a hit at a resting point, and of a move of the point, as sums of components.

"The point" here means the position in the model's latent space that the performer moves. The sound at a
resting point has been decoded in advance. The components are:

next_block   wait until the device takes the next block: up to one block
lead         time from the start of a block's rendering until the device takes the block (`pacing`)
tick         wait until the latent frames that contain the move are decoded: up to one tick (a fixed number
             of frames), or as many ticks as are decoded per call. If the complete sound is cached, the wait
             is up to one frame, but the lead also includes the time to begin decoding. The latency of the
             case with the larger sum of lead and tick is reported.
filter       look-ahead of the resampler from the model's rate to the device's
device       latency reported by the device
plugins      latency reported by the plugins, if there are any
limiter      look-ahead of the limiter, if there is one
"""

from __future__ import annotations

from typing import Protocol

from realtime.synth.crossfade import Effects
from realtime.synth.mixer import Mixer


class LatencySource(Protocol):
    """Properties of an engine that determine its latency.

    Attributes:
        block_size: block size in device samples.
        latency_s: device latency in seconds.
        effects: plugins that process every block, or None.
    """

    block_size: int
    latency_s: float
    effects: Effects | None

    @property
    def mixer(self) -> Mixer:
        """The mixer that is playing."""
        ...

    def lead_s(self, *, streaming: int = 0, begun: int = 0) -> float:
        """Return the time from the start of a block's rendering until the device takes the block, in s.

        Args:
            streaming: number of voices whose decoding continues in the block.
            begun: number of voices whose decoding begins in the block.
        """
        ...

    def p99_ms(self) -> float:
        """Return the 99th percentile of the measured latency in ms."""
        ...


def trigger(engine: LatencySource) -> dict[str, float]:
    """Return the components for a hit at a resting point, each at its maximum, in ms."""
    return {
        "next_block": _block_ms(engine),
        "lead": 1000.0 * engine.lead_s(),
        "device": 1000.0 * engine.latency_s,
        **_later(engine),
    }


def coordinate(engine: LatencySource) -> dict[str, float]:
    """Return the components for a move of the point under one sounding voice, each at its maximum, in ms."""
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
        **_later(engine),
    }


def _later(engine: LatencySource) -> dict[str, float]:
    effects, delay = engine.effects, engine.mixer.output.delay
    samples = {"plugins": effects.latency_samples} if effects is not None else {}
    samples |= {"limiter": delay} if delay else {}
    return {name: 1000.0 * count / engine.mixer.sample_rate for name, count in samples.items()}


def _block_ms(engine: LatencySource) -> float:
    return 1000.0 * engine.block_size / engine.mixer.sample_rate


def report(engine: LatencySource) -> dict[str, float]:
    """Return the reply to `/morph/get/latency`, in ms.

    The reply lists the components and the total for a hit, the measured 99th percentile, and the components
    and the total for a move.
    """
    hit, move = trigger(engine), coordinate(engine)
    own = {f"coordinate_{name}": move[name] for name in ("lead", "tick", "filter")}
    totals = {"total": sum(hit.values()), "p99": engine.p99_ms()}
    return {**hit, **totals, **own, "coordinate_total": sum(move.values())}


def describe(components: dict[str, float]) -> str:
    """Return a text such as "7.1 ms = 2.7 next block + …"."""
    parts = " + ".join(f"{ms:.1f} {name.replace('_', ' ')}" for name, ms in components.items())
    return f"{sum(components.values()):.1f} ms = {parts}"
