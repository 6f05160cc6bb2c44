"""Advertises the OSC and OSCQuery servers on the network by zeroconf."""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections.abc import Callable, Sequence

from zeroconf import InterfaceChoice, ServiceInfo, Zeroconf

from realtime.util import timeouts
from realtime.util.errors import RealtimeError

CLOSE_TIMEOUT_S = 0.5


class AdvertError(RealtimeError):
    """The servers cannot be advertised."""


class Advert:
    """Advertises the OSC and OSCQuery servers by zeroconf.

    Registration runs on a thread of its own. It takes some seconds, because zeroconf first checks that the
    names are free.

    Args:
        name: service name of both servers, unique on the network.
        host: address on which the servers listen; 0.0.0.0 stands for all addresses.
        osc_port, query_port: ports of the two servers.
        say: called with one line if registration fails.

    Raises:
        AdvertError: zeroconf cannot use the network.
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
        except Exception as error:  # zeroconf raises many types; no error here may stop the server
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
        """Withdraw the advertisement. Return within half a second, whatever the network does."""
        self._closing = True
        if self._registering.is_alive():  # asyncio would log errors about the interrupted registration
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        timeouts.call_within(CLOSE_TIMEOUT_S, self._zeroconf.close)


def _not_advertised(error: Exception) -> str:
    return f"the server is not advertised by zeroconf: {error or type(error).__name__}"


def _own_addresses() -> list[str]:
    import ifaddr

    return [ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if isinstance(ip.ip, str)]
