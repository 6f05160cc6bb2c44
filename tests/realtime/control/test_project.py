"""Tests for projects, which contain a server's settings, presets and pattern.

A plugin host stores and restores projects. If a project's model is missing, each z (latent position) in it is
left out, and the server reports this.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from realtime.control import project
from realtime.control.dispatcher import Control
from realtime.control.protocol import NOBODY, Message
from realtime.model.decoder import Decoder
from realtime.synth.commands import Gain, Mode, SetZ
from tests.realtime.control.recording_player import RecordingPlayer

MODEL = Path("a model.onnx")
KEYS = ("model", "settings", "glide", "presets", "sequencer")


@pytest.fixture
def kept(decoder: Decoder) -> dict[str, Any]:
    """The project of a server with changed settings, a preset and a pattern."""
    control = Control(decoder.info, RecordingPlayer())
    for message in (
        Message("/morph/pan", (-0.5,)),
        Message("/morph/glide/beats", (2.0, "smooth")),
        Message("/morph/preset/store", ("mine",)),
        Message("/morph/seq/add"),
        Message("/morph/seq/store", ("beat",)),
        Message("/morph/seq/tempo", (99.0,)),
    ):
        control.handle([message], NOBODY)
    kept = project.project(control, MODEL)
    control.close()
    return kept


def test_project_restores_settings_presets_and_pattern(decoder: Decoder, kept: dict[str, Any]) -> None:
    player = RecordingPlayer()
    control = Control(decoder.info, player)
    player.played.clear()
    assert project.restore(kept, control) == []
    commands = player.take()
    for command in (SetZ(tuple(kept["z"])), Gain(0.0), Mode("live")):
        assert command in commands
    restored = project.project(control, MODEL)
    assert {key: restored[key] for key in KEYS} == {key: kept[key] for key in KEYS}
    control.close()


def test_points_of_a_different_model_are_left_out(decoder: Decoder, kept: dict[str, Any]) -> None:
    control = Control(decoder.info, RecordingPlayer())
    other = {**kept, "model": {"name": "other", "checksum": "0123456789abcdef"}}
    (fault,) = project.restore(other, control)
    assert fault.startswith("the project's model other (0123456789abcdef) is missing here")
    assert not control.presets
    assert control.settings().hit.settings["pan"] == -0.5
    version = {**kept, "model": {**kept["model"], "checksum": "0123456789abcdef"}}
    (fault,) = project.restore(version, control)
    assert fault.startswith(f"the project uses a different version of {decoder.info.name}")
    control.close()


def test_damaged_project_is_reported(decoder: Decoder, kept: dict[str, Any]) -> None:
    control = Control(decoder.info, RecordingPlayer())
    damaged = {**kept, "settings": {"pan": 7.0}, "presets": {"bad": [1.0]}, "glide": 3}
    faults = project.restore(damaged, control)
    assert f"1 presets and 0 patterns do not fit {decoder.info.name}" in faults
    assert any(fault.startswith("/morph/pan") for fault in faults)
    control.close()
