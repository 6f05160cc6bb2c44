"""Tests for the web server, which offers a web page, OSCQuery and recordings. Some clients are hostile.

Takes are recordings; a kit is a folder of sounds that the user sends, for which a model is trained.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from realtime.control import osc
from realtime.control.dispatcher import Control
from realtime.control.osc import Server, bind
from realtime.control.protocol import Message
from realtime.control.senders.access import Access
from realtime.live.engine import Engine
from realtime.live.monitor import Monitor
from realtime.model.verify import read
from realtime.surfaces.models import Models
from realtime.surfaces.web.client import MAX_MESSAGE
from realtime.surfaces.web.downloads import Downloads
from realtime.surfaces.web.guard import host_is_ours, origin_is_ours, page_key
from realtime.surfaces.web.kits import Kits
from realtime.surfaces.web.oscquery_part import OscQuery
from realtime.surfaces.web.page_part import FILES, Page
from realtime.surfaces.web.server import Part, WebServer
from realtime.surfaces.web.sound import Sound
from realtime.synth.mixer import Mixer
from tests.damage import VALUES, damaged
from tests.realtime.surfaces.handshake import handshake

TIMEOUT_S = 30.0
BLOCK = 100
MAX_WEIGHT = 500_000  # bytes of all files of the page together
KEY = "0123456789abcdef"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
Start = Callable[..., WebServer]


@pytest.fixture
def control(make_mixer: Callable[..., Mixer], tiny_model: Path) -> Control:
    """A dispatcher of messages for an engine that is not running."""
    return Control(read(tiny_model).info, Engine(make_mixer()))


@pytest.fixture
def monitor() -> Monitor:
    return Monitor(48_000, 2, BLOCK)


@pytest.fixture
def start(control: Control, tiny_model: Path, monitor: Monitor, tmp_path: Path) -> Iterator[Start]:
    """A function that starts a web server with the page and OSCQuery on a free port of this machine."""
    running: list[WebServer] = []
    listener = bind("127.0.0.1", 0)
    server = Server(control, listener)
    server.start()

    def begin(key: str = "", library: bool = True, model: Path = tiny_model) -> WebServer:
        query = OscQuery(lambda: control.info, server.handle, (server.host, server.port), "test")
        page = Page(server, query.answer, Models(lambda: model))
        kits = Kits(tmp_path / "library" if library else None, lambda file: None)
        parts: list[Part] = [Downloads(tmp_path / "takes"), Sound(monitor.since), kits, page, query]
        running.append(WebServer(parts, host="127.0.0.1", port=0, access=Access(), key=key))
        running[0].start()
        return running[0]

    yield begin
    for each in running:
        each.stop()
    server.stop()
    listener.close()


@pytest.fixture
def served(start: Start) -> WebServer:
    """A running server, for all examples of a test."""
    return start()


def get(server: WebServer, target: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Send a request whose path is not normalised; return the status, headers and body of the reply."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
    connection.putrequest("GET", target, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def socket_of(server: WebServer, path: str, origin: str | None = None) -> ClientConnection:
    page = None if origin is None else Origin(origin)
    return connect(f"ws://127.0.0.1:{server.port}{path}", origin=page, compression=None)


def page_socket(server: WebServer) -> ClientConnection:
    return socket_of(server, "/page/socket")


def receive(client: ClientConnection) -> Message:
    """Wait for the next OSC message, and return it; skip states, which are strings."""
    while isinstance(received := client.recv(timeout=TIMEOUT_S), str):
        pass
    (packet,) = osc.parse(received)
    return packet.messages[0]


# ---- content negotiation


def test_browsers_get_the_page_and_other_programs_the_oscquery_tree(start: Start) -> None:
    server = start()
    status, headers, page = get(server, "/", **BROWSER)
    assert (status, headers["Content-Type"], headers["Vary"]) == (200, "text/html", "Accept")
    assert b"/page/app.js" in page
    for accept in ({}, {"Accept": "*/*"}, {"Accept": "application/json"}):
        status, headers, tree = get(server, "/", **accept)
        assert (status, headers["Content-Type"]) == (200, "application/json")
        assert json.loads(tree)["FULL_PATH"] == "/"
    assert b"OSC_PORT" in get(server, "/?HOST_INFO", **BROWSER)[2]


def test_page_may_load_nothing_from_other_hosts(start: Start) -> None:
    headers = get(start(), "/", **BROWSER)[1]
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_page_is_small_and_preloads_each_of_its_modules() -> None:
    loaded = [path for path in FILES.rglob("*") if path.is_file() and path.suffix != ".txt"]
    assert sum(path.stat().st_size for path in loaded) < MAX_WEIGHT
    named = set(re.findall(r'(?:href|src)="/page/([^"]+)"', (FILES / "index.html").read_text()))
    assert named == {path.relative_to(FILES).as_posix() for path in loaded} - {"index.html"}


# ---- takes and sound


def test_takes_are_offered_for_download_with_the_latest_first(start: Start, tmp_path: Path) -> None:
    server = start()
    assert json.loads(get(server, "/page/takes")[2]) == []
    (tmp_path / "takes").mkdir()
    for age, name in enumerate(("b c.wav", "a.wav", "a.jsonl", "notes.txt", ".a.wav.7.part", ".x.wav")):
        (tmp_path / "takes" / name).write_bytes(name.encode())
        os.utime(tmp_path / "takes" / name, (1e9 - age, 1e9 - age))
    assert json.loads(get(server, "/page/takes")[2]) == ["b c.wav", "a.wav", "a.jsonl"]
    status, headers, sound = get(server, "/page/takes/b%20c.wav")
    assert (status, headers["Content-Disposition"], sound) == (200, "attachment", b"b c.wav")


@pytest.mark.parametrize(
    "name", ["..%2Fsecret.wav", "%2e%2e%2fsecret.wav", "out.wav", ".x.wav", "notes.txt", "%00"]
)
def test_other_files_cannot_be_downloaded_as_takes(start: Start, tmp_path: Path, name: str) -> None:
    (tmp_path / "takes").mkdir()
    (tmp_path / "secret.wav").write_bytes(b"x")
    (tmp_path / "takes/out.wav").symlink_to(tmp_path / "secret.wav")
    for other in (".x.wav", "notes.txt"):
        (tmp_path / "takes" / other).write_bytes(b"x")
    assert get(start(), f"/page/takes/{name}")[0] == 404


def test_only_the_preview_is_served_from_the_folder_of_the_model(
    start: Start, tiny_model: Path, tmp_path: Path
) -> None:
    model = tmp_path / "tiny.onnx"
    model.write_bytes(tiny_model.read_bytes())
    server = start(model=model)
    assert get(server, "/page/preview.png")[0] == 204
    (tmp_path / "preview.png").write_bytes(b"picture")
    (tmp_path / "preview.txt").write_bytes(b"other")
    assert get(server, "/page/preview.png?1")[::2] == (200, b"picture")
    assert get(server, "/page/preview.txt")[0] == 404


def test_listeners_get_each_sample_of_the_output_once(start: Start, monitor: Monitor) -> None:
    ramp = np.arange(4 * BLOCK, dtype=np.float32).reshape(4, BLOCK, 1) / 1000
    with socket_of(start(), "/page/sound") as listener:
        for block in ramp:
            monitor.write(np.concatenate([block, -block / 2], axis=1))
        heard, following = [], 0
        while following < 4 * BLOCK:
            frame = listener.recv(timeout=TIMEOUT_S)
            assert isinstance(frame, bytes)
            assert struct.unpack("<d", frame[:8]) == (following,)
            heard += list(np.frombuffer(frame[8:], "<i2") / 32767)
            following = len(heard)
    assert np.allclose(heard, ramp.ravel() / 4, atol=1 / 32767)


def test_page_describes_the_current_model(start: Start, control: Control) -> None:
    model = json.loads(get(start(), "/page/model")[2])
    info = control.info
    assert [name for name, *_ in model["classes"]] == [each.name for each in info.classes]
    assert [(name, label) for name, label, *_ in model["anchors"]] == [
        (a.name, a.label) for a in info.anchors
    ]
    places = [place for _, _, *place in model["anchors"]]
    assert places == [pytest.approx(place, abs=1e-5) for place in control.space.map.tolist()]


def test_region_of_the_map_shows_the_likeliest_class_at_each_point(start: Start, control: Control) -> None:
    regions = json.loads(get(start(), "/page/regions")[2])
    grid, margin = regions["grid"], regions["margin"]
    for row, column in ((0, 0), (7, 30), (grid - 1, grid - 1)):
        x, y = (-margin + (1 + 2 * margin) * (at + 0.5) / grid for at in (column, row))
        likely = control.space.probabilities(control.space.at(x, y))
        assert regions["label"][row * grid + column] == likely.index(max(likely))
        assert regions["share"][row * grid + column] == pytest.approx(max(likely), abs=0.005)


# ---- the page's websocket


def test_messages_over_the_websocket_are_answered_as_over_udp(start: Start) -> None:
    with page_socket(start()) as client:
        client.send(osc.encode(Message("/ping")))
        assert receive(client) == Message("/pong")
        client.send(osc.encode(Message("/morph/xy", (2.0, 0.5))))
        assert receive(client) == Message("/morph/error", ("/morph/xy", "x is 2.0, not a number from 0 to 1"))
        client.send(b"nonsense")
        assert receive(client).address == "/morph/error"


def test_pages_receive_the_state_and_refused_messages_from_other_senders(
    start: Start, control: Control
) -> None:
    with page_socket(start()) as client:
        state = json.loads(_text(client))
        assert state["status"]["model"] == control.info.name
        assert state["refused"] == []
        assert len(state["probabilities"]) == len(control.info.classes)
        control.refuse(Message("/morph/tigger"), "no such address")
        while not (state := json.loads(_text(client)))["refused"]:
            pass
        assert state["refused"] == [["/morph/tigger", "no such address"]]


def _text(client: ClientConnection) -> str:
    received = client.recv(timeout=TIMEOUT_S)
    assert isinstance(received, str)
    return received


def test_an_oversized_frame_ends_only_its_own_connection(start: Start) -> None:
    server = start()
    with page_socket(server) as other, page_socket(server) as client:
        client.send(bytes(MAX_MESSAGE + 1))
        with pytest.raises(ConnectionClosed):
            receive(client)
        other.send(osc.encode(Message("/ping")))
        assert receive(other) == Message("/pong")


@pytest.mark.parametrize(
    "frame",
    [
        b"\xff\xff\xff\xff",  # reserved bits and an unknown opcode
        b"\x82\x04/abc",  # a client's frame that is not masked
        b"\x81\x82\0\0\0\0\xff\xfe",  # text that is not UTF-8
        b"\x89\xfe\x0f\xff\0\0\0\0",  # a ping that is too long
    ],
)
def test_a_malformed_frame_ends_only_its_own_connection(start: Start, frame: bytes) -> None:
    server = start()
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S) as client:
        client.sendall(handshake("/page/socket"))
        assert client.recv(12) == b"HTTP/1.1 101"
        client.sendall(frame + bytes(5000))
        while client.recv(65_536):
            pass
    assert get(server, "/page/model")[0] == 200


HEADS = st.text(st.characters(max_codepoint=255), max_size=40)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        VALUES.map(json.dumps) | damaged({"COMMAND": "LISTEN", "DATA": "/x"}).map(json.dumps), max_size=20
    )
)
def test_random_text_does_not_end_a_websocket_of_oscquery(served: WebServer, texts: list[str]) -> None:
    with socket_of(served, "/") as client:
        for text in texts:
            client.send(text)
        client.send(json.dumps({"COMMAND": "LISTEN", "DATA": "/morph/gain"}))
        while osc.parse(client.recv(timeout=TIMEOUT_S))[0].messages[0].address != "/morph/gain":  # type: ignore[arg-type]
            pass


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["GET", "POST", "HEAD", "PUT", "get", "\0"]), HEADS, HEADS, HEADS)
def test_random_request_heads_cause_no_server_error(
    served: WebServer, method: str, path: str, name: str, value: str
) -> None:
    head = f"{method} /{path} HTTP/1.1\r\nHost: localhost\r\n{name}: {value}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), TIMEOUT_S) as client:
        client.sendall(head.encode("latin-1"))
        client.shutdown(socket.SHUT_WR)
        answer = client.recv(12)
    assert not answer.startswith(b"HTTP/1.1 5"), head
    assert get(served, "/page/model")[0] == 200


# ---- pages of other sites and foreign host names


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:9000", True),
        ("localhost:9000", True),
        ("192.168.1.5", True),
        ("[::1]:9000", True),
        ("evil.example:9000", False),
        ("127.0.0.1.evil.example", False),
        ("", False),
        ("[", False),
    ],
)
def test_only_ip_addresses_and_own_names_are_accepted_as_host(host: str, ours: bool) -> None:
    assert host_is_ours(host) is ours


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        (None, True),
        ("http://127.0.0.1:9000", True),
        ("http://127.0.0.1:9001", False),
        ("http://evil.example", False),
        ("null", False),
    ],
)
def test_only_this_page_or_a_missing_origin_is_accepted(origin: str | None, ours: bool) -> None:
    assert origin_is_ours(origin, "127.0.0.1:9000") is ours


def test_request_with_a_foreign_host_name_is_refused(start: Start) -> None:
    server = start()
    assert get(server, "/", Host=f"evil.example:{server.port}", **BROWSER)[0] == 421
    assert get(server, "/morph/gain", Host=f"evil.example:{server.port}")[0] == 421


def test_page_of_another_site_can_neither_request_anything_nor_play(start: Start) -> None:
    server = start()
    assert get(server, "/page/model", Origin="http://evil.example")[0] == 403
    for path in ("/", "/page/socket"):
        with pytest.raises(InvalidStatus, match="403"), socket_of(server, path, "http://evil.example"):
            pass
    with socket_of(server, "/page/socket", f"http://127.0.0.1:{server.port}"):
        pass


@pytest.mark.parametrize(
    "path",
    [
        "/page/../web/server.py",
        "/page/..%2fweb/server.py",
        "/page/%2e%2e/%2e%2e/__init__.py",
        "/page//etc/passwd",
        "/page/..\\web\\server.py",
        "/page/%00",
    ],
)
def test_no_file_outside_the_folder_of_the_page_is_served(start: Start, path: str) -> None:
    status, _, body = get(start(), path)
    assert status in (400, 403, 404)
    assert b"import" not in body


# ---- the key


def test_without_the_key_the_page_is_refused_but_oscquery_is_open(start: Start) -> None:
    server = start(KEY)
    assert get(server, "/", **BROWSER)[0] == 401
    for path in ("/page/model", "/page/app.js", "/page/socket", "/page/model?key=wrong"):
        assert get(server, path)[0] == 401
    assert get(server, "/")[0] == 200


def test_key_in_the_address_sets_a_cookie_that_opens_the_page(start: Start) -> None:
    server = start(KEY)
    status, headers, _ = get(server, f"/?key={KEY}", **BROWSER)
    assert status == 200
    cookie = headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    pair = cookie.partition(";")[0]
    assert get(server, "/page/model", Cookie=pair)[0] == 200
    assert get(server, "/page/model", Cookie=pair.replace(KEY, "f" * len(KEY)))[0] == 401


def test_key_is_kept_for_the_next_start_and_only_its_user_can_read_it(tmp_path: Path) -> None:
    key = page_key(tmp_path / "new")
    assert page_key(tmp_path / "new") == key
    assert page_key(tmp_path / "other") != key
    (kept,) = (tmp_path / "new").iterdir()
    assert kept.stat().st_mode & 0o077 == 0


# ---- uploaded sounds


def post(server: WebServer, target: str, body: bytes, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_S)
    with contextlib.suppress(ConnectionError):  # the server may answer before it has received all bytes
        connection.request("POST", target, body, headers)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


def test_only_sound_files_sent_by_the_page_are_accepted(start: Start) -> None:
    server = start()
    own = f"http://127.0.0.1:{server.port}"
    assert post(server, "/page/sounds?name=a.wav", b"x")[0] == 403
    assert post(server, "/page/sounds?name=a.wav", b"x", Origin="http://evil.example")[0] == 403
    for name in ("a.exe", "a", "", ".wav", "a.wav/..", "..%5c..%5ca.exe"):
        assert post(server, f"/page/sounds?name={name}", b"x", Origin=own)[0] == 415, name


def test_upload_that_is_not_a_sound_is_refused_in_one_line(start: Start) -> None:
    server = start()
    own = f"http://127.0.0.1:{server.port}"
    status, text = post(server, "/page/sounds?name=../../a.wav", b"RIFF nonsense", Origin=own)
    assert status == 503
    assert len(text.splitlines()) == 1
    assert "Traceback" not in text


SOUND = b"RIFF"
PLACE = "Kicks/a b.wav"


def post_folder(server: WebServer, name: str, path: str, origin: bool = True) -> tuple[int, str]:
    """Send a folder with one file, as the page does."""
    head = f'--edge\r\nContent-Disposition: form-data; name="{path}"; filename="x"\r\n\r\n'
    body = head.encode() + SOUND + b"\r\n--edge--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    own = {"Origin": f"http://127.0.0.1:{server.port}"} if origin else {}
    return post(server, f"/page/kits?name={name}", body, **headers, **own)


def test_only_folders_sent_by_the_page_are_accepted(start: Start) -> None:
    assert post_folder(start(), "kit", PLACE, origin=False)[0] == 403


def test_a_folder_needs_a_library(start: Start) -> None:
    status, text = post_folder(start(library=False), "kit", PLACE)
    assert (status, "--library FOLDER" in text) == (409, True)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("..", PLACE),
        (".git", PLACE),
        ("a%2fb", PLACE),
        ("", PLACE),
        ("kit", "../a.wav"),
        ("kit", "Kicks/../../a.wav"),
        ("kit", "Kicks/.a.wav"),
        ("kit", "a/b/c/d/e.wav"),
        ("kit", "a.py"),
    ],
)
def test_kit_and_file_names_that_leave_the_library_are_refused(
    start: Start, tmp_path: Path, name: str, path: str
) -> None:
    pytest.importorskip("torch", reason="PyTorch is part of the `learn` extra")
    status, text = post_folder(start(), name, path)
    assert (status, len(text.splitlines())) == (422, 1)
    assert not [each for each in tmp_path.rglob("*") if each.is_file() and each.name != ".kit"]


def test_folder_does_not_replace_a_kit_of_the_library(start: Start, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is part of the `learn` extra")
    own = tmp_path / "library" / "kits" / "Mine" / "Mine" / "a.wav"
    own.parent.mkdir(parents=True)
    own.write_bytes(b"kept")
    assert post_folder(start(), "Mine", PLACE)[0] == 409
    assert own.read_bytes() == b"kept"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", b"x"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=edge", b"x"),
        ("multipart/form-data; boundary=edge", b"--edge\r\nContent-Length: x\r\n\r\n\r\n--edge--\r\n"),
        ("multipart/form-data; boundary=" + "x" * 100, b""),
    ],
)
def test_upload_that_is_not_a_folder_is_refused(start: Start, tmp_path: Path, kind: str, body: bytes) -> None:
    pytest.importorskip("torch", reason="PyTorch is part of the `learn` extra")
    server = start()
    own = {"Origin": f"http://127.0.0.1:{server.port}", "Content-Type": kind}
    status, text = post(server, "/page/kits?name=kit", body, **own)
    assert status in (400, 422)
    assert len(text.splitlines()) == 1
    assert {each.name for each in tmp_path.rglob("*") if each.is_file()} <= {".kit"}


def test_missing_folder_for_temporary_files_is_answered_in_one_line(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    status, text = post(server, "/page/sounds?name=a.wav", b"RIFF", Origin=f"http://127.0.0.1:{server.port}")
    assert (status, text) == (503, "the sound cannot be stored: No such file or directory\n")
