"""Makes random OSC datagrams for the server: valid datagrams, invalid datagrams and damaged datagrams."""

from __future__ import annotations

import math
import random
import struct
import time
from collections.abc import Collection

from realtime.control.addresses import ADDRESSES
from realtime.control.protocol import Argument

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
SHARES = {"right": 0.4, "wrong": 0.25, "damaged": 0.3}  # the rest are random bytes


class Fuzz:
    """An endless sequence of datagrams, determined by the seed.

    Args:
        seed: seed of the random numbers.
        dimensions: number of dimensions of z, the position in the latent space.
        excluded: addresses to leave out.
    """

    def __init__(self, seed: int, dimensions: int, excluded: Collection[str] = ()) -> None:
        self.random = random.Random(seed)
        self.dimensions = dimensions
        self.rows = [row for row in ADDRESSES if row.path not in excluded]

    def next(self) -> bytes:
        """Return the next datagram."""
        draw = self.random.random()
        for kind, share in SHARES.items():
            if draw < share:
                return getattr(self, kind)()
            draw -= share
        return self.random.randbytes(self.random.randrange(200))

    def right(self) -> bytes:
        """Return a valid message, alone or in bundles."""
        message = self._message(self._fitting, right=True)
        return self._bundled(message) if self.random.random() < 0.3 else message

    def wrong(self) -> bytes:
        """Return a well-formed OSC message, or a bundle, with arguments of any number, type and value."""
        message = self._message(lambda argument: self._any(), right=False)
        return self._bundled(message) if self.random.random() < 0.3 else message

    def damaged(self) -> bytes:
        """Return an OSC message or bundle with changed, removed, inserted or missing bytes."""
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
        row = self.random.choice(self.rows)
        path = row.path
        for place in row.placeholders:
            index = self.random.randrange(self.dimensions if right else 300)
            path = path.replace(f"<{place.name}>", str(index), 1)
        values = []
        for argument in row.arguments:
            if argument.optional and self.random.random() < 0.5:
                break
            many = self.dimensions if argument.name == "z" or row.path == "/wek/outputs" else 3
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
