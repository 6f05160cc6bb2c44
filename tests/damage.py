"""Damage well-formed content, to test the readers of files and messages."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from hypothesis import strategies as st

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = (
    st.integers(-(2**64), 2**64)
    | st.floats(allow_subnormal=False)  # a plugin host may make this thread flush subnormals to 0
    | st.sampled_from([0, -1, 1, 10**30, 2**31, 1e300, 0.5, True])
)


def values(numbers: st.SearchStrategy[Any], max_leaves: int) -> st.SearchStrategy[Any]:
    """Generate JSON values with these numbers, which may be nested in lists and dictionaries."""
    return st.recursive(
        st.none() | st.booleans() | numbers | WORDS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
        max_leaves=max_leaves,
    )


VALUES = values(NUMBERS, max_leaves=6)

T = TypeVar("T")


def accepted(read: Callable[[], T], *refusals: type[Exception]) -> T | None:
    """Return the result of `read`, or None if `read` raises one of `refusals` with a message of one line."""
    try:
        return read()
    except refusals as error:
        text = str(error)
    assert text
    assert "\n" not in text
    return None


@st.composite
def damaged(draw: st.DrawFn, content: Any) -> Any:
    """Generate copies of `content` in which up to three entries are replaced, removed or added."""
    found = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 3))):
        inside, key = draw(st.sampled_from(list(_entries(found)) or [({}, "")]))
        match draw(st.sampled_from(["replace", "replace", "remove", "add"])):
            case "replace":
                inside[key] = draw(VALUES)
            case "remove":
                inside.pop(key, None) if isinstance(inside, dict) else inside.pop(key)
            case "add" if isinstance(inside, dict):
                inside[draw(WORDS)] = draw(VALUES)
            case _:
                inside.insert(key, draw(VALUES))
    return found


@st.composite
def changed(draw: st.DrawFn, content: bytes, reach: int) -> bytes:
    """Generate copies of `content` with changes within `reach` bytes of its ends; some are truncated."""
    found = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, min(reach, len(found) - 1)))
        at = at if draw(st.booleans()) else len(found) - 1 - at
        found[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(found[: draw(st.integers(0, len(found)))] if draw(st.booleans()) else found)


def _entries(content: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the container and the key or index of every value in nested dictionaries and lists."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in list(pairs):
        yield content, key
        if isinstance(value, dict | list):
            yield from _entries(value)


def toml(value: Any) -> str:
    """Return a value as TOML, with inline tables. TOML has no null; None becomes the string "None"."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_text(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
    return repr(value) if isinstance(value, int | float) else _text(str(value))


def toml_file(tables: dict[str, Any]) -> str:
    """Return the text of a TOML file with the keys and values of `tables`."""
    return "".join(f"{_text(key)} = {toml(value)}\n" for key, value in tables.items())


def _text(text: str) -> str:
    escaped = "".join(f"\\u{ord(c):04x}" if ord(c) < 32 or c in '"\\\x7f' else c for c in text)
    return f'"{escaped}"'
