"""Replies to the OSC questions `/morph/get/…`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from realtime.control.latent_space import LatentSpace
from realtime.control.protocol import REPLY_ITEMS, Message
from realtime.control.state.settings import Settings
from realtime.synth.commands import Z
from realtime.synth.player import Player, PluginChain

MAX_REPLY = 32_768  # maximum bytes of names in a datagram

Facts = Mapping[str, int | float | str]


def answer(question: str, space: LatentSpace, player: Player, z: Z, more: Facts) -> list[Message]:
    """Return the messages that answer a question `/morph/get/…`.

    Args:
        question: the last word of the address, such as "status".
        z: the performer's current position in the latent space, [D].
        more: facts that are added to the engine's status.

    Raises:
        ValueError: there is no such question.
    """
    info = space.info
    match question:
        case "ping":
            return [Message("/pong")]
        case "info":
            facts: dict[str, int | float | str] = {
                "name": info.name,
                "architecture": info.architecture,
                "sample_rate": info.sample_rate,
                "latent_dim": info.latent_dim,
                "length_ms": 1000.0 * info.length / info.sample_rate,
                "classes": len(info.classes),
                "anchors": len(info.anchors),
                "dynamics": int(space.expression.knows_velocity),
            }
            return [pairs("info", facts)]
        case "classes":
            return list(_lists("classes", [each.name for each in info.classes]))
        case "anchors":
            names = [(a.name, info.classes[a.label].name) for a in info.anchors]
            return list(_in_parts("anchors", names))
        case "map":
            return list(
                _in_parts(
                    "map", [(a.name, *xy) for a, xy in zip(info.anchors, space.map.tolist(), strict=True)]
                )
            )
        case "places":
            places = [(each.name, *space.on_map(each.centroid)) for each in info.classes]
            named = places if len(space.map) else []
            return [Message("/morph/places.reply", tuple(x for place in named for x in place))]
        case "dimensions":
            return list(_in_parts("dimensions", list(zip(info.latent.low, info.latent.high, strict=True))))
        case "presets":
            names_ = list(space.presets)
            parts = range(0, max(len(names_), 1), REPLY_ITEMS)
            return [Message("/morph/presets.reply", tuple(names_[at : at + REPLY_ITEMS])) for at in parts]
        case "z":
            return [Message("/morph/z.reply", z)]
        case "macros":
            return [Message("/morph/macros.reply", tuple(space.macros(z)))]
        case "xy":
            return [Message("/morph/xy.reply", space.on_map(z))]
        case "probabilities":
            shares = space.probabilities(z)
            return [pairs("probabilities", dict(zip((c.name for c in info.classes), shares, strict=True)))]
        case "latency":
            return [pairs("latency", player.latency())]
        case "status":
            return [status(player, more)]
        case _:
            raise ValueError(f"{question!r} is not a question")


def status(player: Player, more: Facts) -> Message:
    """Return the status reply, which subscribers also receive."""
    return pairs("status", {**player.status(), **more})


def settings(now: Settings, bpm: float) -> Message:
    """Return the reply with the settings for new hits and the default glide; `bpm` is the tempo."""
    travel = now.travel
    length = {"glide": travel.ms(bpm), "glide_beats": travel.beats}
    return pairs("settings", {**now.hit.settings, **length, "curve": travel.curve, "path": travel.path})


def plugins(chain: PluginChain) -> Iterator[Message]:
    """Yield the plugins with their parameters, in as many messages as necessary."""
    found = chain.facts()
    if not found:
        yield Message("/morph/plugins.reply", (0, 0))
    for n, plugin in enumerate(found):
        head = n, len(found), plugin.name, 1000.0 * plugin.latency_samples / plugin.sample_rate
        rows = [(name, *ends) for name, ends in plugin.parameters.items()]
        for first in range(0, max(len(rows), 1), REPLY_ITEMS):
            items = [x for row in rows[first : first + REPLY_ITEMS] for x in row]
            yield Message("/morph/plugins.reply", (*head, plugin.fault or "on", *items))


def pairs(what: str, facts: Facts) -> Message:
    """Return a reply that lists keys and values in turn."""
    return Message(f"/morph/{what}.reply", tuple(x for pair in facts.items() for x in pair))


def _lists(what: str, names: Sequence[str]) -> Iterator[Message]:
    """Yield one reply with all names, or several if a datagram cannot hold them."""
    part: list[str] = []
    size = 0
    for name in names:
        size += len(name.encode()) + 8
        if part and size > MAX_REPLY:
            yield Message(f"/morph/{what}.reply", tuple(part))
            part, size = [], len(name.encode()) + 8
        part.append(name)
    yield Message(f"/morph/{what}.reply", tuple(part))


def _in_parts(what: str, rows: Sequence[tuple[Any, ...]]) -> Iterator[Message]:
    """Yield replies that each begin with the index of their first row and the total number of rows."""
    for first in range(0, max(len(rows), 1), REPLY_ITEMS):
        items = [x for row in rows[first : first + REPLY_ITEMS] for x in row]
        yield Message(f"/morph/{what}.reply", (first, len(rows), *items))
