"""The state of the server that a plugin host (a DAW) stores in its project.

The state consists of the model, the point (the performer's position in the latent space), presets, pattern
and settings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from realtime.control.dispatcher import Control
from realtime.control.pattern import Patterns
from realtime.control.presets import points_of
from realtime.control.protocol import NOBODY, Message
from realtime.util.errors import ControlError

FORMAT, VERSION = "soundmorph_project", 1
CHECKSUM = 16  # number of digits of a model's digest that a project stores

Project = dict[str, Any]


def project(control: Control, model: Path) -> Project:
    """Return the state as JSON-compatible values; `model` is the file of the current model.

    Raises:
        RealtimeError: no engine is running at the moment.
    """
    info, status, settings = control.info, control.status(), control.settings()
    return {
        FORMAT: VERSION,
        "model": {"name": info.name, "checksum": info.digest[:CHECKSUM], "file": str(model)},
        "z": list(control.where()),
        "gain_db": status["gain_db"],
        "mode": status["mode"],
        "settings": settings.hit.settings,
        "glide": asdict(settings.travel),
        **control.presets.section(),
    }


def differs(wanted: Project, control: Control) -> str:
    """Return the reason why a project's points do not fit the current model; "" if they fit."""
    info, (name, checksum) = control.info, model_of(wanted)
    if not checksum or checksum == info.digest[:CHECKSUM]:
        return ""
    if name == info.name:
        return f"the project uses a different version of {name} ({checksum}, not {info.digest[:CHECKSUM]})"
    return f"the project's model {name} ({checksum}) is missing here; {info.name} is playing instead"


def model_of(wanted: Project) -> tuple[str, str]:
    """Return the name and the checksum of a project's model; a malformed checksum becomes ""."""
    model = _part(wanted, "model")
    checksum = str(model.get("checksum", ""))
    return str(model.get("name", ""))[:80], checksum if re.fullmatch(
        f"[0-9a-f]{{{CHECKSUM}}}", checksum
    ) else ""


def restore(wanted: Project, control: Control) -> list[str]:
    """Restore the state of a project; return a line for each part that could not be restored.

    The point, presets and pattern belong to the project's model. If a different model is playing, these three
    parts are not restored.
    """
    faults = [reason] if (reason := differs(wanted, control)) else []
    messages = []
    if not faults:
        faults += _adopt(wanted, control)
        if isinstance(z := wanted.get("z"), list):
            messages.append(Message("/morph/z", tuple(z)))
    messages += [Message(f"/morph/{name}", (value,)) for name, value in _part(wanted, "settings").items()]
    glide = _part(wanted, "glide")
    if {"length", "curve", "path"} <= glide.keys():
        address = "/morph/glide/beats" if glide.get("in_beats") else "/morph/glide"
        messages.append(Message(address, (glide["length"], glide["curve"], glide["path"])))
    for key, address in (("gain_db", "/morph/gain"), ("mode", "/morph/mode")):
        if key in wanted:
            messages.append(Message(address, (wanted[key],)))
    return faults + [_words(answer) for answer in _sent(messages, control)]


def _adopt(wanted: Project, control: Control) -> list[str]:
    points, odd = points_of(wanted, control.info.latent_dim)
    patterns, odd_patterns = Patterns.read(wanted.get("sequencer"))
    unknown = f"{odd} presets and {odd_patterns} patterns do not fit {control.info.name}"
    try:
        control.adopt(points, patterns)
    except ControlError as error:
        return [str(error)]
    return [unknown] if odd or odd_patterns else []


def _sent(messages: Sequence[Message], control: Control) -> list[Message]:
    now = [each for message in messages for each in control.handle([message], NOBODY)]
    return [answer for answer in now if answer.address == "/morph/error"]


def _words(answer: Message) -> str:
    return " ".join(map(str, answer.arguments))


def _part(wanted: Project, key: str) -> dict[str, Any]:
    value = wanted.get(key)
    return value if isinstance(value, dict) else {}
