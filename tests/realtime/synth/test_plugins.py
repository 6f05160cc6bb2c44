"""Tests for effect plugins after the mixer: real VST3s (zam-plugins) and faulty VST3s."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from realtime.control.replies import plugins as plugin_replies
from realtime.surfaces.oscquery import PLUGINS, learn
from realtime.synth.plugins import CHECKS, Chain, PluginError, load, require, try_out
from realtime.util.errors import ControlError

RATE, BLOCK = 48_000, 128
VST3 = Path("/usr/lib/vst3")
GATE, DELAY, SATURATOR, MAXIMISER, REVERB = (
    VST3 / f"{name}.vst3" for name in ("ZamGateX2", "ZamDelay", "ZamAutoSat", "ZaMaximX2", "ZamVerb")
)
pytestmark = pytest.mark.skipif(not GATE.exists(), reason="zam-plugins are not installed")


def noise(samples: int, channels: int = 2) -> np.ndarray:
    return (0.1 * np.random.default_rng(5).standard_normal((samples, channels))).astype(np.float32)


def make_chain(
    *paths: Path, channels: int = 2, said: list[str] | None = None, limit_s: float = 20.0
) -> Chain:
    lines: list[str] = [] if said is None else said
    chain = load(
        paths, sample_rate=RATE, block_size=BLOCK, channels=channels, say=lines.append, limit_s=limit_s
    )
    assert chain is not None, lines
    return chain


def played(chain: Chain, sound: np.ndarray) -> np.ndarray:
    out = sound.copy()
    for at in range(0, len(out), BLOCK):
        chain.process(out[at : at + BLOCK])
    return out


def test_processing_in_blocks_equals_processing_in_one_call() -> None:
    from pedalboard._pedalboard import load_plugin

    sound = noise(40 * BLOCK)
    whole = load_plugin(str(GATE)).process(np.ascontiguousarray(sound.T), RATE).T
    assert np.abs(whole - sound).max() > 0.01
    np.testing.assert_array_equal(played(make_chain(GATE), sound), whole)


def test_mono_plugin_processes_each_channel_with_the_same_parameters() -> None:
    from pedalboard._pedalboard import load_plugin

    chain = make_chain(DELAY)
    chain.carry_out(chain.tweak(0, "time_ms", 20.0))
    assert [each.time_ms for each in chain.plugins[0]._instances] == [20.0, 20.0]
    chain = make_chain(SATURATOR)
    sound = noise(40 * BLOCK)
    heard = played(chain, sound)
    for channel in range(2):
        one = load_plugin(str(SATURATOR))
        row = np.ascontiguousarray(sound[:, channel])
        np.testing.assert_allclose(heard[:, channel], one.process(row, RATE), atol=1e-6)
    assert np.abs(heard - sound).max() > 1e-4


def test_latency_of_a_plugin_is_reported_and_removed_from_rendered_sound() -> None:
    chain = make_chain(MAXIMISER)
    assert chain.latency_samples == 480
    sound = np.zeros((4000, 2), np.float32)
    sound[1000] = 0.01
    out = np.concatenate([b.copy() for b in chain.play(np.split(sound, 40), 2)])
    assert out.shape == sound.shape
    assert int(np.abs(out[:, 0]).argmax()) == 1000


def test_parameters_are_listed_set_and_checked() -> None:
    chain = make_chain(GATE)
    (message,) = plugin_replies(chain)
    n, total, name, latency, state, *rest = message.arguments
    assert (n, total, name, latency, state) == (0, 1, "ZamGateX2", 0.0, "on")
    names = rest[::4]
    low, high, value = rest[names.index("attack_ms") * 4 + 1 : names.index("attack_ms") * 4 + 4]
    assert low <= value <= high
    chain.carry_out(chain.tweak(0, "attack_ms", high))
    assert chain.plugins[0].parameters()["attack_ms"][2] == pytest.approx(high)
    for index, parameter, wrong, text in (
        (1, "attack_ms", 1.0, "plugin is 1, not a whole number from 0 to 0"),
        (0, "atack_ms", 1.0, "did you mean attack_ms"),
        (0, "attack_ms", high + 1, "not a number from"),
        (0, "attack_ms", "much", "not a number"),
    ):
        with pytest.raises(ControlError, match=text):
            chain.tweak(index, parameter, wrong)


def test_oscquery_lists_the_parameters_of_a_plugin() -> None:
    chain = make_chain(GATE)
    known = learn(lambda asked: list(plugin_replies(chain)) if PLUGINS in asked else [], plugins=True)
    path = "/morph/plugin/0/attack_ms"
    assert known.parameters[path][0] == "attack_ms of ZamGateX2"
    low, high, value = chain.plugins[0].parameters()["attack_ms"]
    assert (known.parameters[path][1:], known.values[path]) == ((low, high), (value,))


def test_plugin_that_hangs_in_its_trial_is_left_out() -> None:
    said: list[str] = []
    chain = make_chain(REVERB, GATE, said=said, limit_s=6.0)
    assert [plugin.name for plugin in chain.plugins] == ["ZamGateX2"]
    assert said == ["plugin ZamVerb.vst3 is left out: it did not finish its trial within 6 s"]


def test_plugin_that_crashes_in_its_trial_is_reported(crashing: Path) -> None:
    assert try_out(crashing, RATE, BLOCK, 2).fault == "it crashed in its trial (signal 6)"


def test_stereo_plugin_on_a_single_channel_is_reported() -> None:
    assert "does not play a single channel" in try_out(GATE, RATE, BLOCK, 1).fault


def test_file_that_is_not_a_plugin_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Text.vst3").write_text("no plugin")
    assert "cannot be loaded" in try_out(tmp_path / "Text.vst3", RATE, BLOCK, 2).fault
    with pytest.raises(PluginError, match="no such plugin"):
        require([tmp_path / "None.vst3"])


def test_plugin_that_raises_while_playing_is_bypassed() -> None:
    chain = make_chain(GATE)
    chain.plugins[0]._instances = [object()]
    sound = noise(BLOCK)
    np.testing.assert_array_equal(played(chain, sound), sound)
    (line,) = chain.faults()
    assert line.startswith("plugin 0 (ZamGateX2) is bypassed: it failed while playing")
    assert chain.faults() == []


def test_hanging_plugin_is_detected_and_a_playing_one_is_not(hanging: tuple[Path, Path]) -> None:
    plugin, let_go = hanging
    chain = make_chain(plugin)
    block = noise(BLOCK)
    for _ in range(CHECKS + 3):
        chain.process(block)
        assert chain.hung() == ""
    assert [chain.hung() for _ in range(CHECKS + 3)] == [""] * (CHECKS + 3)  # the plugin waits for a block
    hangs = let_go.with_suffix(".hangs")

    def play() -> None:
        while not hangs.exists():
            chain.process(block)

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    while not hangs.exists():
        assert thread.is_alive()
        time.sleep(0.01)
    assert [chain.hung() for _ in range(CHECKS + 2)] == [""] * CHECKS + ["ZamCompX2"] * 2
    let_go.touch()
    thread.join(60.0)
    assert chain.hung() == ""
