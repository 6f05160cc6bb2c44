"""Well-formed files with damaged content are either refused with a message of one line, or can be used."""

from __future__ import annotations

import json
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st

from realtime.control import osc
from realtime.control.dispatcher import Control
from realtime.control.pattern import Lane, Pattern
from realtime.control.presets import Last, PresetFile
from realtime.control.protocol import Message
from realtime.model import verify
from realtime.model.decoder import Decoder
from realtime.model.encoder import Encoder, encoder_path
from realtime.model.preprocess import prepare
from realtime.model.schema import ENCODER_KEY, INFO_KEY, SCHEMA_KEY, EncoderInfo, ModelInfo
from realtime.offline import sequence
from realtime.offline.score import Event, Points, events
from realtime.offline.sequence import Sequence, SequenceError
from realtime.surfaces import midi_map, midi_ports
from realtime.surfaces.midi import Mapper
from realtime.surfaces.midi_map import MapError
from realtime.synth import command_log
from realtime.synth.command_log import COMMANDS, LogError
from realtime.synth.commands import Command
from realtime.synth.mixer import Mixer
from realtime.util import outside
from realtime.util.errors import ModelError, RealtimeError
from tests.damage import accepted, changed, damaged, toml_file
from tests.realtime.control.recording_player import RecordingPlayer

FEW = settings(max_examples=40)  # fewer examples than usual, for tests that write files
LINES: list[dict[str, Any]] = [
    {"at": 1, "do": "z", "z": [0.5, -1.0, 0.0, 2.0], "touch": 7},
    {"at": 2, "do": "dimension", "index": 3, "value": 1.5},
    {"at": 3, "do": "axis", "axis": [1.0, 0.0, 0.0, 0.0], "origin": [0.0] * 4, "value": -0.5},
    {"at": 4, "do": "goto", "z": [0.0] * 4, "ms": 3.0, "curve": "smooth", "through": [[1.0] * 4] * 2},
    {"at": 5, "do": "trigger", "velocity": 0.5, "point": [0.0] * 4, "offset": [0.1] * 4, "pitch": -7.0},
    {"at": 6, "do": "trigger", "pan": -0.5, "decay_ms": 80.0, "reverse": True, "choke": 2, "level_db": -6.0},
    {"at": 7, "do": "stop", "touch": 2},
    {"at": 8, "do": "gain", "db": -6.0},
    {"at": 9, "do": "mode", "mode": "latch"},
    {"at": 10, "do": "ticks", "at_once": 2},
]
HEADER: dict[str, Any] = {
    "soundmorph_log": 1, "model": "tiny.onnx", "model_sha256": "00", "latent_dim": 4, "sample_rate": 48_000,
    "channels": 6, "voices": 4, "chunk_frames": 4, "gain_db": -6.0, "block": 128, "versions": {"python": "3"},
    "plugins": [{"path": "a.vst3", "name": "a", "parameters": {"x": 0.5}}], "outs": ["kick", "touch/3"],
}  # fmt: skip
SEQUENCE: dict[str, Any] = {
    "tempo": [[0, 120], [2, 90]],
    "mode": "latch",
    "seed": 7,
    "loops": 2,
    "length": 4.0,
    "gain": -3.0,
    "points": {
        "a": {"between": ["kick", "snare"], "t": 0.3, "way": "even"},
        "b": {"z": [0.0, 0.1, 0.2, 0.3]},
        "c": {"point": "a"},
        "d": {"preset": "mine"},
        "e": {"wav": "x.wav"},
    },
    "defaults": {"velocity": 0.5},
    "step": [
        {"beat": 0, "point": "a", "repeat": 3, "every": 0.5, "pan": -1.0, "name": "one"},
        {"time": 1.0, "point": "b", "glide": 100.0, "through": ["a"], "hit": False, "voice": "left"},
        {"beat": 2, "walk": 0.5, "pitch": 3.0, "reverse": True},
    ],
}
MAP: dict[str, Any] = {
    "knob": [
        {"target": "/morph/z/3", "cc": 21, "channel": 2, "bits": 14, "low": -1.5, "high": 2.0},
        {"target": "/morph/xy", "source": "bend", "argument": "x", "arguments": [0.25], "pickup": False},
    ],
    "notes": [{"target": "/morph/trigger", "channel": 1, "low": 36, "high": 99, "name": "kick", "choke": 2}],
    "program": [{"number": 5, "preset": "dark", "ms": 500.0}],
    "mpe": {"zone": "upper", "members": 4, "x": "pressure", "y": "note", "release": "stop"},
}
PLAYED = [
    mido.Message.from_bytes(data)
    for data in (
        *(b"\xb1\x15\x40", b"\xb1\x35\x01", b"\xe0\x00\x40", b"\x90\x24\x7f", b"\xa0\x24\x7f", b"\xc0\x05"),
        *(
            b"\xed\x00\x10",
            b"\xbd\x4a\x10",
            b"\xdd\x10",
            b"\x9d\x40\x50",
            b"\x8d\x40\x00",
            b"\xf8",
            b"\xb0\x7b\x00",
        ),
    )
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="module")
def mixer(decoder: Decoder, tiny_model: Path) -> Mixer:
    return Mixer(Decoder(tiny_model, capacity=8), 48_000, voices=4)


