"""Tests for OSCQuery, a protocol with which programs request the server's OSC addresses.

It works over HTTP and websockets. "The proposal" is the specification of OSCQuery.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain, cycle, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pythonoscquery.osc_query_browser import OSCQueryListener
from pythonoscquery.osc_query_client import OSCQueryClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from zeroconf import ServiceBrowser, Zeroconf

from realtime.control import osc
from realtime.control.addresses import ADDRESSES, TABLE, parse
from realtime.control.dispatcher import Control
from realtime.control.latent_space import LatentSpace
from realtime.control.protocol import Message
from realtime.control.senders.access import Access
from realtime.live.engine import Engine
from realtime.model.schema import ModelInfo
from realtime.model.verify import read
from realtime.surfaces.advert import Advert
from realtime.surfaces.oscquery import Knowledge, Node, find, learn, tree
from realtime.surfaces.web.connections import KEPT_SHARE, MAX_EACH
from realtime.surfaces.web.oscquery_part import MAX_LISTENED, MAX_PATH, OscQuery
from realtime.surfaces.web.server import WebServer
from realtime.synth.mixer import Mixer
from tests.realtime.surfaces.handshake import handshake

TIMEOUT_S = 30.0


@pytest.fixture
def control(make_mixer: Callable[..., Mixer], tiny_model: Path) -> Control:
    """Return a dispatcher of messages for an engine without threads; `settle` carries out its commands."""
    info = read(tiny_model).info
    return Control(info, Engine(make_mixer(), pulled=True))


def settle(control: Control) -> None:
    player: Any = control.player
    player.hand_over(np.zeros((player.block_size, 2), np.float32))


def ask(control: Control) -> Callable[..., list[Message]]:
    return lambda messages: control.handle(messages, ("127.0.0.1", 9))


NAME = "soundmorph test 9000"


def serve(control: Control, access: Access) -> WebServer:
    """Return a server on a free port of this machine; it is not started yet."""
    query = OscQuery(lambda: control.info, ask(control), ("127.0.0.1", 9000), NAME)
    return WebServer([query], host="127.0.0.1", port=0, access=access)


@pytest.fixture
def server(control: Control) -> Iterator[WebServer]:
    """A running server on a free port of this machine."""
    served = serve(control, Access())
    served.start()
    try:
        yield served
    finally:
        served.stop()


def get(server: WebServer, target: str) -> tuple[int, Any]:
    """Request `target`; return the status and the JSON of the reply."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{target}", timeout=TIMEOUT_S) as answer:
            body = answer.read()
            return answer.status, json.loads(body) if body else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for inner in node.get("CONTENTS", {}).values():
        yield from nodes(inner)


# ---- against the proposal


def test_every_node_of_the_tree_conforms_to_the_proposal(control: Control) -> None:
    """Attributes have the right types, ranges and values fit the type tags, and paths are correct."""
    root = tree(control.info, learn(ask(control)))
    assert root["FULL_PATH"] == "/"
    count = 0
    for node in nodes(root):
        count += 1
        for name, inner in node.get("CONTENTS", {}).items():
            assert inner["FULL_PATH"] == f"{node['FULL_PATH'].rstrip('/')}/{name}"
        assert node["ACCESS"] in (0, 1, 2, 3)
        assert (node["ACCESS"] == 0) == ("TYPE" not in node)
        if "TYPE" not in node:
            assert "CONTENTS" in node
            assert not {"VALUE", "RANGE"} & set(node)
            continue
        assert re.fullmatch("[ifs]+|N", node["TYPE"])
        assert isinstance(node["DESCRIPTION"], str)
        tags = node["TYPE"].replace("N", "")
        assert ("VALUE" in node) == (node["ACCESS"] == 3)
        for name in ("RANGE", "VALUE", "UNIT", "CLIPMODE"):
            if name in node:
                assert len(node[name]) == len(tags), node
        for tag, value in zip(tags, node.get("VALUE", ()), strict=False):
            assert type(value) is {"i": int, "f": float, "s": str}[tag]
        for tag, limits in zip(tags, node.get("RANGE", ()), strict=False):
            assert limits is None or set(limits) <= {"MIN", "MAX", "VALS"}
            if limits and "VALS" in limits:
                assert tag == "s"
    assert count > 100
    json.dumps(root, allow_nan=False)


