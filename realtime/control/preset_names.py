"""Strings that list presets of the current model, and of other models with the same name."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

from realtime.model.names import Names
from realtime.util.errors import ControlError

NAMED = 12  # maximum number of presets named in one line


def first(names: Collection[str]) -> str:
    """Return a string with the first names, such as `fat, thin, …`."""
    return ", ".join([*names][:NAMED] + ["…"] * (len(names) > NAMED))


def taking_over(name: str, elsewhere: Mapping[str, str]) -> str:
    """Return a hint for taking over a preset of another model, or "" if no other model has the preset.

    Args:
        elsewhere: for presets of other models of the same name: name of the preset -> command that takes the
            preset over.
    """
    found = Names(elsewhere).find(name)
    if found is None:
        return ""
    return f"another model of this name has the preset; to take it over: {elsewhere[found]}"


def missing(name: str, names: Collection[str], elsewhere: Mapping[str, str]) -> ControlError:
    """Return the error for a name that no preset has.

    Args:
        names: names of the existing presets.
        elsewhere: as for `taking_over`.
    """
    near = difflib.get_close_matches(name, names, n=1)
    hint = taking_over(name, elsewhere) or (f"did you mean {near[0]}? " if near else "") + (
        f"presets are {first(names)}" if names else "there are no presets yet"
    )
    return ControlError(f"no preset named {name!r}; {hint}")