def is_logged(command: Command, dim: int) -> bool:
    """Return whether the log line of the command is read as the same command, or left out on purpose."""
    line = command_log.to_json(0, command)
    return line is None or command_log.from_json(json.loads(json.dumps(line)), dim) == (0, command)


@given(st.sampled_from(LINES).flatmap(damaged))
def test_a_line_of_a_log_is_refused_or_can_be_played(mixer: Mixer, line: dict[str, Any]) -> None:
    found = accepted(lambda: command_log.from_json(outside.from_json(json.dumps(line)), 4), RealtimeError)
    if found is None or (command := found[1]) is None:
        return
    assert is_logged(command, 4)
    if line["do"] not in ("model", "plugin"):
        mixer.submit(command)
        block = np.empty((64, 2), np.float32)
        mixer.render(block)
        assert np.isfinite(block).all()


@FEW
@given(damaged(HEADER))
def test_the_header_of_a_log_is_refused_or_can_be_written_again(folder: Path, header: dict[str, Any]) -> None:
    path = folder / "log.jsonl"
    path.write_text(json.dumps(header) + "\n")
    if (found := accepted(lambda: command_log.read_header(path), LogError)) is not None:
        command_log.CommandLog(path, found, force=True).close(0)
        assert command_log.read_header(path) == found


@FEW
@given(damaged(SEQUENCE))
def test_a_sequence_file_is_refused_or_has_events(
    folder: Path, decoder: Decoder, tables: dict[str, Any]
) -> None:
    path = folder / "sequence.toml"
    path.write_text(toml_file(tables), encoding="utf-8")

    def points(read: Sequence) -> Points:
        return Points(read, decoder.info, {"mine": (0.0,) * 4})

    def some() -> list[Event]:
        read = sequence.read(path, lambda read: points(read).mistakes())
        return list(islice(events(read, points(read), 1000), 20))

    for event in accepted(some, SequenceError) or ():
        assert all(is_logged(command, 4) for command in event.commands)


@FEW
@given(damaged(MAP))
def test_a_midi_map_is_refused_or_turns_midi_into_valid_messages(
    folder: Path, tables: dict[str, Any]
) -> None:
    path = folder / "map.toml"
    path.write_text(toml_file(tables), encoding="utf-8")
    if (rules := accepted(lambda: midi_map.read(path), MapError)) is None:
        return
    mapper = Mapper(rules)
    for message in PLAYED:
        for sent in mapper.feed(message, 0.0):
            assert osc.parse(osc.encode(sent))
    midi_map.write(path, rules)
    assert midi_map.read(path) == rules


def logged(player: RecordingPlayer) -> list[Command]:
    return [command for command in player.take() if isinstance(command, tuple(COMMANDS.values()))]


@given(st.lists(st.integers(128, 255) | st.integers(0, 127), max_size=4).map(bytes))
@example(b"\xe0\x00")
def test_a_midi_message_is_ignored_or_turned_into_valid_messages(message: bytes) -> None:
    if (parsed := midi_ports.parse(message, 0.0)) is not None:
        for sent in Mapper(midi_map.DEFAULT).feed(parsed, 0.0):
            assert osc.parse(osc.encode(sent))


def presets_content(info: ModelInfo, folder: Path) -> dict[str, Any]:
    """Return the content of a preset file: presets, patterns and the last state of the server."""
    shelf = PresetFile(folder / "whole.json", lambda line: None)
    presets = shelf.open(info)
    presets.store("mine", (1.0, 2.0, 3.0, 4.0))
    lane = Lane("kick", "snare", (0.5, *[0.0] * 63), (0.25, *[0.0] * 63), 1).changed({"pitch": 3.0})
    presets.patterns.grid = Pattern(lanes=(lane,), path=((0.5, 0.25), (1.0, 0.0)))
    presets.patterns.store("loop")
    presets.last = Last((0.0,) * 4, -6.0, "latch")
    shelf.save(presets)
    content: dict[str, Any] = json.loads((folder / "whole.json").read_text())
    return content