def test_every_address_is_listed_and_accepts_its_value(control: Control) -> None:
    """Messages with a node's values are accepted; only addresses with two placeholders are not listed."""
    root = tree(control.info, learn(ask(control)))
    there = {node["FULL_PATH"] for node in nodes(root) if "TYPE" in node}
    rows = {TABLE.find(path)[0].path for path in there}
    assert rows == {row.path for row in ADDRESSES if len(row.placeholders) < 2}
    classes = tuple(replace(each, velocity=each.centroid) for each in control.info.classes)
    space = LatentSpace(replace(control.info, classes=classes))  # this model has every optional feature
    for node in nodes(root):
        if "VALUE" in node:
            parse(Message(node["FULL_PATH"], tuple(node["VALUE"])), space)
        if space.lacks(node["FULL_PATH"].removeprefix("/morph/")):
            continue
        for at, limits in enumerate(node.get("RANGE", ())):
            for end in ("MIN", "MAX"):
                if node["TYPE"] == "f" and limits:
                    count = (
                        2 if node["FULL_PATH"] == "/morph/seq/path" else 1
                    )  # x and y of a point of the path
                    parse(Message(node["FULL_PATH"], (limits[end],) * count), space)
            assert at < len(node["TYPE"])


def test_address_without_arguments_accepts_nil(control: Control) -> None:
    panic = find(tree(control.info, Knowledge()), "/morph/panic")
    assert panic is not None
    assert panic["TYPE"] == "N"
    (packet,) = osc.parse(b"/morph/panic\0\0\0\0,N\0\0")
    assert packet.messages == (Message("/morph/panic", (None,)),)
    assert control.handle(packet.messages, ("", 0)) == []


def test_tree_describes_the_model(control: Control) -> None:
    info: ModelInfo = control.info
    root = tree(info, Knowledge(presets=("dark",)))
    z, goto = find(root, "/morph/z"), find(root, "/morph/goto")
    assert z is not None
    assert z["TYPE"] == "f" * info.latent_dim
    assert z["RANGE"] == [
        {"MIN": low, "MAX": high} for low, high in zip(info.latent.low, info.latent.high, strict=True)
    ]
    assert list(z["CONTENTS"]) == [str(i) for i in range(info.latent_dim)]
    assert goto is not None
    assert goto["TYPE"] == "sfss"
    assert goto["RANGE"][0] == {"VALS": ["kick", "snare", "hihat", "dark"]}
    assert goto["RANGE"][1] == {"MIN": 0.0, "MAX": 600_000.0}
    recall, weights = find(root, "/morph/preset/recall"), find(root, "/morph/weights")
    assert recall is not None
    assert (recall["TYPE"], recall["RANGE"]) == ("s", [{"VALS": ["dark"]}])
    assert weights is not None
    assert weights["TYPE"] == "fff"
    assert find(root, "/morph/touch/15/xy") is not None
    assert find(root, "/morph/nothing") is None


# ---- over HTTP


def test_http_requests_are_answered(server: WebServer, control: Control) -> None:
    control.handle([Message("/morph/gain", (-6.0,)), Message("/morph/pitch", (7.0,))], ("", 0))
    settle(control)
    status, gain = get(server, "/morph/gain")
    assert status == 200
    assert gain == {
        "FULL_PATH": "/morph/gain",
        "ACCESS": 3,
        "DESCRIPTION": "Change the output gain over 5 ms.",
        "TYPE": "f",
        "RANGE": [{"MIN": -120.0, "MAX": 24.0}],
        "CLIPMODE": ["none"],
        "UNIT": ["gain.db"],
        "VALUE": [-6.0],
    }
    assert get(server, "/morph/gain?VALUE") == (200, {"VALUE": [-6.0]})
    assert get(server, "/morph/pitch?VALUE") == (200, {"VALUE": [7.0]})
    assert get(server, "/morph/glide?VALUE") == (200, {"VALUE": [0.0, "linear", "linear"]})
    assert get(server, "/morph/xy?VALUE")[1]["VALUE"] == pytest.approx(
        control.space.on_map(control.player.z())
    )
    assert get(server, "/morph/trigger?VALUE") == (204, None)
    assert get(server, "/morph/trigger?COLOUR") == (400, None)
    assert get(server, "/morph/tigger") == (404, None)
    assert get(server, "/")[1]["CONTENTS"]["morph"]["CONTENTS"]["gain"] == gain


