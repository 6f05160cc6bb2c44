"""Tests for the output of `realtime render`: one sound file, stems, or a sound file for each hit."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from realtime.__main__ import main
from realtime.offline.levels import lufs
from realtime.util.progress import Progress

SEQUENCE = """
tempo = 240
seed = 1
[defaults]
velocity = 0.2
[[step]]
beat = 0
point = "kick"
walk = 0.5
repeat = 4
every = 0.4
[[step]]
beat = 0.7
point = "snare"
voice = "other"
choke = 1
out = 3
[[step]]
beat = 1.1
point = "hihat"
voice = "other"
choke = 1
[[step]]
beat = 1.2
point = "snare"
glide = 60
mode = "live"
"""


@pytest.fixture
def sequence(tmp_path: Path) -> Path:
    path = tmp_path / "seq.toml"
    path.write_text(SEQUENCE)
    return path


def render(model: Path, source: Path, out: Path, *options: str) -> Path:
    assert main(["render", str(source), "--model", str(model), "-o", str(out), *options]) == 0
    return out


@pytest.mark.parametrize("by", ["voice", "class", "out"])
def test_stems_add_up_to_the_mix(tiny_model: Path, sequence: Path, tmp_path: Path, by: str) -> None:
    mix, rate = soundfile.read(render(tiny_model, sequence, tmp_path / "mix.wav"))
    folder = render(tiny_model, sequence, tmp_path / "stems", "--stems", by)
    stems = {path.stem: soundfile.read(path)[0] for path in folder.iterdir()}
    assert rate == 22050
    assert 0.1 < np.abs(mix).max() < 0.9
    assert len(stems) >= 2
    if by != "class":
        assert set(stems) == {"main", {"voice": "other", "out": "out_3"}[by]}
    np.testing.assert_allclose(sum(stems.values()), mix, atol=1e-6)
    assert all(np.abs(stem).max() > 0.01 for stem in stems.values())


def test_stems_by_out_contain_the_hits_that_live_playing_sends_to_the_outs(
    tiny_model: Path, sequence: Path, tmp_path: Path
) -> None:
    options = "--stems", "out", "--outs", "kicks,touch/0,snare"
    stems = render(tiny_model, sequence, tmp_path / "stems", *options)
    assert {path.stem for path in stems.iterdir()} == {"kicks", "snare", "touch_0"}


def test_option_split_writes_a_file_for_each_hit_and_a_table_of_levels(
    tiny_model: Path, sequence: Path, tmp_path: Path
) -> None:
    options = ("--split", "--format", "flac", "--bits", "16", "--rate", "44100", "--normalise", "-3")
    folder = render(tiny_model, sequence, tmp_path / "pack", *options)
    with (folder / "sounds.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = [row["file"] for row in rows]
    assert names == sorted(names)
    assert [name[2:-5] for name in names] == ["kick", "kick", "snare", "kick", "hihat", "kick", "snare"]
    assert {path.name for path in folder.iterdir()} == {*names, "sounds.csv"}
    for row in rows:
        sound, rate = soundfile.read(folder / row["file"], dtype="float32", always_2d=True)
        assert (rate, soundfile.info(folder / row["file"]).subtype) == (44100, "PCM_16")
        assert 20 * np.log10(np.abs(sound).max()) == pytest.approx(-3.0, abs=0.01)
        assert float(row["peak_db"]) == pytest.approx(-3.0, abs=0.01)
        assert float(row["lufs"]) == pytest.approx(lufs(sound, rate), abs=0.01)


def test_option_lufs_sets_the_loudness_but_no_peak_exceeds_the_ceiling(
    tiny_model: Path, sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = render(tiny_model, sequence, tmp_path / "quiet.wav", "--lufs", "-31.5", "--rate", "48000")
    assert capsys.readouterr().out.endswith(" dB, -31.5 LUFS\n")
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert lufs(sound, rate) == pytest.approx(-31.5, abs=0.05)
    path = render(tiny_model, sequence, tmp_path / "loud.wav", "--lufs", "0")
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert np.abs(sound).max() == pytest.approx(10 ** (-0.1 / 20), abs=1e-4)
    missed = f"peak -0.1 dB, {lufs(sound, rate):.1f} LUFS; 0 LUFS not reached: the peak is at -0.1 dB\n"
    assert capsys.readouterr().out.endswith(missed)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["loud.wav", "quiet.wav", "seq.toml"]


def test_summary_of_a_morph_states_the_peak_and_the_number_of_clipped_samples(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "morph.wav"
    command = [
        "render",
        "--model",
        str(tiny_model),
        "--from",
        "kick",
        "--to",
        "snare",
        "-o",
        str(path),
        "--force",
    ]
    assert main([*command, "--gain", "-20"]) == 0
    peak_db = 20 * np.log10(np.abs(soundfile.read(path)[0]).max())
    assert capsys.readouterr().out.endswith(f" at 22050 Hz, peak {peak_db:.1f} dB\n")
    assert main([*command, "--gain", "24"]) == 0
    clipped = (np.abs(soundfile.read(path)[0]) >= 0.999).sum()
    advice = "samples clipped at full scale: lower --gain, or add --limiter\n"
    assert clipped > 0
    assert capsys.readouterr().out.endswith(f" peak 0.0 dB; {clipped} {advice}")
    assert main([*command, "--gain", "24", "--normalise", "-3"]) == 0
    assert capsys.readouterr().out.endswith(f" peak -3.0 dB; {clipped} {advice}")
    assert main([*command, "--gain", "24", "--limiter", "--normalise", "0"]) == 0
    assert "clipped" not in capsys.readouterr().out


@pytest.mark.parametrize("options", [["--split"], ["--stems", "voice"]])
def test_summary_of_several_files_states_how_many_are_clipped(
    tiny_model: Path, sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    folder = render(tiny_model, sequence, tmp_path / "files", *options, "--gain", "24")
    peaks = [np.abs(soundfile.read(path)[0]).max() for path in folder.glob("*.wav")]
    clipped = sum(peak >= 0.999 for peak in peaks)
    assert f" samples clipped at full scale in {clipped} of {len(peaks)} files" in capsys.readouterr().out


def _accept_ctrl_c() -> None:
    """Restore the default handler of SIGINT, which background processes of a shell ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX signals")
