"""Reads untrusted input (files, JSON, TOML) within limits that no legitimate content reaches."""

from __future__ import annotations

import json
import math
import os
import stat
import sys
from pathlib import Path
from typing import Any, BinaryIO

from realtime.util.errors import RealtimeError

MAX_DEPTH = 32  # maximum number of levels of nested lists and tables
MAX_DIGITS = 20  # maximum number of digits of a whole number; a 64-bit number has at most 20


class OutsideError(RealtimeError):
    """Content that is not accepted. The message leaves out the file's name, which the caller knows."""


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading; a pipe or a device is refused without waiting for it.

    Raises:
        OSError: the file cannot be opened.
        OutsideError: the path is not a regular file.
    """
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError:  # a null byte, or a character that no file name has
        raise OutsideError("not the name of a file") from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OutsideError("not a regular file")
    return open(number, "rb")


def read(path: Path, limit: int) -> bytes:
    """Return the content of a file of at most `limit` bytes.

    Raises:
        OSError: the file cannot be read.
        OutsideError: the file is too large, or not a regular file.
    """
    with open_file(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        size = f"{limit // 2**20} MB" if limit >= 2**20 else f"{limit} bytes"
        raise OutsideError(f"larger than {size}")
    return content


def text(content: bytes) -> str:
    """Decode UTF-8.

    Raises:
        OutsideError: the content is not UTF-8.
    """
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise OutsideError("not UTF-8 text") from None


def from_json(source: bytes | str, *, file_names: bool = False, nulls: bool = False) -> Any:
    """Parse JSON with finite numbers and with strings that UTF-8 can encode.

    Args:
        source: the text; bytes are decoded as UTF-8.
        file_names: also accept the surrogates by which Python represents undecodable bytes in file names.
        nulls: read NaN and infinity as null instead of refusing the text.

    Raises:
        OutsideError: the text is not JSON of this kind, or exceeds a limit.
    """
    source = text(source) if isinstance(source, bytes) else source
    try:
        content = json.loads(
            source,
            parse_int=_whole,
            parse_float=_float if nulls else _finite,
            parse_constant=_float if nulls else _finite,
        )
    except RecursionError:
        raise OutsideError(_DEEP) from None
    except ValueError:
        raise OutsideError("not JSON") from None
    deep = source.count("[") + source.count("{") > MAX_DEPTH
    if deep or "\\u" in source:
        _check(content, file_names)
    return content


def from_toml(content: bytes) -> dict[str, Any]:
    """Parse TOML. Whole numbers have at most `MAX_DIGITS` digits.

    Raises:
        OutsideError: the content is not TOML, or exceeds a limit.
    """
    if sys.version_info >= (3, 11):  # imported here, because many servers never read TOML
        import tomllib
    else:
        import tomli as tomllib
    try:
        tables = tomllib.loads(text(content))
    except RecursionError:
        raise OutsideError(_DEEP) from None
    except tomllib.TOMLDecodeError as error:
        raise OutsideError(f"not TOML: {error}") from None
    except ValueError:  # Python refuses very long numbers and impossible dates
        raise OutsideError("not TOML: a number or a date is not accepted") from None
    _check(tables)
    return tables


_DEEP = f"nested more than {MAX_DEPTH} deep"
_LONG = f"a number has more than {MAX_DIGITS} digits"


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise OutsideError(_LONG)
    return int(digits)


def _float(number: str) -> float | None:
    value = float(number)
    return value if math.isfinite(value) else None


def _finite(number: str) -> float:
    if (value := _float(number)) is None:
        raise OutsideError(f"{number[:40]} is not a finite number")
    return value


def _check(content: Any, file_names: bool = False) -> None:
    """Check depth, whole numbers and strings."""
    level, depth = [content], 0
    while level:
        depth += 1
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str):
                _check_text(value, file_names)
            elif isinstance(value, int) and abs(value) >= 10**MAX_DIGITS:
                raise OutsideError(_LONG)
        if below and depth > MAX_DEPTH:
            raise OutsideError(_DEEP)
        level = below


def _check_text(value: str, file_names: bool) -> None:
    try:
        value.encode(errors="surrogateescape" if file_names else "strict")
    except UnicodeEncodeError:
        raise OutsideError("a string contains invalid characters") from None
