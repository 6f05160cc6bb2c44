"""`realtime bench`: print the latencies of a model on a device, and measure the delay of silent hits.

There are two latencies: of a hit, and of a move to a different position in the latent space. Each latency is
printed as a sum of components.
"""

from __future__ import annotations

import argparse
import time

from realtime.cli.arguments import add_decoder, add_model, whole
from realtime.util import signals
from realtime.util.errors import RealtimeError

HITS = 200
PAUSE_S = 0.013  # pause after each hit and after each end of a hit; not a multiple of usual block lengths


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the `bench` command."""
    parser = commands.add_parser("bench", help="measure the latency of a model on a device")
    add_model(parser)
    parser.add_argument("--device", help="as for `realtime serve`")
    parser.add_argument("--null", action="store_true", help="run without a sound card, timed by the clock")
    parser.add_argument(
        "--rate", type=whole(1000, 768_000), metavar="HZ", help="sample rate; default: the device's"
    )
    parser.add_argument(
        "--block", type=whole(16, 8192), default=128, metavar="SAMPLES", help="block size; default: 128"
    )
    parser.add_argument("--ahead", type=whole(1, 64), metavar="BLOCKS", help="as for `realtime serve`")
    add_decoder(parser)


def run(args: argparse.Namespace) -> int:
    """Print the components of each latency, and the measured delay of silent hits; return the exit code."""
    from realtime.audio.devices import NullDevice
    from realtime.live import latency
    from realtime.live.config import SoundConfig
    from realtime.live.engine import Engine
    from realtime.live.failover import Failover, opener
    from realtime.live.instruments import Instruments
    from realtime.model.decoder import resolve
    from realtime.synth.commands import Gain, Panic, Prepare, Trigger
    from realtime.util.library import Library

    def say(line: str) -> None:
        print(line, flush=True)

    signals.raise_on_interrupt()
    model = resolve(args.model)
    config = SoundConfig(model, device=args.device, null=args.null, rate=args.rate)
    outlet = Failover(opener(config, say), say)
    instruments = Instruments(
        Library(None),
        sample_rate=outlet.sample_rate,
        channels=outlet.channels,
        voices=8,
        threads=args.threads,
        provider=args.provider,
    )
    instrument = instruments.make(model)
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
            "trigger": f"at most {latency.describe(latency.trigger(engine))}",
            "coordinate": f"at most {latency.describe(latency.coordinate(engine))}",
            "decoding": f"{1000 * instrument.cost.first_chunk_s:.2f} ms for the first chunk of a sound, "
            f"{1000 * instrument.cost.chunk_s[0]:.2f} ms for each later chunk of one voice",
            "measured": f"99th percentile of {HITS} hits: {engine.p99_ms():.1f} ms; "
            f"{engine.late_blocks - late} late blocks",
        }
    finally:
        engine.stop()
        outlet.close()
    for name, text in rows.items():
        print(f"{name:<11} {text}")
    return 0
