"""Sound files from `realtime render` contain the requested sounds at the requested times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from realtime.__main__ import main
from realtime.control.presets import PresetFile
from realtime.model.decoder import Decoder
from realtime.offline.render import morph, overlap, render, write
from realtime.synth.commands import Mode, Trigger
from realtime.synth.mixer import Mixer
from realtime.synth.voices.resampler import Resampler
from realtime.util.files import FileError


def expected_morph(decoder: Decoder, rate: int, steps: int, spacing: float, level: float = 1.0) -> np.ndarray:
    """Return the sum of `steps` sounds between the first two class centres, each decoded in one call.

    Args:
        rate: sample rate of the result in Hz.
        spacing: number of samples from the start of a sound to the start of the next sound.
        level: gain of each sound.
    """
    start, end = (np.array(each.centroid) for each in decoder.info.classes[:2])
    resampler = Resampler(decoder.info.sample_rate, rate)
    ways = np.linspace(0, 1, steps)[:, np.newaxis] if steps > 1 else np.zeros((1, 1))
    sounds = [resampler.resample(sound) for sound in decoder.decode((1 - ways) * start + ways * end)]
    out = np.zeros(round((steps - 1) * spacing) + len(sounds[0]))
    for step, sound in enumerate(sounds):
        at = round(step * spacing)
        out[at : at + len(sound)] += level * sound
    return out


def test_morph_is_a_series_of_hits_that_keep_their_points() -> None:
    score = morph((0.0, 1.0), (1.0, -1.0), steps=3, spacing=100.5, velocity=0.5)
    assert score == [
        (0, Mode("latch")),
        (0, Trigger(0.5, (0.0, 1.0))),
        (100, Trigger(0.5, (0.5, 0.0))),
        (201, Trigger(0.5, (1.0, -1.0))),
    ]


@pytest.mark.parametrize("rate", [None, 48_000])
@pytest.mark.parametrize("spacing_ms", [400.0, 37.0])
def test_render_command_writes_the_sounds_of_the_decoder(
    decoder: Decoder, tiny_model: Path, tmp_path: Path, rate: int | None, spacing_ms: float
) -> None:
    info = decoder.info
    path = tmp_path / "morph.wav"
    names = [each.name for each in info.classes[:2]]
    command = ["render", "--model", str(tiny_model), "--from", names[0], "--to", names[1], "--steps", "5"]
    command += ["--spacing-ms", str(spacing_ms), "--gain", "-20", "--velocity", "0.5", "-o", str(path)]
    assert main(command + (["--rate", str(rate)] if rate else [])) == 0
    sound, file_rate = soundfile.read(path, dtype="float32")
    rate = rate or info.sample_rate
    assert file_rate == rate
    expected = expected_morph(decoder, rate, 5, spacing_ms * rate / 1000, 0.05)
    assert np.abs(expected).max() < 0.9
    np.testing.assert_allclose(sound, expected, atol=3e-6)


def test_the_ends_of_a_morph_may_be_presets(
    decoder: Decoder, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    info, file, path = decoder.info, tmp_path / "presets.json", tmp_path / "morph.wav"
    shelf = PresetFile(file)
    presets = shelf.open(info)
    presets.store("Dark One", info.classes[1].centroid)
    shelf.save(presets)
    options = ["--model", str(tiny_model), "--presets", str(file), "--gain", "-20", "-o", str(path)]
    morph_ = ["render", "--from", info.classes[0].name, "--to", "dark one", "--steps", "3"]
    assert main([*morph_, *options]) == 0
    expected = expected_morph(decoder, info.sample_rate, 3, 0.4 * info.sample_rate, 0.1)
    np.testing.assert_allclose(soundfile.read(path, dtype="float32")[0], expected, atol=3e-6)
    assert (
        main(["render", "--grid", f"Dark One,{info.classes[0].name}", *options[:-1], str(tmp_path / "pack")])
        == 0
    )
    capsys.readouterr()
    assert main(["render", "--from", "zzz", "--to", "kick", *options, "--force"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    classes, sound = ", ".join(each.name for each in info.classes), info.anchors[0].name
    wanted = f"classes are {classes}; presets are Dark One; a training sound is named like {sound!r}"
    assert line == f"realtime: error: no point named 'zzz': {wanted}"


def test_refusal_of_a_preset_of_an_earlier_version_shows_the_command_that_adopts_it(
    decoder: Decoder, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    info, file = decoder.info, tmp_path / "presets.json"
    shelf = PresetFile(file)
    presets = shelf.open(replace(info, anchors=info.anchors[1:]))
    presets.store("dark", info.classes[1].centroid)
    shelf.save(presets)
    command = ["render", "--from", "dark", "--to", "kick", "--model", str(tiny_model), "--presets", str(file)]
    assert main([*command, "-o", str(tmp_path / "morph.wav")]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.endswith("while a server is playing this model, oscsend 127.0.0.1 9000 /morph/preset/adopt")


def test_morph_of_one_step_plays_the_first_point(decoder: Decoder, make_mixer: Callable[..., Mixer]) -> None:
    start, end = (each.centroid for each in decoder.info.classes[:2])
    mixer = make_mixer(channels=1)
    blocks = [block.copy() for block in render(mixer, morph(start, end, steps=1, spacing=9.0, velocity=0.1))]
    np.testing.assert_allclose(
        np.concatenate(blocks)[:, 0], expected_morph(decoder, 48000, 1, 9, 0.1), atol=1e-6
    )


def test_overlap_is_the_number_of_simultaneous_sounds(decoder: Decoder) -> None:
    duration_ms = decoder.info.duration_ms
    assert overlap(decoder.info, duration_ms + 1) == 1
    assert overlap(decoder.info, duration_ms / 2.5) == 3


def test_failed_render_leaves_no_files(make_mixer: Callable[..., Mixer], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a point"):
        write(tmp_path / "morph.wav", make_mixer(), [(0, Trigger(1.0, "not a point"))])  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_existing_file_is_not_replaced(make_mixer: Callable[..., Mixer], tmp_path: Path) -> None:
    path = tmp_path / "morph.wav"
    path.write_text("precious")
    with pytest.raises(FileError, match="exists"):
        write(path, make_mixer(), [(0, Trigger())])
    assert path.read_text() == "precious"
