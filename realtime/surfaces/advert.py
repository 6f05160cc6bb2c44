"""Tells the network by zeroconf that there are an OSC and an OSCQuery server."""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections.abc import Callable, Sequence

from zeroconf import InterfaceChoice, ServiceInfo, Zeroconf

from realtime.util import timeouts
from realtime.util.errors import RealtimeError

CLOSE_TIMEOUT_S = 0.5  # of waiting for the network at the end


class AdvertError(RealtimeError):
    """A network that does not let us."""


class Advert:
    """Tells the network, by zeroconf, that there are an OSC and an OSCQuery server.

    That takes some seconds, in a thread of its own: names are asked for on the network before they are taken.

    Args:
        name: of both, unlike any other's.
        host: where they listen: one address, or 0.0.0.0 for all.
        osc_port, query_port: theirs.
        say: is told, in one line, if it does not work.

    Raises:
        AdvertError: the network does not let us.
    """

    def __init__(
        self, name: str, host: str, osc_port: int, query_port: int, say: Callable[[str], None] = print
    ) -> None:
        self._say = say
        self._closing = False
        anywhere = ipaddress.ip_address(host).is_unspecified
        try:
            self._zeroconf = Zeroconf(interfaces=InterfaceChoice.All if anywhere else [host])
            addresses = _own_addresses() if anywhere else [host]
        except Exception as error:  # zeroconf has many kinds, and none is worth a silent stage
            raise AdvertError(_not_advertised(error)) from None
        infos = [
            ServiceInfo(kind, f"{name}.{kind}", port, parsed_addresses=addresses)
            for kind, port in (("_osc._udp.local.", osc_port), ("_oscjson._tcp.local.", query_port))
        ]
        self._registering = threading.Thread(target=self._register, args=(infos,), name="advert", daemon=True)
        self._registering.start()

    def _register(self, infos: Sequence[ServiceInfo]) -> None:
        try:
            for info in infos:
                if not self._closing:
                    self._zeroconf.register_service(info)
        except Exception as error:
            if not self._closing:
                self._say(_not_advertised(error))

    def close(self) -> None:
        """Take the advertisement back. Returns within half a second, whatever the network does."""
        self._closing = True
        if self._registering.is_alive():  # it is cut off, of which asyncio would complain
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        timeouts.call_within(CLOSE_TIMEOUT_S, self._zeroconf.close)


def _not_advertised(error: Exception) -> str:
    return f"not advertised by zeroconf: {error or type(error).__name__}"


def _own_addresses() -> list[str]:
    import ifaddr

    return [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if isinstance(ip.ip, str)]
