"""The outs: pairs of outputs.

The pair for a hit is chosen by the hit's setting `out`, by its touch or by its class, in this order. A touch
is a finger on a controller or a track of a sequencer; a class is a kind of sound, such as kick.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from realtime.model.names import Names
from realtime.model.schema import ModelInfo
from realtime.model.shares import Shares
from realtime.synth.commands import HIT_SETTINGS, Trigger
from realtime.synth.glide import Point
from realtime.util.errors import RealtimeError

MAX_OUTS = int(HIT_SETTINGS["out"].quantity.high)
MAIN = 0
"""Index of the first pair of outputs, which gets all hits that no other pair gets."""
_NUMBERED = re.compile(r"(touch|class)/(\d{1,3})")


class Outs:
    """The pairs of outputs of a mixer, `MAIN` and one for each name.

    Args:
        names: each is the name of a class, "class/3" for the model's third class, or "touch/3". A pair with
            any other name gets only the hits whose `out` is its index.
        info: the current model.
    """

    def __init__(self, names: Sequence[str], info: ModelInfo) -> None:
        self.pairs = 1 + len(names)
        self._shares = Shares(info)
        numbers = {name: number for number, name in enumerate(names, MAIN + 1)}
        numbered = {(m[1], int(m[2])): n for name, n in numbers.items() if (m := _NUMBERED.fullmatch(name))}
        self._touches = {touch: number for (kind, touch), number in numbered.items() if kind == "touch"}
        classes = Names(each.name for each in info.classes)
        found = {classes.find(name): number for name, number in numbers.items()}
        self._classes = [
            found.get(each.name, numbered.get(("class", place), MAIN))
            for place, each in enumerate(info.classes, 1)
        ]

    def of(self, hit: Trigger, z: Point) -> int:
        """Return the index of the pair for a hit that starts at z [D], a position in the latent space."""
        if self.pairs == 1:
            return MAIN
        if hit.out:
            return hit.out if hit.out < self.pairs else MAIN
        if hit.touch in self._touches:
            return self._touches[hit.touch]
        return self._classes[int(np.argmax(self._shares.at(z)))]


def check(names: Sequence[str]) -> None:
    """Check names of outs.

    Raises:
        RealtimeError: there are too many names, a name is given twice, or a name is not accepted for a port.
    """
    if len(names) > MAX_OUTS:
        raise RealtimeError(f"there are {len(names)} outs; at most {MAX_OUTS} are accepted")
    for name in names:
        if not re.fullmatch(r"[\w/. -]{1,64}", name):
            raise RealtimeError(f"out {name!r} is not a name of up to 64 letters, digits and . - _ /")
    if len(set(names)) < len(names):
        raise RealtimeError("an out is named twice")