@pytest.mark.parametrize("options", [["-o", "long.wav"], ["-o", "pack", "--split"]])
def test_interrupted_render_leaves_no_files(tiny_model: Path, tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "seq.toml").write_text(SEQUENCE + "repeat = 20000\nevery = 1\n")
    command = [sys.executable, "-m", "realtime", "render", "seq.toml", "--model", str(tiny_model), *options]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, preexec_fn=_accept_ctrl_c
    ) as process:
        while len(list(tmp_path.iterdir())) == 1:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["seq.toml"]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ([], "nothing to render"),
        (["--check"], "--check needs a sequence file"),
        (["seq.toml"], "no output: give -o FILE"),
        (["seq.toml", "--from", "kick", "-o", "a.wav"], "give only one of a file, --from/--to and --grid"),
        (["seq.toml", "--stems", "class", "--lufs", "-20", "-o", "a"], "--stems keeps the levels of the mix"),
        (["--from", "kick", "--to", "kick", "--split", "-o", "a"], "need a sequence file"),
        (["seq.toml", "-o", "a.ogg", "--bits", "24"], ".ogg files have no samples of format 24"),
        (["nowhere.toml", "-o", "a.wav"], "nowhere.toml: No such file"),
    ],
)
def test_conflicting_options_are_errors(
    tiny_model: Path,
    sequence: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    text: str,
) -> None:
    monkeypatch.chdir(sequence.parent)
    assert main(["render", "--model", str(tiny_model), *options]) == 2
    assert text in capsys.readouterr().err
    assert list(sequence.parent.iterdir()) == [sequence]


def test_progress_bar_shows_the_remaining_time() -> None:
    progress = Progress(200)
    assert progress.line(50, 30.0) == "[######··················]  25 %, 1:30 left"
    assert progress.line(0, 1.0) == "[························]   0 %"
