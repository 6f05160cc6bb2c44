"""Repairs sound files that a program left unfinished when it died: the headers then state the length."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from functools import cache
from typing import BinaryIO

_BEYOND = 2**32  # a number of bytes that a WAV header cannot state
_STREAMINFO = 8  # place of a FLAC file's description
_FRAME = b"\xff\xf8"  # start of a FLAC frame in a file whose frames, except the last, have the same length
_TAIL = 2**18  # number of bytes at the end of a FLAC file that hold two frames of eight channels


def repair_wav(file: BinaryIO) -> None:
    """Correct the header of a WAV or RF64 file, to make it count all complete samples."""
    size = file.seek(0, os.SEEK_END)
    places, align, at = dict[bytes, int](), 1, 12
    file.seek(0)
    kind = file.read(12)[:4]
    while b"data" not in places:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return  # the header is incomplete
        name, length = head[:4], struct.unpack("<I", head[4:])[0]
        places[name] = at + 8
        if name == b"fmt " and len(form := file.read(14)) == 14:
            align = max(1, struct.unpack("<12xH", form)[0])
        at += 8 + length + length % 2
    begin = places[b"data"]
    samples = max(0, size - begin) // align
    end = begin + samples * align
    file.truncate(end)
    if kind == b"RF64" and b"ds64" in places:
        _write(file, places[b"ds64"], "<QQQ", end - 8, samples * align, samples)
    elif end < _BEYOND:
        _write(file, 4, "<I", end - 8)
        _write(file, begin - 4, "<I", samples * align)
        if b"fact" in places:
            _write(file, places[b"fact"], "<I", samples)


def repair_flac(file: BinaryIO) -> None:
    """Write the number of samples into the header of a FLAC file; remove an incomplete frame at its end.

    The last complete frame states how many frames precede it, so only the end of the file is read (RFC 9639,
    sections 8.2 and 9).
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(_STREAMINFO + 18)
    if len(head) < _STREAMINFO + 18 or head[:4] != b"fLaC":
        return  # the header is incomplete
    begin = max(len(head), size - _TAIL)
    file.seek(begin)
    tail = file.read()
    headers = dict[int, tuple[int, int]]()
    at = tail.find(_FRAME)
    while at >= 0:
        if found := _frame_header(tail[at : at + 16]):
            headers[at] = found
        at = tail.find(_FRAME, at + 1)
    ends = {*headers, *range(max(0, len(tail) - 16), len(tail) + 1)}
    for at, (number, samples) in reversed(headers.items()):
        if end := _frame_end(tail, at, ends):
            usual, fields = struct.unpack_from(">H8xQ", head, _STREAMINFO)
            total = number * usual + samples
            file.truncate(begin + end)
            _write(file, _STREAMINFO + 10, ">Q", fields >> 36 << 36 | total % 2**36)
            return


def _frame_header(data: bytes) -> tuple[int, int] | None:
    """Return the number and the length in samples of the FLAC frame that begins `data`, or None."""
    if len(data) < 6 or data[2] < 16:
        return None
    coded, rate = data[2] >> 4, data[2] & 15
    ones = 8 - (data[4] ^ 0xFF).bit_length()  # the number is coded like a character in UTF-8
    at = 4 + max(1, ones)
    number = data[4] & 0x7F >> ones
    for byte in data[5:at]:
        number = number << 6 | byte & 0x3F
    extra = {6: 1, 7: 2}.get(coded, 0)
    length = int.from_bytes(data[at : at + extra], "big") + 1
    if not extra:
        length = 192 if coded == 1 else 576 << coded - 2 if coded < 6 else 1 << coded
    at += extra + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if len(data) <= at or _remainder(data[: at + 1], 0x07, 8):
        return None
    return number, length


def _frame_end(data: bytes, start: int, ends: set[int]) -> int | None:
    """Return the first of the possible `ends` of the FLAC frame at `start` that fits its checksum."""
    table, crc = _table(0x8005, 16), 0
    for at, byte in enumerate(data[start:], start + 1):
        crc = crc << 8 & 0xFFFF ^ table[crc >> 8 ^ byte]
        if not crc and at in ends:
            return at
    return None


def _remainder(data: bytes, polynomial: int, bits: int) -> int:
    """Return the cyclic redundancy check (CRC) of `data`; it is 0 if the data end with their checksum."""
    table, crc = _table(polynomial, bits), 0
    for byte in data:
        crc = crc << 8 & (1 << bits) - 1 ^ table[crc >> bits - 8 ^ byte]
    return crc


@cache
def _table(polynomial: int, bits: int) -> list[int]:
    """Return the remainders of all bytes."""
    rows = []
    for byte in range(256):
        crc = byte << bits - 8
        for _ in range(8):
            crc = (crc << 1 ^ polynomial * (crc >> bits - 1)) & (1 << bits) - 1
        rows.append(crc)
    return rows


def _write(file: BinaryIO, at: int, form: str, *values: int) -> None:
    file.seek(at)
    file.write(struct.pack(form, *values))


REPAIRS: dict[str, Callable[[BinaryIO], None]] = {".wav": repair_wav, ".flac": repair_flac}
"""The repair of each type of file, by its suffix."""
