"""Converts the table of addresses to an OSCQuery tree (https://github.com/Vidvox/OSCQueryProposal).

Values come from the server's own `/morph/get/…` replies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from realtime.control.addresses import ADDRESSES
from realtime.control.protocol import Address, Argument, Message
from realtime.model.schema import ModelInfo
from realtime.synth.commands import HIT_SETTINGS

Node = dict[str, Any]
Ask = Callable[[Sequence[Message]], list[Message]]

MAX_INDICES = 16  # number of touches, and of sequencer lanes, in the tree: as many as MIDI channels
WRITE, BOTH = 2, 3
ATTRIBUTES = (
    "FULL_PATH",
    "CONTENTS",
    "TYPE",
    "ACCESS",
    "RANGE",
    "VALUE",
    "DESCRIPTION",
    "UNIT",
    "CLIPMODE",
)
EXTENSIONS = {name: True for name in ATTRIBUTES if name not in ("FULL_PATH", "CONTENTS", "TYPE")}
QUESTIONS = tuple(
    Message(f"/morph/get/{what}") for what in ("z", "xy", "macros", "settings", "status", "presets")
)
PLUGINS = Message("/morph/get/plugins")  # asked only to build the tree, because plugins reply slowly


@dataclass(frozen=True)
class Knowledge:
    """The server's current values.

    Attributes:
        values: address -> current values of its arguments.
        presets: names of the presets.
        parameters: address -> description, lowest and highest value, for the parameters of plugins.
    """

    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    presets: tuple[str, ...] = ()
    parameters: Mapping[str, tuple[str, float, float]] = field(default_factory=dict)


def learn(ask: Ask, *, plugins: bool = False) -> Knowledge:
    """Query all values of a server and, if `plugins`, the parameters of the server's plugins."""
    values: dict[str, tuple[Any, ...]] = {}
    presets: list[str] = []
    parameters: dict[str, tuple[str, float, float]] = {}
    questions = (*QUESTIONS, PLUGINS) if plugins else QUESTIONS
    # one at a time, to let the server handle other clients' messages in between
    for answer in chain.from_iterable(ask((question,)) for question in questions):
        given = answer.arguments
        match answer.address:
            case "/morph/z.reply":
                values["/morph/z"] = given
                values.update({f"/morph/z/{i}": (x,) for i, x in enumerate(given)})
            case "/morph/xy.reply" if given:
                values["/morph/xy"] = given
            case "/morph/macros.reply":
                values.update({f"/morph/macro/{i}": (x,) for i, x in enumerate(given)})
            case "/morph/settings.reply":
                facts = dict(zip(given[::2], given[1::2], strict=True))
                values.update({f"/morph/{name}": (facts[name],) for name in HIT_SETTINGS})
                how = facts["curve"], facts["path"]
                values["/morph/glide"] = facts["glide"], *how
                values["/morph/glide/beats"] = facts["glide_beats"], *how
            case "/morph/status.reply":
                facts = dict(zip(given[::2], given[1::2], strict=True))
                values["/morph/gain"] = (facts["gain_db"],)
                values["/morph/mode"] = (facts["mode"],)
            case "/morph/presets.reply":
                presets += given
            case "/morph/plugins.reply" if len(given) > 2:
                n, _, plugin, _, _, *rest = given
                for name, low, high, value in zip(*(rest[i::4] for i in range(4)), strict=True):
                    path = f"/morph/plugin/{n}/{name}"
                    parameters[path] = f"{name} of {plugin}", low, high
                    values[path] = (value,)
    return Knowledge(values, tuple(presets), parameters)


def tree(info: ModelInfo, known: Knowledge, rows: Sequence[Address[Any, Any]] = ADDRESSES) -> Node:
    """Return the root node of the complete tree."""
    root: Node = {
        "FULL_PATH": "/",
        "ACCESS": 0,
        "DESCRIPTION": f"soundmorph playing {info.name}",
        "CONTENTS": {},
    }
    for row in rows:
        for path in _paths(row, info):
            _place(root, path).update(_method(row, path, info, known))
    for path, (description, low, high) in known.parameters.items():
        node = {"ACCESS": BOTH, "DESCRIPTION": description, "TYPE": "f", "VALUE": list(known.values[path])}
        _place(root, path).update(node, RANGE=[{"MIN": low, "MAX": high}])
    return root


