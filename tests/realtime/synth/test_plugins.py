"""Plugins after the mixer: real VST3s of zam-plugins, and some that are up to no good."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from realtime.control.replies import plugins as told
from realtime.surfaces.oscquery import PLUGINS, learn
from realtime.synth.plugins import LOOKS, Chain, PluginError, load, require, try_out
from realtime.util.errors import ControlError, HungError

RATE, BLOCK = 48_000, 128
VST3 = Path("/usr/lib/vst3")
GATE, DELAY, SATURATOR, MAXIMISER, REVERB = (
    VST3 / f"{name}.vst3" for name in ("ZamGateX2", "ZamDelay", "ZamAutoSat", "ZaMaximX2", "ZamVerb")
)
pytestmark = pytest.mark.skipif(not GATE.exists(), reason="zam-plugins are not installed")


def noise(samples: int, channels: int = 2) -> np.ndarray:
    return (0.1 * np.random.default_rng(5).standard_normal((samples, channels))).astype(np.float32)


def on_air(*paths: Path, channels: int = 2, said: list[str] | None = None, limit_s: float = 20.0) -> Chain:
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


def test_blocks_are_what_the_plugin_makes_of_the_whole() -> None:
    from pedalboard._pedalboard import load_plugin

    sound = noise(40 * BLOCK)
    whole = load_plugin(str(GATE)).process(np.ascontiguousarray(sound.T), RATE).T
    assert np.abs(whole - sound).max() > 0.01
    np.testing.assert_array_equal(played(on_air(GATE), sound), whole)


def test_a_mono_plugin_plays_each_channel_and_its_parameters_hold_for_both() -> None:
    from pedalboard._pedalboard import load_plugin

    chain = on_air(DELAY)
    chain.carry_out(chain.tweak(0, "time_ms", 20.0))
    assert [each.time_ms for each in chain.plugins[0]._instances] == [20.0, 20.0]
    chain = on_air(SATURATOR)
    sound = noise(40 * BLOCK)
    heard = played(chain, sound)
    for channel in range(2):
        one = load_plugin(str(SATURATOR))
        row = np.ascontiguousarray(sound[:, channel])
        np.testing.assert_allclose(heard[:, channel], one.process(row, RATE), atol=1e-6)
    assert np.abs(heard - sound).max() > 1e-4


def test_latency_is_told_and_taken_off_files() -> None:
    chain = on_air(MAXIMISER)
    assert chain.latency_samples == 480
    sound = np.zeros((4000, 2), np.float32)
    sound[1000] = 0.01
    out = np.concatenate([b.copy() for b in chain.play(np.split(sound, 40), 2)])
    assert out.shape == sound.shape
    assert int(np.abs(out[:, 0]).argmax()) == 1000


def test_parameters() -> None:
    chain = on_air(GATE)
    (message,) = told(chain)
    n, total, name, latency, state, *rest = message.arguments
    assert (n, total, name, latency, state) == (0, 1, "ZamGateX2", 0.0, "on")
    names = rest[::4]
    low, high, value = rest[names.index("attack_ms") * 4 + 1 : names.index("attack_ms") * 4 + 4]
    assert low <= value <= high
    chain.carry_out(chain.tweak(0, "attack_ms", high))
    assert chain.plugins[0].parameters()["attack_ms"][2] == pytest.approx(high)
    for index, parameter, wrong, text in (
        (1, "attack_ms", 1.0, "there are 1 plugins"),
        (0, "atack_ms", 1.0, "did you mean attack_ms"),
        (0, "attack_ms", high + 1, "not a number from"),
        (0, "attack_ms", "much", "not a number"),
    ):
        with pytest.raises(ControlError, match=text):
            chain.tweak(index, parameter, wrong)


def test_oscquery_lists_them() -> None:
    chain = on_air(GATE)
    known = learn(lambda asked: list(told(chain)) if PLUGINS in asked else [], plugins=True)
    path = "/morph/plugin/0/attack_ms"
    assert known.parameters[path][0] == "attack_ms of ZamGateX2"
    low, high, value = chain.plugins[0].parameters()["attack_ms"]
    assert (known.parameters[path][1:], known.values[path]) == ((low, high), (value,))


def test_one_that_hangs_is_left_out() -> None:
    said: list[str] = []
    chain = on_air(REVERB, GATE, said=said, limit_s=6.0)
    assert [plugin.name for plugin in chain.plugins] == ["ZamGateX2"]
    assert said == ["plugin ZamVerb.vst3 is left out: it did not get through its trial within 6 s"]


def test_one_that_crashes_is_told(crashing: Path) -> None:
    assert try_out(crashing, RATE, BLOCK, 2).fault == "it crashed in its trial (signal 6)"


def test_one_that_wants_two_channels_is_told() -> None:
    assert "plays no single channel" in try_out(GATE, RATE, BLOCK, 1).fault


def test_one_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "Text.vst3").write_text("no plugin")
    assert "cannot be loaded" in try_out(tmp_path / "Text.vst3", RATE, BLOCK, 2).fault
    with pytest.raises(PluginError, match="no such plugin"):
        require([tmp_path / "None.vst3"])


def test_one_that_raises_on_the_air_is_bypassed() -> None:
    chain = on_air(GATE)
    chain.plugins[0]._instances = [object()]
    sound = noise(BLOCK)
    np.testing.assert_array_equal(played(chain, sound), sound)
    (line,) = chain.faults()
    assert line.startswith("plugin 0 (ZamGateX2) is bypassed: it failed while playing")
    assert chain.faults() == []


def test_one_that_hangs_is_given_up_and_may_not_go_on_when_it_comes_back(hanging: tuple[Path, Path]) -> None:
    plugin, let_go = hanging
    chain = on_air(plugin)
    block, ends = noise(BLOCK), []

    def play() -> None:
        try:
            while True:
                chain.process(block)
        except HungError as error:
            ends.append(error)

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    while not let_go.with_suffix(".hangs").exists():
        assert thread.is_alive()
        time.sleep(0.01)
    looks = [chain.watch() for _ in range(LOOKS + 3)]
    assert looks == [False] * LOOKS + [True, False, False]
    assert chain.faults() == ["plugin 0 (ZamCompX2) is bypassed: it hung while playing"]
    np.testing.assert_array_equal(played(chain, noise(BLOCK)), noise(BLOCK))
    block[:] = 0.5  # it is another thread's by now
    let_go.touch()
    thread.join(60.0)
    assert len(ends) == 1
    assert (block == 0.5).all()
