"""Who may send, and how much: what is turned away here costs almost nothing."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Sequence

from realtime.util.errors import RealtimeError

RATE = 2000.0  # datagrams a second that one sender may send for long
BURST = 2000.0  # and at once
MAX_SENDERS = 256  # remembered; each is an address without its port
MAX_DATAGRAM = 16_384  # bytes


class AccessError(RealtimeError):
    """A list of addresses that cannot be read, or one that is missing."""


class Access:
    """Lets datagrams through by the address of their sender, its rate, and their size. For one thread.

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
        self._known: dict[str, tuple[float, float]] = {}  # tokens left, and when
        self.strangers = 0
        self.flooded = 0

    def admits(self, host: str, size: int) -> bool:
        """Whether a datagram of `size` bytes from `host` is to be looked at."""
        now = self._clock()
        known = self._known.get(host)
        if known is None:
            if not self._may(host):
                self.strangers += 1
                return False
            if len(self._known) >= MAX_SENDERS:
                del self._known[next(iter(self._known))]
            known = BURST, now
        tokens = min(BURST, known[0] + RATE * (now - known[1]))
        admitted = tokens >= 1.0 and size <= MAX_DATAGRAM
        self._known[host] = tokens - admitted, now
        self.flooded += not admitted
        return admitted

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
