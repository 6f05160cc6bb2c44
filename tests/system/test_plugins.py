"""A server on a real JACK server with real plugins, including one that hangs and one that crashes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.system.rig import COMPRESSOR, Jack, Server, expected, onset

REVERB = COMPRESSOR.with_name("ZamVerb.vst3")
pytestmark = pytest.mark.skipif(not COMPRESSOR.exists(), reason="zam-plugins are not installed")


def test_jack_receives_the_same_sound_as_the_plugin_applied_offline(
    jack_server: Jack, tiny_model: Path, tmp_path: Path, crashing: Path
) -> None:
    """ZamVerb, which never returns, and a crashing plugin are left out; the rest plays on."""
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


def test_plugin_that_hangs_while_playing_is_bypassed_for_good(
    jack_server: Jack, tiny_model: Path, tmp_path: Path, hanging: tuple[Path, Path]
) -> None:
    """JACK receives the sound without the plugin, even after the plugin has returned."""
    from pedalboard._pedalboard import load_plugin

    plugin, let_go = hanging
    options = ["--device", "system", "--synchronous", "--plugin", str(plugin), "--plugin", str(COMPRESSOR)]
    with Server(tiny_model, *options, env=jack_server.env) as server:
        server.wait_for(r"plugin 0 \(ZamCompX2\) is bypassed: it hung while playing")
        z = np.asarray(server.ask("/morph/get/z")[1], np.float32)
        address, answer = server.ask("/morph/get/plugins")
        assert (address, answer[:3], answer[4:]) == (
            "/morph/plugins.reply",
            [0, 2, "ZamCompX2"],
            ["it hung while playing"],
        )
        server.hear()  # the reply about the other plugin
        address, answer = server.ask("/morph/plugin/0/attack", 10.0)
        assert (address, "is bypassed" in str(answer[1])) == ("/morph/error", True)
        with jack_server.recording(tmp_path / "heard.npy"):
            for hits in (1, 2):
                server.send("/morph/trigger", 0.05)
                server.wait_until(hits=hits)
                server.wait_until(voices=0)
                let_go.touch()
                server.play_for(0.3)
        assert server.stop() == 0
        assert "error" not in server.output
    heard = np.load(tmp_path / "heard.npy")
    dry = 0.05 * expected(tiny_model, z, jack_server.sample_rate)
    effect: Any = load_plugin(str(COMPRESSOR))
    first = onset(heard[:, 0]) - onset(dry)
    second = first + len(dry) + onset(heard[first + len(dry) :, 0]) - onset(dry)
    padded = np.zeros((2, len(heard)), np.float32)
    for start in (first, second):
        padded[:, start : start + len(dry)] = dry
    wanted = effect.process(padded, jack_server.sample_rate).T
    assert np.abs(heard - wanted).max() < 1e-4