def test_tree_never_mixes_two_models(control: Control, other_model: Path) -> None:
    """z, the position in latent space, has three numbers in the other model, four in the dispatcher's."""
    this, other = control.info, read(other_model).info

    def asked(looks: Iterator[ModelInfo]) -> tuple[int, Any]:
        query = OscQuery(lambda: next(looks), ask(control), ("127.0.0.1", 9000), NAME)
        served = WebServer([query], host="127.0.0.1", port=0, access=Access())
        served.start()
        try:
            return get(served, "/")
        finally:
            served.stop()

    status, root = asked(
        chain([this, other], repeat(this))
    )  # the server has asked for the model once before the request
    assert (status, root["CONTENTS"]["morph"]["CONTENTS"]["z"]["TYPE"]) == (200, "ffff")
    assert asked(cycle([this, other])) == (503, None)


def test_host_info_gives_addresses_and_extensions(server: WebServer) -> None:
    status, said = get(server, "/?HOST_INFO")
    assert status == 200
    assert (said["OSC_IP"], said["OSC_PORT"], said["OSC_TRANSPORT"]) == ("127.0.0.1", 9000, "UDP")
    assert (said["WS_IP"], said["WS_PORT"]) == ("127.0.0.1", server.port)
    assert said["EXTENSIONS"]["LISTEN"] is True
    assert said["EXTENSIONS"]["VALUE"] is True


def test_client_that_is_not_admitted_gets_no_reply(control: Control) -> None:
    served = serve(control, _AdmitsNobody())
    served.start()
    try:
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            get(served, "/")
    finally:
        served.stop()


class _AdmitsNobody(Access):
    def admits(self, host: str, size: int, port: int = 0) -> bool:
        return False


# ---- over the websocket


def test_websocket_listener_is_told_of_changes(server: WebServer, control: Control) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/", compression=None) as client:
        client.send("nonsense")
        client.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/morph/z/1"}))
        (packet,) = osc.parse(_bytes(client.recv(timeout=TIMEOUT_S)))  # the current value is sent first
        assert packet.messages[0].address == "/morph/z/1"
        for value in (0.25, -1.5):
            control.handle([Message("/morph/z/1", (value,)), Message("/morph/gain", (value,))], ("", 0))
            settle(control)
            (packet,) = osc.parse(_bytes(client.recv(timeout=TIMEOUT_S)))
            assert packet.messages == (Message("/morph/z/1", (value,)),)
        client.send(json.dumps({"COMMAND": "IGNORE", "DATA": "/morph/z/1"}))
        client.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/morph/gain"}))
        (packet,) = osc.parse(_bytes(client.recv(timeout=TIMEOUT_S)))
        assert packet.messages == (Message("/morph/gain", (-1.5,)),)
        control.presets.store("dark", tuple(control.player.z()))
        assert json.loads(client.recv(timeout=TIMEOUT_S)) == {"COMMAND": "PATH_CHANGED", "DATA": "/morph"}


def test_one_client_listens_to_a_limited_number_of_addresses(server: WebServer) -> None:
    def tell(client: ClientConnection, command: str, path: str) -> None:
        client.send(json.dumps({"COMMAND": command, "DATA": path}))

    with connect(f"ws://127.0.0.1:{server.port}/", compression=None) as client:
        for number in range(MAX_LISTENED - 1):
            tell(client, "LISTEN", f"/nothing/{number}")
        tell(client, "LISTEN", "/" + "x" * MAX_PATH)  # this path is too long and is therefore not counted
        tell(client, "LISTEN", "/nothing/last")
        tell(client, "LISTEN", "/morph/gain")  # this is one address too many
        for before, path in (("/nothing/last", "/morph/mode"), ("/morph/mode", "/morph/glide")):
            tell(client, "IGNORE", before)
            tell(client, "LISTEN", path)
            (packet,) = osc.parse(_bytes(client.recv(timeout=TIMEOUT_S)))
            assert packet.messages[0].address == path


def _bytes(received: str | bytes) -> bytes:
    assert isinstance(received, bytes)
    return received


# ---- clients that misbehave


def dial(server: WebServer) -> socket.socket:
    """Open a connection that sends no request."""
    return socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S)


