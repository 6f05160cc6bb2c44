"""Access rules: which hosts may send OSC datagrams, and how many.

The rules apply before a datagram is parsed. Therefore, dropping a datagram costs almost no time.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Hashable, Sequence

from realtime.util.errors import RealtimeError

RATE = 2000.0  # sustained messages a second for each sender (an address and a port)
BURST = 2000.0  # maximum number of messages that a sender may send at once
EACH = 4  # all senders at one address together have this multiple of both limits
MAX_SENDERS = 256  # maximum number of senders tracked at a time
MAX_DATAGRAM = 16_384  # maximum size of a datagram in bytes
ANSWER_BYTES = 128  # reply bytes that count as one message


class AccessError(RealtimeError):
    """The list of allowed addresses is invalid or missing."""


class Budgets:
    """Token buckets, one for each key. They refill continuously and may be overdrawn.

    Args:
        rate: refill, in messages a second.
        burst: capacity, in messages.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._known: dict[Hashable, tuple[float, float]] = {}  # budget after the latest use, time of that use

    def __contains__(self, key: Hashable) -> bool:
        return key in self._known

    def __len__(self) -> int:
        return len(self._known)

    def left(self, key: Hashable, now: float) -> float:
        """Return the budget left at `now` (monotonic seconds); negative if overdrawn."""
        left, before = self._known.get(key, (self._burst, now))
        return min(self._burst, left + self._rate * (now - before))

    def spend(self, key: Hashable, work: float, now: float) -> None:
        """Subtract `work` messages; if `MAX_SENDERS` keys are known, drop the key used least recently."""
        left = self.left(key, now) - work
        self._known.pop(key, None)
        if len(self._known) >= MAX_SENDERS:
            del self._known[next(iter(self._known))]
        self._known[key] = left, now


class Access:
    """Admits a datagram by its sender's address, its size, and the work that the sender has caused so far.

    Work is counted in messages: each message of a bundle counts as one, and so does every `ANSWER_BYTES` of
    replies. A sender may overdraw its budget; its datagrams are then dropped until the debt is paid back.
    Not thread-safe.

    Args:
        allowed: addresses or networks ("192.168.1.0/24"); this machine is always allowed.
        clock: returns monotonic time in seconds.

    Attributes:
        strangers: number of datagrams dropped because of their address.
        flooded: number of datagrams dropped because there were too many, or because they were too large.
    """

    def __init__(self, allowed: Sequence[str] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._networks = [ipaddress.ip_network("127.0.0.0/8"), *map(_network, allowed)]
        self._clock = clock
        self._senders = Budgets(RATE, BURST)
        self._hosts = Budgets(EACH * RATE, EACH * BURST)
        self.strangers = 0
        self.flooded = 0

    def admits(self, host: str, size: int, port: int = 0) -> bool:
        """Return True if a datagram of `size` bytes may be read, and count it as one message."""
        if host not in self._hosts and not self._is_allowed(host):
            self.strangers += 1
            return False
        admitted = size <= MAX_DATAGRAM and self.affords(host, port)
        self.spend(host, float(admitted), port)
        self.flooded += not admitted
        return admitted

    def affords(self, host: str, port: int = 0) -> bool:
        """Return True if the sender and its address both have budget left."""
        now = self._clock()
        return self._hosts.left(host, now) >= 1.0 and self._senders.left((host, port), now) >= 1.0

    def spend(self, host: str, work: float, port: int = 0) -> None:
        """Charge a sender for work, in messages."""
        now = self._clock()
        self._hosts.spend(host, work, now)
        self._senders.spend((host, port), work, now)

    def _is_allowed(self, host: str) -> bool:
        address = ipaddress.ip_address(host)
        return any(address in network for network in self._networks)


def check(host: str, allowed: Sequence[str]) -> None:
    """Check that it is safe to listen on `host`.

    Raises:
        AccessError: a network can reach `host` while `allowed` is empty, or an entry is invalid.
    """
    for entry in allowed:
        _network(entry)
    if not allowed and host != "localhost" and not host.startswith("127."):
        raise AccessError(
            f"--host {host} opens the server to a network: list the permitted senders with "
            "--allow ADDRESS[/PREFIX] (0.0.0.0/0 permits all)"
        )


def _network(entry: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(entry, strict=False)
    except ValueError:
        raise AccessError(f"{entry!r} is neither an address nor a network such as 192.168.1.0/24") from None