def find(root: Node, path: str) -> Node | None:
    """Return the node at a path, or None."""
    node = root
    for word in filter(None, path.split("/")):
        inner = node.get("CONTENTS", {}).get(word)
        if inner is None:
            return None
        node = inner
    return node


def host_info(name: str, osc_address: tuple[str, int], web_address: tuple[str, int]) -> Node:
    """Return the HOST_INFO node: the server's name, addresses and extensions."""
    return {
        "NAME": name,
        "OSC_IP": osc_address[0],
        "OSC_PORT": osc_address[1],
        "OSC_TRANSPORT": "UDP",
        "WS_IP": web_address[0],
        "WS_PORT": web_address[1],
        "EXTENSIONS": {**EXTENSIONS, "LISTEN": True, "PATH_CHANGED": True},
    }


def _paths(row: Address[Any, Any], info: ModelInfo) -> Iterator[str]:
    """Yield the addresses of a row: a single address, or one for each dimension, axis or index.

    A row with a text placeholder, or with several placeholders, is left out of the tree. Indices are below
    `MAX_INDICES`.
    """
    if not row.placeholders:
        yield row.path
        return
    counts = {"/morph/z/<i>": info.latent_dim, "/morph/macro/<i>": len(info.pca.basis)}
    if len(row.placeholders) == 1 and row.placeholders[0].kind == "int":
        name = f"<{row.placeholders[0].name}>"
        for i in range(counts.get(row.path, min(int(row.placeholders[0].high) + 1, MAX_INDICES))):
            yield row.path.replace(name, str(i))


def _place(root: Node, path: str) -> Node:
    """Return the node at a path; create it and its containers if they are missing."""
    node, so_far = root, ""
    for word in path.strip("/").split("/"):
        so_far += f"/{word}"
        node = node.setdefault("CONTENTS", {}).setdefault(word, {"FULL_PATH": so_far, "ACCESS": 0})
    return node


def _method(row: Address[Any, Any], path: str, info: ModelInfo, known: Knowledge) -> Node:
    arguments = list(_arguments(row, info))
    value = known.values.get(path)
    node: Node = {
        "ACCESS": WRITE if value is None else BOTH,
        "DESCRIPTION": row.summary,
        "TYPE": "".join(_TAGS[a.kind] for a in arguments) or "N",
    }
    if arguments:
        node["RANGE"] = _usual(path, info) or [_range(a, info, known) for a in arguments]
        node["CLIPMODE"] = ["none"] * len(arguments)
        if any(a.unit for a in arguments):
            node["UNIT"] = [_UNITS.get(a.unit, a.unit) or None for a in arguments]
    if value is not None:
        node["VALUE"] = [float(v) if a.kind == "float" else v for a, v in zip(arguments, value, strict=True)]
    return node


_TAGS = {"float": "f", "int": "i", "text": "s", "any": "f"}
_UNITS = {"ms": "time.ms", "dB": "gain.db"}


def _arguments(row: Address[Any, Any], info: ModelInfo) -> Iterator[Argument]:
    """Yield the arguments that a client sends: all required ones, and the optional ones with a default.

    An argument that takes many values (z, weights) is repeated to its full length.
    """
    lengths = {"z": info.latent_dim, "weights": len(info.classes)}
    for argument in row.arguments:
        if argument.many:
            yield from [argument] * lengths.get(argument.name, 1)
        elif not argument.optional or argument.default is not None:
            yield argument


def _usual(path: str, info: ModelInfo) -> list[Node] | None:
    """Return the range of z from the 5th to the 95th percentile of the training sounds.

    Addresses that do not take z have no such range (None).
    """
    ends = [{"MIN": low, "MAX": high} for low, high in zip(info.latent.low, info.latent.high, strict=True)]
    head, _, last = path.rpartition("/")
    if path in ("/morph/z", "/wek/outputs") or (head.startswith("/morph/touch/") and last == "z"):
        return ends
    return [ends[int(last)]] if head == "/morph/z" else None


def _range(argument: Argument, info: ModelInfo, known: Knowledge) -> Node | None:
    if argument.choices:
        return {"VALS": list(argument.choices)}
    if argument.names == "points":
        return {"VALS": [*(c.name for c in info.classes), *known.presets]}
    if argument.names == "presets":
        return {"VALS": list(known.presets)}
    if argument.kind == "text":
        return None
    ends = {"MIN": argument.low, "MAX": argument.high}
    return {k: int(v) if argument.kind == "int" else v for k, v in ends.items() if math.isfinite(v)}
