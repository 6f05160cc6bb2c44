"""Tests for a server with a real JACK server and real effect plugins, some of which hang or crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.system.rig import COMPRESSOR, Jack, Server, expected, onset

REVERB = COMPRESSOR.with_name("ZamVerb.vst3")
pytestmark = pytest.mark.skipif(not COMPRESSOR.exists(), reason="zam-plugins are not installed")


def test_jack_receives_the_same_sound_as_the_plugin_applied_offline(
    jack_server: Jack, tiny_model: Path, tmp_path: Path, crashing: Path
) -> None:
    """ZamVerb, which hangs in its trial, and a plugin that crashes are left out; ZamCompX2 is used."""
    from pedalboard._pedalboard import load_plugin

    options = ["--device", "system", "--synchronous"]
    options += [word for plugin in (REVERB, crashing, COMPRESSOR) for word in ("--plugin", str(plugin))]
    with (
        Server(tiny_model, *options, env=jack_server.env) as server,
        jack_server.recording(tmp_path / "heard.npy"),
    ):
        assert "plugin ZamVerb.vst3 is left out: it did not finish its trial" in server.output
        assert "plugin Crash.vst3 is left out: it crashed in its trial (signal 6)" in server.output
        z = np.asarray(server.ask("/morph/get/z")[1], np.float32)
        address, answer = server.ask("/morph/get/plugins")
        assert (address, answer[:3]) == ("/morph/plugins.reply", [0, 1, "ZamCompX2"])
        assert server.ask("/morph/plugin/0/attack", 1.0)[0] == "/morph/error"
        server.send("/morph/plugin/0/makeup_db", 6.0)
        server.send("/morph/trigger", 0.5)
        server.wait_until(hits=1)
        server.wait_until(voices=0)
        server.play_for(0.3)
    heard = np.load(tmp_path / "heard.npy")
    dry = 0.5 * expected(tiny_model, z, jack_server.sample_rate)
    effect: Any = load_plugin(str(COMPRESSOR))
    effect.makeup_db = 6.0
    start = onset(heard[:, 0]) - onset(dry)
    padded = np.zeros((2, len(heard)), np.float32)
    padded[:, start : start + len(dry)] = dry
    wanted = effect.process(padded, jack_server.sample_rate).T
    assert np.abs(wanted - padded.T).max() > 1e-3
    assert np.abs(heard - wanted).max() < 1e-4


def test_worker_is_restarted_without_plugins_when_one_hangs_while_playing(
    jack_server: Jack, tiny_model: Path, tmp_path: Path, hanging: tuple[Path, Path]
) -> None:
    options = ["--device", "system", "--synchronous", "--plugin", str(hanging[0])]
    options += ["--plugin", str(COMPRESSOR), "--record", str(tmp_path / "take.wav")]
    with Server(tiny_model, *options, env=jack_server.env) as server:
        server.wait_for("error: plugin ZamCompX2 hangs")
        server.wait_for("playing again with the last point; without plugins.*take-2.wav")
        assert server.ask("/morph/get/plugins") == ("/morph/plugins.reply", [0, 0])  # there are no plugins
        z = np.asarray(server.ask("/morph/get/z")[1], np.float32)
        with jack_server.recording(tmp_path / "heard.npy"):
            server.send("/morph/trigger", 0.05)
            server.wait_until(hits=1)
            server.wait_until(voices=0)
            server.play_for(0.3)
        assert server.stop() == 0
    heard = np.load(tmp_path / "heard.npy")
    dry = 0.05 * expected(tiny_model, z, jack_server.sample_rate)
    start = onset(heard[:, 0]) - onset(dry)
    wanted = np.zeros(len(heard), np.float32)
    wanted[start : start + len(dry)] = dry
    assert np.abs(heard - wanted[:, None]).max() < 1e-4
    assert soundfile.info(tmp_path / "take.wav").frames > 0
