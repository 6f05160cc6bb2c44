"""The table of addresses: what is accepted, what is refused, and that the page says the same."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from realtime.addresses import ADDRESSES, Message, Query, markdown, parse
from realtime.commands import Command, Gain, Goto, Mode, Panic, SetDimension, SetZ, Stop, Trigger
from realtime.contract import ModelInfo
from realtime.decoder import Decoder
from realtime.errors import RealtimeError

PAGE = Path(__file__).parents[2] / "docs" / "osc.md"


@pytest.fixture(scope="module")
def info(decoder: Decoder) -> ModelInfo:
    return decoder.info


def ask(info: ModelInfo, address: str, *arguments: Any) -> Command | Query:
    return parse(Message(address, arguments), info)


def test_points(info: ModelInfo) -> None:
    z = tuple(float(i) for i in range(info.latent_dim))
    assert ask(info, "/morph/z", *z) == SetZ(z)
    assert ask(info, "/morph/z", *range(info.latent_dim)) == SetZ(z)  # ints are welcome
    last = info.latent_dim - 1
    assert ask(info, f"/morph/z/{last}", 2) == SetDimension(last, 2.0)


def test_named_points(info: ModelInfo) -> None:
    a, b = info.classes[0], info.classes[1]
    assert ask(info, "/morph/goto", a.name, 250) == Goto(a.centroid, 250.0, "linear")
    sound = info.anchors[0]
    assert ask(info, "/morph/goto", sound.name, 0, "smooth") == Goto(sound.z, 0.0, "smooth")
    assert ask(info, "/morph/between", a.name, b.name, 0) == SetZ(a.centroid)
    assert ask(info, "/morph/between", a.name, b.name, 1) == SetZ(b.centroid)
    third = ask(info, "/morph/between", a.name, b.name, 0.25)
    assert isinstance(third, SetZ)
    ways = zip(third.z, a.centroid, b.centroid, strict=True)
    assert all(z == pytest.approx(0.75 * x + 0.25 * y) for z, x, y in ways)


def test_triggers(info: ModelInfo) -> None:
    assert ask(info, "/morph/trigger") == Trigger(1.0, None)
    assert ask(info, "/morph/trigger", 0.5) == Trigger(0.5, None)
    name = info.classes[1].name
    assert ask(info, "/morph/trigger", 1, name) == Trigger(1.0, info.classes[1].centroid)


def test_the_rest(info: ModelInfo) -> None:
    assert ask(info, "/morph/stop") == Stop()
    assert ask(info, "/morph/panic") == Panic()
    assert ask(info, "/morph/gain", -6) == Gain(-6.0)
    assert ask(info, "/morph/mode", "latch") == Mode("latch")
    assert ask(info, "/ping") == Query("ping")
    assert ask(info, "/morph/get/status") == Query("status")


@pytest.mark.parametrize(
    ("address", "arguments", "text"),
    [
        ("/morph/trigger", (1.5,), "velocity is 1.5, not a number from 0 to 1"),
        ("/morph/trigger", (-0.1,), "velocity is -0.1"),
        ("/morph/trigger", (math.nan,), "velocity is nan"),
        ("/morph/trigger", ("loud",), "velocity is 'loud', not a number from 0 to 1"),
        ("/morph/trigger", (True,), "velocity is True"),
        ("/morph/trigger", (None,), "velocity is NoneType"),
        ("/morph/trigger", (b"blob",), "velocity is bytes"),
        ("/morph/trigger", ([1.0],), "velocity is list"),
        ("/morph/trigger", (1.0, "nothing-like-it"), "no point named 'nothing-like-it'"),
        ("/morph/trigger", (1.0, 3), "name is 3, not text"),
        ("/morph/trigger", (1.0, "x" * 201), "not text of up to 200 characters"),
        ("/morph/trigger", (1.0, "kick", 3), r"takes \[velocity \[name\]\]; got 3"),
        ("/morph/z/0", (), "takes value; got 0"),
        ("/morph/z/0", (math.inf,), "value is inf, not a number from -10000 to 10000"),
        ("/morph/z/99999", (0.0,), "dimensions 0 to"),
        ("/morph/z/-1", (0.0,), "no such address"),
        ("/morph/z/1e3", (0.0,), "no such address"),
        ("/morph/z/²", (0.0,), "no such address"),
        ("/morph/gain", (25,), "gain is 25, not a number from -120 to 24 dB"),
        ("/morph/goto", ("kick",), r"takes name ms \[curve\]; got 1"),
        ("/morph/goto", ("kick", 10, "zigzag"), "curve is 'zigzag', not one of linear, smooth, in, out"),
        ("/morph/goto", ("kick", -1), "ms is -1, not a number from 0 to 600000 ms"),
        ("/morph/mode", ("dead",), "not one of live, latch"),
        ("/morph/stop", (1,), "takes no arguments; got 1"),
        ("/morph/triger", (), "no such address; did you mean /morph/trigger?"),
        ("/tuio/2Dcur", (), "no such address$"),
        ("/", (), "no such address$"),
    ],
)
def test_what_is_refused_is_named(
    info: ModelInfo, address: str, arguments: tuple[Any, ...], text: str
) -> None:
    with pytest.raises(RealtimeError, match=text.replace("?", r"\?")):
        ask(info, address, *arguments)


@pytest.mark.parametrize("change", [-1, 1])
def test_a_z_of_the_wrong_length(info: ModelInfo, change: int) -> None:
    count = info.latent_dim + change
    text = f"takes {info.latent_dim} numbers, one a dimension of z; got {count}"
    with pytest.raises(RealtimeError, match=text):
        ask(info, "/morph/z", *[0.0] * count)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e5, "0"])
def test_every_number_of_a_z_is_looked_at(info: ModelInfo, bad: Any) -> None:
    with pytest.raises(RealtimeError, match="z is "):
        ask(info, "/morph/z", *[0.0] * (info.latent_dim - 1), bad)


def test_optional_arguments_come_last_and_paths_once() -> None:
    assert len({address.path for address in ADDRESSES}) == len(ADDRESSES)
    for address in ADDRESSES:
        optional = [argument.optional for argument in address.arguments]
        assert optional == sorted(optional)
        assert not any(argument.many for argument in address.arguments[:-1])


def test_the_page_is_the_table() -> None:
    """`python -m realtime.addresses > docs/osc.md` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == markdown()
    for address in ADDRESSES:
        assert f"`{address.path}`" in markdown()
