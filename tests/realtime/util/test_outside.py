"""Any bytes in files and messages from outside are accepted, or refused with a one-line error."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.control import osc
from realtime.control.osc import OscError
from realtime.control.presets import PresetFile
from realtime.model.decoder import Decoder
from realtime.model.schema import ModelInfo
from realtime.offline import sequence
from realtime.offline.sequence import SequenceError
from realtime.surfaces import midi_map
from realtime.surfaces.midi_map import MapError
from realtime.synth import command_log
from realtime.synth.command_log import LogError
from realtime.util import outside
from realtime.util.errors import ModelError
from realtime.util.outside import MAX_DEPTH, OutsideError
from realtime.util.repair import repair_flac, repair_wav
from tests.damage import values

DEEP = "[" * 100_000
# a plugin host may make this thread replace subnormal numbers with 0
FINITE = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
VALUES = values(st.integers(-(2**64), 2**64) | FINITE, max_leaves=12)
SECTIONS = VALUES.map(
    lambda value: json.dumps(
        {"soundmorph_presets": 1, "models": {"tiny 0123": value, "tiny": [value]}}
    ).encode()
)
TEXTS = st.text(st.sampled_from("[]{}\",:=.\\u0123456789dDeE+-_ntrfaxob#\n 'é\x00\x1b"), max_size=200)


FEW = settings(max_examples=30)  # fewer examples than usual, for tests that write files


@given(VALUES)
def test_json_is_read_as_it_was_written(value: Any) -> None:
    assert outside.from_json(json.dumps(value)) == value
    assert outside.from_json(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        (b"\xff", "not UTF-8 text"),
        (b"\xed\xa0\x80", "not UTF-8 text"),
        ("{", "not JSON"),
        ("[NaN]", "NaN is not a finite number"),
        ("[-Infinity]", "-Infinity is not a finite number"),
        ("[1e999]", "1e999 is not a finite number"),
        ("9" * 400, "a number has more than 20 digits"),
        ("9" * 5000, "a number has more than 20 digits"),
        (DEEP, f"nested more than {MAX_DEPTH} deep"),
        ("[" * 33 + "1" + "]" * 33, f"nested more than {MAX_DEPTH} deep"),
        ('["\\ud800"]', "a string contains invalid characters"),
        ('{"\\udcff": 1}', "a string contains invalid characters"),
    ],
)
def test_json_beyond_the_limits_is_refused(source: bytes | str, fault: str) -> None:
    with pytest.raises(OutsideError) as error:
        outside.from_json(source)
    assert str(error.value) == fault


def test_numbers_that_are_not_finite_are_null_on_request() -> None:
    assert outside.from_json("[NaN, 1e999, -Infinity, 0.5]", nulls=True) == [None, None, None, 0.5]


def test_names_of_files_may_have_bytes_that_are_not_text() -> None:
    name = os.fsdecode(b"kick\xff.wav")
    assert outside.from_json(json.dumps([name]), file_names=True) == [name]
    with pytest.raises(OutsideError):
        outside.from_json('["\\ud800"]', file_names=True)


@pytest.mark.parametrize(
    "source",
    ["x = ", "x = " + "9" * 5000, "x = 0x" + "f" * 5000, "x = " + "9" * 400, "x = " + DEEP,
     "x = 1979-99-99", ".".join("x" * 1000) + " = 1", "x = \xff"],
)  # fmt: skip
def test_toml_beyond_the_limits_is_refused(source: str) -> None:
    with pytest.raises(OutsideError):
        outside.from_toml(source.encode("latin-1"))


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert outside.read(path, 5) == b"12345"
    with pytest.raises(OutsideError, match="larger than 4 bytes"):
        outside.read(path, 4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(OutsideError, match="not a regular file"):
            outside.read(path, 5)
    with pytest.raises(LogError, match="not a regular file"):
        command_log.read_header(pipe)
    with pytest.raises(SequenceError, match="not a regular file"):
        sequence.read(pipe)


@FEW
@given(TEXTS | st.sampled_from([DEEP, "9" * 400, "9" * 5000, '"\\ud800"', "NaN"]).map('{{"at": {}}}'.format))
def test_any_line_of_a_log_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, line: str) -> None:
    log = tmp_path_factory.getbasetemp() / "fuzz.jsonl"
    log.write_bytes(b"{}\n" + line.encode() + b"\n{}\n")
    with pytest.raises(LogError):
        command_log.read_header(log)
    with pytest.raises(LogError):
        list(command_log.commands(log, 4))


@FEW
@given(TEXTS | st.sampled_from(["[[step]]\nbeat = " + "9" * 400, "seed = 0x" + "f" * 5000, "x = " + DEEP]))
def test_any_toml_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, source: str) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.toml"
    path.write_bytes(source.encode())
    with pytest.raises(SequenceError):
        sequence.read(path)
    try:
        rules = midi_map.read(path)
    except MapError:
        return
    assert rules.knobs == ()


@FEW
@given(st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()) | SECTIONS)
def test_presets_can_be_stored_whatever_the_preset_file_contains(
    tmp_path_factory: pytest.TempPathFactory, decoder: Decoder, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("presets") / "presets.json"
    path.write_bytes(content)
    shelf = PresetFile(path, lambda line: None)
    presets = shelf.open(decoder.info)
    presets.store("mine", (1.0, 2.0, 3.0, 4.0))
    shelf.save(presets)
    assert PresetFile(path).open(decoder.info)["mine"] == (1.0, 2.0, 3.0, 4.0)


@given(
    st.binary(max_size=200)
    | st.lists(st.binary(max_size=40)).map(lambda parts: b"#bundle\0" + b"\0\0\0\1".join(parts))
    | st.tuples(st.binary(max_size=20), st.binary(max_size=60)).map(
        lambda pair: b"/" + pair[0] + b"\0," + pair[1]
    )
)
def test_any_datagram_is_parsed_or_refused(datagram: bytes) -> None:
    try:
        osc.parse(datagram)
    except OscError as error:
        text = str(error)
        assert text


@given(st.binary(max_size=100) | st.binary(max_size=100).map(b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".__add__))
def test_any_file_is_repaired_as_a_recording_or_left_unchanged(content: bytes) -> None:
    file = io.BytesIO(content)
    repair_wav(file)
    assert len(file.getvalue()) <= len(content)


@given(st.binary(max_size=100), st.binary(max_size=40))
def test_any_file_is_repaired_as_a_flac_recording_or_left_unchanged(frames: bytes, more: bytes) -> None:
    file = io.BytesIO(
        content := b"fLaC\0\0\0\x22\x10\0" + bytes(32) + b"\xff\xf8" + frames + b"\xff\xf8" + more
    )
    repair_flac(file)
    assert len(file.getvalue()) <= len(content)


@given(TEXTS | VALUES.map(json.dumps))
def test_any_metadata_is_read_or_refused(source: str) -> None:
    with pytest.raises(ModelError):
        ModelInfo.from_metadata({"soundmorph_schema": "1", "soundmorph": source})
