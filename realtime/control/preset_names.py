"""Texts with names of presets: those of the model, and those of an earlier version of the model."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

from realtime.model.names import Names
from realtime.util.errors import ControlError

NAMED = 12  # presets that a line names at most


def first(names: Collection[str]) -> str:
    """Return the first names: `fat, thin, …`."""
    return ", ".join([*names][:NAMED] + ["…"] * (len(names) > NAMED))


def taking_over(name: str, elsewhere: Mapping[str, str]) -> str:
    """Return a hint for taking over a preset of an earlier version, or "" if none has that name.

    Args:
        elsewhere: for each preset of an earlier version, the command that takes it over.
    """
    found = Names(elsewhere).find(name)
    if found is None:
        return ""
    return f"an earlier version of this model has the preset; to take it over: {elsewhere[found]}"


def missing(name: str, names: Collection[str], elsewhere: Mapping[str, str]) -> ControlError:
    """Return the error for a name that no preset has.

    Args:
        names: names of the existing presets.
        elsewhere: as for `taking_over`.
    """
    near = difflib.get_close_matches(name, names, n=1)
    hint = taking_over(name, elsewhere) or (f"did you mean {near[0]}? " if near else "") + (
        f"presets are {first(names)}" if names else "there are none yet"
    )
    return ControlError(f"no preset named {name!r}; {hint}")