@FEW
@given(st.data())
def test_parts_of_a_preset_file_are_left_out_or_can_be_played(
    folder: Path, decoder: Decoder, data: st.DataObject
) -> None:
    info, path = decoder.info, folder / "presets.json"
    path.write_text(json.dumps(data.draw(damaged(presets_content(info, folder)))))
    control = Control(info, player := RecordingPlayer(), preset_file=PresetFile(path, lambda line: None))
    control.restore()
    for name in list(control.presets):
        control.handle([Message("/morph/preset/recall", (name,))], ("", 0))
    for name in ("", *control.presets.patterns):
        control.handle([Message("/morph/seq/recall", (name,)), Message("/morph/seq/start")], ("", 0))
    assert all(is_logged(command, 4) for command in logged(player))
    control.presets.store("new", (1.0,) * 4)
    control.close()
    assert PresetFile(path, lambda line: None).open(info)["new"] == (1.0,) * 4


@given(st.data())
def test_metadata_of_a_decoder_is_refused_or_can_be_played(decoder: Decoder, data: st.DataObject) -> None:
    whole = {key: json.loads(value) for key, value in decoder.info.to_metadata().items()}
    content = json.dumps(data.draw(damaged(whole[INFO_KEY])))
    metadata = {SCHEMA_KEY: str(whole[SCHEMA_KEY]), INFO_KEY: content}
    if (info := accepted(lambda: ModelInfo.from_metadata(metadata), ModelError)) is None:
        return
    assert ModelInfo.from_metadata(info.to_metadata()) == info
    control = Control(info, player := RecordingPlayer(info.latent.mean))
    hits = [Message("/morph/trigger", (1.0, each.name)) for each in info.classes]
    control.handle([*hits, Message("/morph/xy", (0.5, 0.5)), Message("/morph/macro/0", (1.0,))], ("", 0))
    for question in ("classes", "dimensions", "map", "xy", "macros", "probabilities"):
        control.handle([Message(f"/morph/get/{question}")], ("", 0))
    assert all(is_logged(command, info.latent_dim) for command in logged(player))


@given(st.data())
def test_metadata_of_an_encoder_is_refused_or_prepares_sounds(tiny_model: Path, data: st.DataObject) -> None:
    whole = verify.read_encoder(encoder_path(tiny_model)).info.to_metadata()
    content = json.dumps(data.draw(damaged(json.loads(whole[ENCODER_KEY]))))
    metadata = {**whole, ENCODER_KEY: content}
    if (info := accepted(lambda: EncoderInfo.from_metadata(metadata), ModelError)) is None:
        return
    assert EncoderInfo.from_metadata(info.to_metadata()) == info
    how, tone = info.preparation, np.sin(np.arange(3000.0))
    if (sound := accepted(lambda: prepare(tone, 8000, how), RealtimeError)) is None:
        return
    assert sound.shape == (info.preparation.length,)
    assert np.isfinite(sound).all()


@pytest.fixture(scope="module")
def sounds(folder: Path) -> dict[str, bytes]:
    """The content of a short stereo sound file for each suffix that messages and the web page accept."""
    tone = 0.5 * np.sin(np.arange(400.0))[:, None] * [1.0, -0.5]
    found = {}
    for suffix in (".wav", ".flac", ".aiff", ".ogg"):
        soundfile.write(folder / f"whole{suffix}", tone, 8000)
        found[suffix] = (folder / f"whole{suffix}").read_bytes()
    return found


@given(st.data())
def test_a_sound_file_is_refused_or_read(
    folder: Path, tiny_model: Path, sounds: dict[str, bytes], data: st.DataObject
) -> None:
    suffix = data.draw(st.sampled_from(sorted(sounds)))
    path = folder / f"sound{suffix}"
    path.write_bytes(data.draw(changed(sounds[suffix], 200)))
    encoder = _encoder(tiny_model)
    if (sound := accepted(lambda: encoder.read_file(path), RealtimeError)) is None:
        return
    assert sound.shape == (encoder.info.preparation.length,)
    assert np.isfinite(sound).all()


@lru_cache(1)
def _encoder(model: Path) -> Encoder:
    return Encoder(encoder_path(model))
