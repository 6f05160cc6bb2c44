"""OSCQuery over HTTP and websocket, and its advertisement by zeroconf, beside an OSC server."""

from __future__ import annotations

import contextlib
import http
import ipaddress
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve
from zeroconf import InterfaceChoice, ServiceInfo, Zeroconf

from realtime.control import osc
from realtime.control.access import Access
from realtime.control.protocol import Message
from realtime.model.schema import ModelInfo
from realtime.surfaces import oscquery
from realtime.surfaces.connections import Connections, writable
from realtime.util import timeouts
from realtime.util.errors import RealtimeError

LOOK_S = 0.05  # between two looks for changes, while somebody listens
MAX_LISTENED = 1024  # addresses of one client
CLOSE_TIMEOUT_S = 0.5  # of waiting for clients and the network at the end
REQUEST_TIMEOUT_S = 5.0  # until a client must have asked for something
MAX_MESSAGE = 65_536  # bytes that a client may send at once
PATH_CHANGED = json.dumps({"COMMAND": "PATH_CHANGED", "DATA": "/morph"})


class QueryError(RealtimeError):
    """A port that cannot be opened."""


class QueryServer:
    """Answers questions about the table, and tells listeners what changes.

    Args:
        info: gives the model that plays.
        ask: carries out messages and gives the answers.
        osc_address: host and port of the OSC server.
        host, port: to listen on; port 0 is any free one.
        gate: who may ask; for nothing else.

    Raises:
        QueryError: the port is taken.
    """

    def __init__(
        self,
        info: Callable[[], ModelInfo],
        ask: oscquery.Ask,
        osc_address: tuple[str, int],
        *,
        host: str,
        port: int,
        gate: Access,
    ) -> None:
        self._info, self._ask, self._osc = info, ask, osc_address
        self._turn = threading.Lock()
        self._listeners: dict[ServerConnection, set[str]] = {}
        self._closing = threading.Event()
        try:
            listener = socket.create_server((host, port))
        except OSError as error:
            raise QueryError(f"no OSCQuery on {host}:{port}: {error.strerror}") from None
        self._protocol = serve(
            self._converse,
            sock=listener,
            process_request=self._answer,
            compression=None,
            max_size=MAX_MESSAGE,
            open_timeout=REQUEST_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            server_header="soundmorph",
            logger=_QUIET,
        )
        self._connections = Connections(listener, self._protocol.handler, gate)
        self.host, self.port = listener.getsockname()[:2]
        self.name = f"soundmorph {socket.gethostname().partition('.')[0]} {osc_address[1]}"
        self._watching = threading.Thread(target=self._watch, name="oscquery", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._connections.start()
        self._watching.start()

    def stop(self) -> None:
        """Let all clients go: politely at first, and after half a second in any case."""
        self._closing.set()
        with self._turn:
            clients = list(self._listeners)
        leaving = [
            threading.Thread(target=client.close, args=(CloseCode.GOING_AWAY,), daemon=True)
            for client in clients
        ]
        for thread in leaving:
            thread.start()
        end_s = time.monotonic() + CLOSE_TIMEOUT_S
        for thread in leaving:
            thread.join(max(0.0, end_s - time.monotonic()))
        self._connections.stop(CLOSE_TIMEOUT_S)
        self._protocol.serve_forever()  # only closes its own sockets, for the listener is closed
        self._protocol.shutdown()
        if self._watching.is_alive():
            self._watching.join(CLOSE_TIMEOUT_S)

    # ---- HTTP

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a GET; None lets a websocket begin."""
        if "websocket" in request.headers.get("Upgrade", "").lower():
            kept = self._connections.keep(connection.socket)
            return None if kept else _response(http.HTTPStatus.SERVICE_UNAVAILABLE)
        return self.respond(request.path, _host(connection.local_address))

    def respond(self, target: str, here: str) -> Response:
        """The answer to GET `target`, asked of our address `here`."""
        path, _, query = target.partition("?")
        if query.partition("=")[0] == "HOST_INFO":
            anywhere = ipaddress.ip_address(self._osc[0]).is_unspecified
            osc_host = here if anywhere else self._osc[0]
            return _json(oscquery.host_info(self.name, (osc_host, self._osc[1]), (here, self.port)))
        node = oscquery.find(self._tree(), path)
        if node is None:
            return _response(http.HTTPStatus.NOT_FOUND)
        if not query:
            return _json(node)
        attribute = query.partition("=")[0]
        if attribute not in oscquery.ATTRIBUTES:
            return _response(http.HTTPStatus.BAD_REQUEST)
        if attribute not in node:
            return _response(http.HTTPStatus.NO_CONTENT)
        return _json({attribute: node[attribute]})

    def _tree(self) -> oscquery.Node:
        return oscquery.tree(self._info(), oscquery.learn(self._ask, plugins=True))

    # ---- websocket

    def _converse(self, connection: ServerConnection) -> None:
        """One client's websocket, to its end."""
        mine: set[str] = set()
        with self._turn:
            self._listeners[connection] = mine
        try:
            for received in connection:
                self._obey(received, mine)
        except ConnectionClosed:
            pass
        finally:
            with self._turn:
                del self._listeners[connection]

    def _obey(self, received: str | bytes, mine: set[str]) -> None:
        """LISTEN and IGNORE; all else is passed over, as the proposal asks."""
        try:
            asked = json.loads(received) if isinstance(received, str) else None
        except ValueError:
            return
        if not isinstance(asked, dict) or not isinstance(path := asked.get("DATA"), str):
            return
        with self._turn:
            if asked.get("COMMAND") == "LISTEN" and len(mine) < MAX_LISTENED:
                mine.add(path)
            elif asked.get("COMMAND") == "IGNORE":
                mine.discard(path)

    def _watch(self) -> None:
        """Tell listeners what has changed, for as long as there are any."""
        before: oscquery.Knowledge | None = None
        told: dict[tuple[ServerConnection, str], tuple[Any, ...]] = {}
        stale: set[ServerConnection] = set()  # clients that do not know yet that the tree has changed
        info = self._info()
        while not self._closing.wait(LOOK_S):
            with self._turn:
                wanted = {client: set(paths) for client, paths in self._listeners.items()}
            if not wanted:
                before, told = None, {}
                continue
            known = oscquery.learn(self._ask)
            if not known.values:  # the OSC server has stopped
                continue
            if before and (self._info() is not info or known.presets != before.presets):
                stale = set(wanted)
            stale = {client for client in stale & set(wanted) if not _send(client, PATH_CHANGED)}
            before, info = known, self._info()
            now = {(c, p): known.values[p] for c, paths in wanted.items() for p in paths if p in known.values}
            told = {key: value for key, value in told.items() if key in now}
            for (client, path), value in now.items():
                if told.get((client, path)) != value and _send(client, osc.encode(Message(path, value))):
                    told[client, path] = value


class Advert:
    """Tells the network, by zeroconf, that there are an OSC and an OSCQuery server.

    That takes some seconds, in a thread of its own: names are asked for on the network before they are taken.

    Args:
        name: of both, unlike any other's.
        host: where they listen: one address, or 0.0.0.0 for all.
        osc_port, query_port: theirs.
        say: is told, in one line, if it does not work.

    Raises:
        QueryError: the network does not let us.
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
            raise QueryError(_not_advertised(error)) from None
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


def _send(client: ServerConnection, what: str | bytes) -> bool:
    """Send at once; return False if the client must read first what it has been sent."""
    if not writable([client.socket]):
        return False
    with contextlib.suppress(ConnectionClosed, OSError):  # its own thread sees to it
        client.send(what)
    return True


def _host(address: Sequence[Any]) -> str:
    return str(address[0])


def _json(node: oscquery.Node) -> Response:
    return _response(http.HTTPStatus.OK, json.dumps(node).encode())


def _response(status: http.HTTPStatus, body: bytes = b"") -> Response:
    headers = Headers({"Connection": "close", "Content-Type": "application/json"})
    headers["Cache-Control"] = "no-cache"
    if status is not http.HTTPStatus.NO_CONTENT:
        headers["Content-Length"] = str(len(body))
    return Response(status.value, status.phrase, headers, body)


_QUIET = logging.getLogger(f"{__name__}.websockets")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False
