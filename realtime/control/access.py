"""Who may send, and how much: what is turned away here costs almost nothing."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Hashable, Sequence

from realtime.util.errors import RealtimeError

RATE = 2000.0  # messages a second that one sender, an address and a port, may send for long
BURST = 2000.0  # and at once
EACH = 4  # times as much for all senders of one address
MAX_SENDERS = 256  # remembered
MAX_DATAGRAM = 16_384  # bytes
ANSWER_BYTES = 128  # of answers that count as a message


class AccessError(RealtimeError):
    """A list of addresses that cannot be read, or one that is missing."""


class Budgets:
    """What each of many may still spend: refilled all the time, and possibly overdrawn.

    Args:
        rate: messages a second.
        burst: the most there is to spend.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._known: dict[Hashable, tuple[float, float]] = {}  # what was left, and when; the latest last

    def __contains__(self, key: Hashable) -> bool:
        return key in self._known

    def __len__(self) -> int:
        return len(self._known)

    def left(self, key: Hashable, now: float) -> float:
        """Return what is left at `now`, in monotonic seconds; below zero if overdrawn."""
        left, before = self._known.get(key, (self._burst, now))
        return min(self._burst, left + self._rate * (now - before))

    def spend(self, key: Hashable, work: float, now: float) -> None:
        """Take `work` off. Where too many are known, the one seen least recently is forgotten."""
        left = self.left(key, now) - work
        self._known.pop(key, None)
        if len(self._known) >= MAX_SENDERS:
            del self._known[next(iter(self._known))]
        self._known[key] = left, now


class Access:
    """Lets datagrams through by the address of their sender, their size, and the work it has made so far.

    Work is counted in messages: each one of a bundle, and `ANSWER_BYTES` of answers, count as one. A sender
    may overdraw its budget once and is then turned away until it has paid back. For one thread.

    Args:
        allowed: addresses or networks ("192.168.1.0/24"); this machine always is.
        clock: monotonic time in seconds.

    Attributes:
        strangers: datagrams turned away because of their address.
        flooded: datagrams turned away because there were too many, or because they were too large.
    """

    def __init__(self, allowed: Sequence[str] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._networks = [ipaddress.ip_network("127.0.0.0/8"), *map(_network, allowed)]
        self._clock = clock
        self._senders = Budgets(RATE, BURST)
        self._hosts = Budgets(EACH * RATE, EACH * BURST)
        self.strangers = 0
        self.flooded = 0

    def admits(self, host: str, size: int, port: int = 0) -> bool:
        """Return True if a datagram of `size` bytes is to be looked at; it counts as one message."""
        if host not in self._hosts and not self._may(host):
            self.strangers += 1
            return False
        admitted = size <= MAX_DATAGRAM and self.affords(host, port)
        self.spend(host, float(admitted), port)
        self.flooded += not admitted
        return admitted

    def affords(self, host: str, port: int = 0) -> bool:
        """Return True if a sender has not used its budget up, nor that of its address."""
        now = self._clock()
        return self._hosts.left(host, now) >= 1.0 and self._senders.left((host, port), now) >= 1.0

    def spend(self, host: str, work: float, port: int = 0) -> None:
        """Count work that a sender has made, in messages."""
        now = self._clock()
        self._hosts.spend(host, work, now)
        self._senders.spend((host, port), work, now)

    def _may(self, host: str) -> bool:
        address = ipaddress.ip_address(host)
        return any(address in network for network in self._networks)


def check(host: str, allowed: Sequence[str]) -> None:
    """Whether it is safe to listen on `host`.

    Raises:
        AccessError: it can be reached from a network and `allowed` is empty, or an entry cannot be read.
    """
    for entry in allowed:
        _network(entry)
    if not allowed and host != "localhost" and not host.startswith("127."):
        raise AccessError(
            f"--host {host} opens the server to a network: say who may play with --allow ADDRESS[/PREFIX] "
            "(0.0.0.0/0 is everyone)"
        )


def _network(entry: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(entry, strict=False)
    except ValueError:
        raise AccessError(f"{entry!r} is neither an address nor a network such as 192.168.1.0/24") from None
