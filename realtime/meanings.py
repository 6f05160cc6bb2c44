"""From the checked arguments of an address to what they ask for: the functions that `addresses` names.

Where an address exists for the point and for a touch, the number of the touch comes first.
"""

from __future__ import annotations

from typing import Any

from realtime.commands import Goto, SetDimension
from realtime.errors import ControlError
from realtime.places import Places
from realtime.requests import Hit, Move, Nothing

MIDDLE_C = 60  # the MIDI note at which a sound is played as it was trained


def _touch(values: tuple[Any, ...], count: int) -> tuple[int | None, tuple[Any, ...]]:
    """The number of the touch, if one stands before the `count` arguments, and the arguments."""
    return (None, values) if len(values) == count else (values[0], values[1:])


def z(places: Places, values: tuple[Any, ...]) -> Move:
    """z, one number a dimension."""
    touch, (z,) = _touch(values, 1)
    dim = places.info.latent_dim
    if len(z) != dim:
        raise ControlError(f"takes {dim} numbers, one a dimension of z; got {len(z)}")
    return Move(z, touch)


def dimension(places: Places, values: tuple[Any, ...]) -> SetDimension:
    """A dimension and its value."""
    index, value = values
    dim = places.info.latent_dim
    if index >= dim:
        raise ControlError(f"z has dimensions 0 to {dim - 1}, not {index}")
    return SetDimension(index, value)


def xy(places: Places, values: tuple[Any, ...]) -> Move:
    """A place of the map."""
    touch, (x, y) = _touch(values, 2)
    return Move(places.at(x, y), touch)


def weights(places: Places, values: tuple[Any, ...]) -> Move:
    """Weights, of classes or of named points."""
    touch, (words,) = _touch(values, 1)
    return Move(places.blend(words), touch)


def goto(places: Places, values: tuple[Any, ...]) -> Goto:
    """A name, a time, a curve, a path."""
    name, ms, curve, path = values
    return Goto(places.point(name), ms, curve, path=path)


def path(places: Places, values: tuple[Any, ...]) -> Goto:
    """A time and names."""
    ms, names = values
    *through, z = (places.point(name) for name in names)
    return Goto(z, ms, path="spline", through=tuple(through))


def trigger(places: Places, values: tuple[Any, ...]) -> Hit:
    """A velocity and perhaps a name."""
    touch, (velocity, name) = _touch(values, 2)
    return Hit(velocity, None if name is None else places.point(name), touch)


def note(places: Places, values: tuple[Any, ...]) -> Hit | Nothing:
    """A MIDI note and velocity."""
    touch, (pitch, velocity) = _touch(values, 2)
    if velocity == 0:
        return Nothing()
    return Hit(velocity / 127.0, None, touch, semitones=float(pitch - MIDDLE_C))


def recall(places: Places, values: tuple[Any, ...]) -> Goto | Move:
    """A preset's name and perhaps a time."""
    name, ms = values
    if name not in places.presets:
        raise ControlError(f"no preset named {name!r}; `/morph/preset/list` tells which there are")
    z = places.presets[name]
    return Move(z) if ms is None else Goto(z, ms)