def test_idle_connections_do_not_block_new_ones(server: WebServer) -> None:
    """Each host may have a few connections; for a new one, the oldest idle connection is closed."""
    idle = [dial(server) for _ in range(100)]
    assert get(server, "/morph/gain?VALUE") == (200, {"VALUE": [0.0]})
    assert [each.recv(1) for each in idle[: 100 - MAX_EACH]] == [b""] * (100 - MAX_EACH)
    for each in idle:
        each.close()


def test_websockets_leave_room_for_requests(server: WebServer) -> None:
    with ExitStack() as clients:
        for _ in range(int(MAX_EACH * KEPT_SHARE)):
            clients.enter_context(connect(f"ws://127.0.0.1:{server.port}/", compression=None))
        with pytest.raises(InvalidStatus, match="503"), connect(f"ws://127.0.0.1:{server.port}/"):
            pass
        assert get(server, "/morph/gain?VALUE") == (200, {"VALUE": [0.0]})
    with connect(f"ws://127.0.0.1:{server.port}/"):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="counts the descriptors in /proc")
def test_client_is_answered_once_descriptors_are_free_again(server: WebServer) -> None:
    import resource

    request = b"GET /morph/gain?VALUE HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.socket() as client:
        client.settimeout(TIMEOUT_S)
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        highest = max(int(each.name) for each in Path("/proc/self/fd").iterdir())
        spare = [os.dup(client.fileno()) for _ in range(highest)]  # use up all descriptors below the limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(spare) + 1, before[1]))
        try:
            client.connect(("127.0.0.1", server.port))
            client.sendall(request)
            client.settimeout(1.0)
            with pytest.raises(TimeoutError):
                client.recv(1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
            for each in spare:
                os.close(each)
        client.settimeout(TIMEOUT_S)
        assert client.recv(12) == b"HTTP/1.1 200"


def stalled(server: WebServer) -> socket.socket:
    """Open a websocket that subscribes to `/morph/z` but neither reads nor replies."""
    client = dial(server)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    client.sendall(handshake())
    assert client.recv(12) == b"HTTP/1.1 101"
    said = json.dumps({"COMMAND": "LISTEN", "DATA": "/morph/z"}).encode()
    client.sendall(bytes([0x81, 0x80 | len(said), 0, 0, 0, 0]) + said)
    return client


def test_unresponsive_clients_do_not_delay_shutdown(control: Control) -> None:
    """An earlier version of the server waited ten seconds for each client in turn."""
    served = serve(control, Access())
    served.start()
    clients = [stalled(served) for _ in range(8)]
    ending = threading.Thread(target=served.stop)
    ending.start()
    ending.join(TIMEOUT_S)
    assert not ending.is_alive()
    for client in clients:
        client.close()


# ---- a third-party client


def test_third_party_client_finds_the_server_and_reads_the_tree(server: WebServer, control: Control) -> None:
    """The client is python-oscquery, with zeroconf on this machine only."""
    advert = Advert(NAME, "127.0.0.1", 9000, server.port)
    network = Zeroconf(interfaces=["127.0.0.1"])
    try:
        listener = OSCQueryListener()
        ServiceBrowser(network, ["_oscjson._tcp.local.", "_osc._udp.local."], listener)
        end = time.monotonic() + TIMEOUT_S
        name = f"{NAME}._oscjson._tcp.local."
        while name not in listener.oscjson_services or f"{NAME}._osc._udp.local." not in (
            listener.osc_services
        ):
            assert time.monotonic() < end, "never found"
            time.sleep(0.05)
        client = OSCQueryClient(listener.oscjson_services[name])
        host = client.get_host_info()
        assert host is not None
        assert (host.osc_ip, host.osc_port, host.osc_transport) == ("127.0.0.1", 9000, "UDP")
        settings = {"/morph/gain": [0.0], "/morph/mode": ["live"], "/morph/reverse": [0]}
        point = {f"/morph/z/{i}": [x] for i, x in enumerate(control.player.z())}
        for path, value in {**settings, **point}.items():
            node = client.query_node(path)
            assert node is not None
            assert (node.full_path, node.value) == (path, value)
            assert node.access.value == 3
        assert client.query_node("/morph/nothing") is None
    finally:
        network.close()
        advert.close()
