"""Tests for the replay of logs of performances in which models change and plugins are used."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from realtime.__main__ import main
from realtime.model import verify
from realtime.synth import plugins
from realtime.synth.command_log import CommandLog, LogHeader, PluginState
from realtime.synth.commands import Command, Gain, Goto, SetDimension, SetZ, Swap, Trigger
from realtime.synth.crossfade import Change, Crossfade
from realtime.synth.mixer import Mixer
from tests.conftest import compile_plugin

Make = Callable[..., Mixer]
RATE, BLOCK, LENGTH = 48_000, 128, 60_000
A, B = (0.5, -1.25, 0.1, 3.0), (-0.5, 0.25, 1.1, 0.0)
VST3 = Path("/usr/lib/vst3")
COMPRESSOR, DELAY = VST3 / "ZamCompX2.vst3", VST3 / "ZamDelay.vst3"
needs_plugins = pytest.mark.skipif(not COMPRESSOR.exists(), reason="zam-plugins are not installed")


def swap_to(path: Path, chunk_frames: int = 4) -> Swap:
    return Swap(str(path), verify.read(path).sha256, 4, chunk_frames)


def setting(model: Path, states: tuple[PluginState, ...] = ()) -> LogHeader:
    first = swap_to(model)
    return LogHeader(
        first.model, first.model_sha256, 4, RATE, 2, 4, first.chunk_frames, 0.0, BLOCK, {}, plugins=states
    )


def perform(
    crossfade: Crossfade,
    log: CommandLog,
    events: dict[int, list[Command | Change]],
    chain: plugins.Chain | None = None,
) -> np.ndarray:
    """Render blocks as the engine does; before block n, submit the commands `events[n]`."""
    crossfade.mixer.tap = log.tap
    heard = np.zeros((LENGTH // BLOCK * BLOCK, 2), np.float32)
    for number, block in enumerate(np.split(heard, LENGTH // BLOCK)):
        for each in events.get(number, []):
            crossfade.submit(each, 128 * number + 50 if isinstance(each, Trigger) and number % 2 else 0)
        crossfade.render(block)
        if chain is not None:
            chain.process(block)
    log.close(len(heard))
    return heard


def render(log: Path, *options: str) -> np.ndarray:
    out = log.with_suffix(".wav")
    assert main(["render", str(log), "-o", str(out), "--force", *options]) == 0
    sound, rate = soundfile.read(out, dtype="float32", always_2d=True)
    assert rate == RATE
    return np.asarray(sound)


@pytest.fixture
def second(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(tiny_model, tmp_path / "second.onnx"))


def test_replay_repeats_a_change_of_model_sample_by_sample(
    make_mixer: Make, tiny_model: Path, second: Path, tmp_path: Path
) -> None:
    """When the model changes, voices fade, and commands of the block that are due later are dropped."""
    path = tmp_path / "take.jsonl"
    there, back = make_mixer(chunk_frames=1), make_mixer()
    heard = perform(
        Crossfade(make_mixer()),
        CommandLog(path, setting(tiny_model)),
        {
            20: [SetZ(A), Trigger(0.5)],
            41: [SetDimension(1, 2.0), Trigger(0.3), Goto(B, 300.0)],
            50: [Gain(-6.0), Trigger(0.4), Change(there, swap_to(second, 1)), SetZ(B), Trigger(0.2)],
            61: [Goto(A, 20.0), Trigger(0.4, B)],
            71: [Trigger(0.9), Change(back, swap_to(tiny_model))],  # this hit is due after the change
            72: [Trigger(0.5), SetDimension(0, 1.0)],
        },
    )
    sound = render(path)
    assert np.abs(heard[50 * BLOCK : 52 * BLOCK]).max() > 0.01
    length = min(len(sound), len(heard))
    assert length > 80 * BLOCK
    np.testing.assert_allclose(sound[:length], heard[:length], atol=1e-6)
    assert '"velocity":0.9' not in path.read_text()
    assert there.output.gain_db == back.output.gain_db == -6.0


def log_of_a_change(tiny_model: Path, second: Path, path: Path) -> Path:
    log = CommandLog(path, setting(tiny_model))
    log.tap(100, Trigger(0.5))
    log.tap(24_000, swap_to(second))
    log.tap(24_000, Trigger(0.5))
    log.close(30_000)
    return path


def test_replay_reports_a_second_model_that_is_missing_or_different(
    tiny_model: Path, second: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = log_of_a_change(tiny_model, second, tmp_path / "take.jsonl")
    whole = render(path)
    assert capsys.readouterr().err == ""
    np.testing.assert_array_equal(render(path, "--model", str(tiny_model)), whole)
    told = "realtime: at 0.50 s take.jsonl still switches to second.onnx: --model replaces only tiny.onnx"
    assert capsys.readouterr().err.splitlines() == [told]
    text = path.read_text()
    path.write_text(text.replace(swap_to(second).model_sha256, "0" * 64))
    render(path)
    assert f"realtime: {second} has changed since the performance" in capsys.readouterr().err
    path.write_text(text.replace('"latent_dim":4,"chunk', '"latent_dim":3,"chunk'))
    command = ["render", str(path), "-o", str(tmp_path / "a.wav")]
    assert main(command) == 2
    wanted = "at 0.50 s the log switches to a model of 3 dimensions, but second.onnx has 4"
    assert wanted in capsys.readouterr().err
    path.write_text(text)
    second.unlink()
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"take.jsonl: at 0.50 s the log switches to a missing model: {second}")


def load_chain() -> plugins.Chain:
    chain = plugins.load(
        [COMPRESSOR, DELAY], sample_rate=RATE, block_size=BLOCK, channels=2, say=lambda _: None
    )
    assert chain is not None
    return chain


@needs_plugins
def test_replay_sets_plugin_parameters_at_the_same_samples(
    make_mixer: Make, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, chain = tmp_path / "take.jsonl", load_chain()
    chain.carry_out(chain.tweak(0, "makeup_db", 3.0))  # this value is set before the log begins
    states = tuple(PluginState(str(p.path), p.name, p.raw_values()) for p in chain.plugins)
    draw = np.random.default_rng(3)
    events: dict[int, list[Command | Change]] = {20: [SetZ(A), Trigger(0.5)], 60: [Trigger(0.6, B)]}
    for number in draw.choice(np.arange(20, 300), 60, replace=False):
        one = chain.tweak(0, "makeup_db", float(draw.uniform(0, 20)))
        other = chain.tweak(1, "time_ms", float(draw.uniform(5, 60)))
        events.setdefault(int(number), []).append(one if draw.random() < 0.7 else other)
    log = CommandLog(path, setting(tiny_model, states))
    heard = perform(Crossfade(make_mixer(), chain), log, events, chain)
    sound = render(path, "--trust-plugins")
    length = min(len(sound), len(heard))
    np.testing.assert_allclose(sound[:length], heard[:length], atol=1e-6)
    np.testing.assert_array_equal(render(path, "--plugin", str(COMPRESSOR), "--plugin", str(DELAY)), sound)
    dry = render(path, "--dry")
    assert np.abs(dry - sound[: len(dry)]).max() > 0.01
    assert capsys.readouterr().err == ""
    gone = [dataclasses.replace(states[0], path="/gone/ZamCompX2.vst3"), states[1]]
    text = path.read_text().splitlines(keepends=True)
    CommandLog(path, setting(tiny_model, tuple(gone)), force=True).close(0)
    path.write_text(path.read_text().splitlines(keepends=True)[0] + "".join(text[1:]))
    render(path, "--trust-plugins")
    (line,) = capsys.readouterr().err.splitlines()
    assert "plugin /gone/ZamCompX2.vst3 not found: rendering without it" in line


@pytest.fixture
def telling(tmp_path: Path) -> tuple[Path, Path]:
    """Return a VST3 that writes a file when it is loaded, and the path of that file."""
    source, written = tmp_path / "telling.c", tmp_path / "written"
    source.write_text(
        "#include <stdio.h>\n"
        f'__attribute__((constructor)) static void run(void) {{ fclose(fopen("{written}", "w")); }}\n'
        "void *GetPluginFactory(void) { return 0; }\n"
    )
    return compile_plugin(tmp_path, "Telling", source), written


@needs_plugins
@pytest.mark.parametrize("command", ["render", "morphology"])
def test_plugins_of_a_log_are_not_loaded_without_the_option_trust_plugins(
    command: str,
    telling: tuple[Path, Path],
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plugin, written = telling
    path = tmp_path / "take.jsonl"
    log = CommandLog(path, setting(tiny_model, (PluginState(str(plugin), "Telling", {}),)))
    log.tap(0, Trigger(0.5))
    log.close(1000)
    words = [command, str(path), "-o", str(tmp_path / "take.wav"), "--force"]
    assert main(words) == 0
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("realtime: plugins of the log are left out: 'Telling.vst3'; --trust-plugins or ")
    assert not written.exists()
    assert main([*words, "--plugin", str(COMPRESSOR)]) == 0
    assert "left out" not in capsys.readouterr().err
    assert not written.exists()
    assert main([*words, "--trust-plugins"]) == 0
    assert "plugin Telling.vst3 is left out: " in capsys.readouterr().err
    assert written.exists()


@pytest.mark.parametrize("command", ["render", "morphology"])
def test_option_trust_plugins_is_refused_without_a_log(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [command, str(tmp_path / "seq.toml"), "-o", str(tmp_path / "take.wav"), "--trust-plugins"]
    assert main(words) == 2
    assert "--trust-plugins needs a log" in capsys.readouterr().err
