"""Send random OSC datagrams to a server that runs in this process.

`python -m tests.realtime.control.fuzz_datagrams COUNT SEED MODEL` sends COUNT datagrams and prints the
outcome. A million datagrams take a few minutes.
"""

from __future__ import annotations

import json
import resource
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.attack.fuzz import Fuzz
from realtime.control import osc
from realtime.control.dispatcher import Control
from realtime.control.osc import OscError, Server
from realtime.live.engine import Engine
from realtime.model.decoder import Decoder
from realtime.synth.mixer import Mixer, slots_for
from realtime.synth.voices.sound_cache import STATE_BYTES, SoundCache

DATAGRAMS_PER_BLOCK = 20
WARM = 0.5  # fraction of the datagrams that are sent before the first measurement of memory


@dataclass
class Outcome:
    """Hold the counts and measurements of one series of datagrams.

    Attributes:
        uncounted: number of malformed datagrams that the server did not count as malformed.
        loudest: largest absolute value of a sample.
        broken_blocks: number of blocks with samples that are not finite.
        grown: bytes by which the process's memory grew after the fraction `WARM` of the datagrams.
    """

    datagrams: int
    malformed: int
    uncounted: int
    refused: int
    hits: int
    blocks: int
    loudest: float
    broken_blocks: int
    grown: int


def play(count: int, seed: int, model: Path) -> Outcome:
    """Send `count` datagrams to a server while its engine is playing, and return what happened.

    Exceptions in the server are not caught.
    """
    decoder = Decoder(model, capacity=slots_for(4))
    mixer = Mixer(decoder, 48_000, voices=4)
    mixer.sound_cache = SoundCache(decoder, budget_bytes=STATE_BYTES)
    engine = Engine(mixer, ahead=1, synchronous=True)
    engine.start()
    fuzz = Fuzz(seed, decoder.info.latent_dim)
    out = np.zeros((engine.block_size, mixer.channels), np.float32)
    outcome = Outcome(count, 0, 0, 0, 0, 0, 0.0, 0, 0)
    memory = 0
    with osc.bind(port=0) as listener, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        control = Control(decoder.info, engine)
        server = Server(control, listener)
        for number in range(count):
            datagram = fuzz.next()
            before = control.malformed
            server.take_in(datagram, sender.getsockname())
            while server.work():
                pass
            try:
                osc.parse(datagram)
            except OscError:
                outcome.malformed += 1
                outcome.uncounted += control.malformed != before + 1
            if number % DATAGRAMS_PER_BLOCK == 0:
                engine.hand_over(out)
                outcome.blocks += 1
                outcome.loudest = max(outcome.loudest, float(np.abs(out).max()))
                outcome.broken_blocks += not np.isfinite(out).all()
                for receiver, answer in control.news():
                    server._send(answer, receiver)
            if number == int(WARM * count):
                memory = _memory()
        outcome.grown = _memory() - memory
        outcome.refused, outcome.hits = control.refused, mixer.hits
        if engine.failure:
            raise engine.failure
        control.close()
        engine.close()
    return outcome


def _memory() -> int:
    """Return the resident memory of this process in bytes; without /proc, return its peak so far."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    print(json.dumps(asdict(play(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))))
