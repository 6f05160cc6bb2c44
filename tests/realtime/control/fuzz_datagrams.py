"""Datagrams made from the table of addresses: valid, invalid and damaged ones.

`python -m tests.realtime.control.fuzz_datagrams COUNT SEED MODEL` sends COUNT of them to a server and prints
the outcome. A million take some minutes.
"""

from __future__ import annotations

import json
import math
import random
import resource
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from realtime.control import osc
from realtime.control.addresses import ADDRESSES
from realtime.control.dispatcher import Control
from realtime.control.osc import OscError, Server
from realtime.control.protocol import Argument
from realtime.live.engine import Engine
from realtime.model.decoder import Decoder
from realtime.synth.mixer import Mixer, slots_for
from realtime.synth.voices.sound_cache import STATE_BYTES, SoundCache

NUMBERS = (0.0, 1.0, -1.0, 0.5, 60.0, 127.0, 1e4, -1e9, 1e38, math.nan, math.inf, -math.inf)
WORDS = (
    "kick",
    "snare",
    "kick/0.wav",
    "linear",
    "smooth",
    "live",
    "latch",
    "",
    "x" * 250,
    "…",
    "a\nb",
    "../x.wav",
)
JUNK = (b"\0", b"\xff\xff\xff\xff", b",", b"#bundle\0", b"/morph/z", b"\x7f\xff\xff\xff", b",ffff\0\0\0")
SHARES = {"right": 0.4, "wrong": 0.25, "damaged": 0.3}  # the rest is noise
DATAGRAMS_A_BLOCK = 20
WARM = 0.5  # of all, before memory is looked at


class Fuzz:
    """An endless row of datagrams, the same for the same seed."""

    def __init__(self, seed: int, dimensions: int) -> None:
        self.random = random.Random(seed)
        self.dimensions = dimensions

    def next(self) -> bytes:
        """The next datagram."""
        draw = self.random.random()
        for kind, share in SHARES.items():
            if draw < share:
                return getattr(self, kind)()
            draw -= share
        return self.random.randbytes(self.random.randrange(200))

    def right(self) -> bytes:
        """A message with arguments that may well be accepted, alone or in bundles."""
        message = self._message(self._fitting, right=True)
        return self._bundled(message) if self.random.random() < 0.3 else message

    def wrong(self) -> bytes:
        """Whole OSC with arguments of any type, number and value."""
        message = self._message(lambda argument: self._any(), right=False)
        return self._bundled(message) if self.random.random() < 0.3 else message

    def damaged(self) -> bytes:
        """OSC with bytes changed, left out, put in, or cut off."""
        data = bytearray(self.right() if self.random.random() < 0.5 else self.wrong())
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randrange(len(data) + 1)
            match self.random.randrange(5):
                case 0 if at < len(data):
                    data[at] ^= 1 << self.random.randrange(8)
                case 1:
                    del data[at:]
                case 2:
                    data[at:at] = self.random.choice(JUNK)
                case 3:
                    del data[at : at + self.random.randint(1, 8)]
                case _ if at < len(data):
                    data[at] = self.random.randrange(256)
            if not data:
                break
        return bytes(data)

    def _message(self, draw, right: bool) -> bytes:  # type: ignore[no-untyped-def]
        row = self.random.choice(ADDRESSES)
        path = row.path
        for place in row.placeholders:
            index = self.random.randrange(self.dimensions if right else 300)
            path = path.replace(f"<{place.name}>", str(index), 1)
        values = []
        for argument in row.arguments:
            if argument.optional and self.random.random() < 0.5:
                break
            many = self.dimensions if "z" in (argument.name,) or row.path == "/wek/outputs" else 3
            values += [draw(argument) for _ in range(many if argument.many else 1)]
        if not right and self.random.random() < 0.3:
            values = values[: self.random.randint(0, 3)] + [
                self._any() for _ in range(self.random.randint(0, 4))
            ]
        tags = b"," + b"".join(tag for tag, _ in values)
        return _padded(path.encode()) + _padded(tags) + b"".join(data for _, data in values)

    def _fitting(self, argument: Argument) -> tuple[bytes, bytes]:
        if argument.choices:
            return b"s", _padded(self.random.choice(argument.choices).encode())
        if argument.kind == "text":
            return b"s", _padded(self.random.choice(("kick", "snare", "hihat", "mine")).encode())
        low, high = max(argument.low, -5.0), min(argument.high, 300.0)
        if argument.kind == "int":
            return b"i", struct.pack(">i", self.random.randint(math.ceil(low), int(high)))
        return b"f", struct.pack(">f", self.random.uniform(low, high))

    def _any(self) -> tuple[bytes, bytes]:
        match self.random.randrange(8):
            case 0:
                return b"i", struct.pack(">i", self.random.randint(-(2**31), 2**31 - 1))
            case 1:
                return b"d", struct.pack(">d", self.random.choice(NUMBERS))
            case 2:
                return b"s", _padded(self.random.choice(WORDS).encode())
            case 3:
                return self.random.choice((b"T", b"F", b"N", b"[", b"]", b"I", b"c")), b""
            case 4:
                size = self.random.randint(0, 20)
                return b"b", struct.pack(">i", size) + self.random.randbytes((size + 3) & ~3)
            case 5:
                return b"h", struct.pack(">q", self.random.randint(-(2**63), 2**63 - 1))
            case _:
                return b"f", struct.pack(">f", self.random.choice(NUMBERS))

    def _bundled(self, message: bytes) -> bytes:
        elements = [message]
        elements += [self._message(self._fitting, right=True) for _ in range(self.random.randint(0, 3))]
        for _ in range(self.random.choice((1, 1, 1, 2, 9))):
            tag = self.random.choice((0, 1, self._soon(), self.random.getrandbits(64)))
            elements = [
                b"#bundle\0"
                + struct.pack(">Q", tag)
                + b"".join(struct.pack(">i", len(e)) + e for e in elements)
            ]
        return elements[0]

    def _soon(self) -> int:
        return round((time.time() + self.random.uniform(-1.0, 70.0) + 2_208_988_800) * 2**32)


def _padded(text: bytes) -> bytes:
    return text + b"\0" * (4 - len(text) % 4)


@dataclass
class Outcome:
    """What came of them; memory in bytes, as the process had it."""

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
    """Have a server take `count` datagrams while its engine plays; exceptions come through."""
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
            if number % DATAGRAMS_A_BLOCK == 0:
                engine.hand_over(out)
                outcome.blocks += 1
                outcome.loudest = max(outcome.loudest, float(np.abs(out).max()))
                outcome.broken_blocks += not np.isfinite(out).all()
                for whom, answer in control.news():
                    server._send(answer, whom)
            if number == int(WARM * count):
                memory = _memory()
        outcome.grown = _memory() - memory
        outcome.refused, outcome.hits = control.refused, mixer.hits
        if engine.failure:
            raise engine.failure
        control.close()
        engine._closing = True
        for thread in (engine._thread, engine._preparing):
            thread.join()
    return outcome


def _memory() -> int:
    """Bytes that the process holds, where the system tells; else the most it has held."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    print(json.dumps(asdict(play(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))))
