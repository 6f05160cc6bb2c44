"""Tests for the sounds of a folder: how they are found and prepared, and why some are refused."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from trainer.config import DataConfig, ModelConfig
from trainer.data.audio import prepare_signal, read, too_long
from trainer.data.sounds import UNKNOWN, find, natural, prepare
from trainer.errors import DataError

MODEL = ModelConfig(sample_rate=8000, length=1024)
DATA = DataConfig()


def prepared(signal: NDArray[np.float64], rate: int = 8000, data: DataConfig = DATA) -> NDArray[np.float32]:
    columns = signal.astype(np.float32)
    return prepare_signal(columns[:, None] if columns.ndim == 1 else columns, rate, MODEL, data)


def alternating(samples: int, size: float = 0.5) -> NDArray[np.float64]:
    """Return the samples +size, -size, …, whose mean is 0 and whose mean square is size²."""
    found: NDArray[np.float64] = size * np.resize([1.0, -1.0], samples)
    return found


def test_channels_are_mixed_the_mean_is_removed_and_the_peak_is_1() -> None:
    left = alternating(1000, 0.4) + 0.2
    found = prepared(np.stack([left, 0.5 * left], axis=1))
    np.testing.assert_allclose(found[:1000], alternating(1000, 1.0), atol=1e-6)
    assert not found[1000:].any()
    assert found.dtype == np.float32


def test_sound_is_resampled_to_the_rate_of_the_model() -> None:
    found = prepared(np.sin(2 * np.pi * 1000 * np.arange(4410) / 44100), rate=44100)
    assert np.count_nonzero(found) == pytest.approx(800, abs=2)
    spectrum = np.abs(np.fft.rfft(found[:800]))
    assert np.argmax(spectrum) == 100  # 1000 Hz in bins of 10 Hz


def test_leading_silence_is_cut_by_whole_blocks_if_a_sound_is_too_long() -> None:
    found = prepared(np.concatenate([np.zeros(1000), alternating(1024)]))
    assert np.flatnonzero(np.abs(found) > 0.5)[0] == 1000 - 7 * 128
    np.testing.assert_allclose(found[104:], alternating(920, 1.0), atol=1e-6)


@pytest.mark.parametrize(("mean_square", "onset"), [(4.9e-5, 0), (5.1e-5, 512)])
def test_block_whose_mean_square_is_below_the_threshold_counts_as_silent(
    mean_square: float, onset: int
) -> None:
    quiet = alternating(512, float(np.sqrt(mean_square)))
    found = prepared(np.concatenate([quiet, alternating(1024, 1.0)]))
    assert np.flatnonzero(np.abs(found) > 0.5)[0] == onset


def test_leading_silence_is_kept_if_the_sound_fits() -> None:
    found = prepared(np.concatenate([np.zeros(500), alternating(500)]))
    assert np.flatnonzero(np.abs(found) > 0.5)[0] == 500


def test_only_sounds_that_are_cut_are_faded_at_the_end() -> None:
    fade = DataConfig(fade_ms=10.0)
    trimmed = prepared(alternating(2000), data=fade)
    np.testing.assert_allclose(np.abs(trimmed[-80:]), np.linspace(1, 0, 80), atol=1e-5)
    assert np.abs(trimmed[:-80]).min() > 0.999
    whole = prepared(alternating(1000), data=fade)
    assert np.abs(whole[:1000]).min() > 0.999


@pytest.mark.parametrize(
    ("signal", "reason"),
    [
        (np.zeros(0), "empty"),
        (np.zeros(1000), "silent"),
        (np.full(1000, 0.3), "silent"),
        (alternating(15), "too short: 1.9 ms; at least 2 ms are needed"),
        (np.full(1000, np.nan), "has samples that are not finite numbers"),
    ],
)
def test_unusable_signals_are_refused_with_the_reason(signal: NDArray[np.float64], reason: str) -> None:
    with pytest.raises(DataError) as error:
        prepared(signal)
    assert str(error.value) == reason


def test_digest_changes_with_the_name_of_a_sound(folder: Path) -> None:
    sounds = prepare(folder, MODEL, DATA)
    assert sounds.classes == ("high", "low")
    assert sounds.labels.tolist() == [0] * 6 + [1] * 6
    assert sounds.names[:2] == ("high/take-0", "high/take-1")
    assert sounds.waveforms.shape == (12, 1, 1024)
    assert sounds.waveforms.abs().amax((1, 2)).tolist() == [1.0] * 12
    assert (sounds.licence, sounds.credits, sounds.skipped) == (UNKNOWN, (), ())
    assert prepare(folder, MODEL, DATA).digest == sounds.digest
    (folder / "low" / "take-5.wav").rename(folder / "low" / "take-6.wav")
    assert prepare(folder, MODEL, DATA).digest != sounds.digest


def test_long_recording_and_unreadable_folder_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(folder / "low" / "long.flac", np.zeros(601 * 1000, np.int16), 1000)
    closed = folder / "closed"
    closed.mkdir()
    scan = os.scandir

    def refuse(place: str) -> Any:
        if Path(place) == closed:
            raise PermissionError(13, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr("os.scandir", refuse)  # permissions would not stop a test run by root
    reasons = {item.name: item.reason for item in prepare(folder, MODEL, DATA).skipped}
    assert reasons == {
        "closed/": "a folder that cannot be read: Permission denied",
        "low/long.flac": "longer than 10 minutes: cut it into sounds",
    }


@pytest.mark.parametrize(("over_ms", "faults"), [(0, []), (9, []), (11, ["longer than 0.13 s (0.14 s)"])])
def test_a_sound_counts_as_too_long_only_if_the_rounded_lengths_in_the_message_differ(
    over_ms: float, faults: list[str]
) -> None:
    sound = np.ones((round(MODEL.length + 8 * over_ms) + 1, 1), np.float32)
    assert [fault for fault, _ in too_long(sound, 8000, MODEL)] == faults


def test_file_that_libsndfile_cannot_read_is_read_without_librosa(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "librosa", None)
    sound = np.random.default_rng(0).integers(-32768, 32768, (5000, 2)).astype(np.int16)
    soundfile.write(tmp_path / "take.wav", sound, 11_025)  # audioread looks at the content, which is WAV
    os.rename(tmp_path / "take.wav", tmp_path / "take.m4a")
    heard, rate = read(tmp_path / "take.m4a")
    assert rate == 11_025
    np.testing.assert_array_equal(heard, sound.astype(np.float32) / 32768)


def test_long_recording_that_libsndfile_cannot_read_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "take.wav", np.zeros(601 * 1000, np.int16), 1000)
    os.rename(tmp_path / "take.wav", tmp_path / "take.m4a")
    with pytest.raises(DataError, match="longer than 10 minutes"):
        read(tmp_path / "take.m4a")


def test_every_kind_of_bad_file_is_named_and_the_rest_is_kept(folder: Path) -> None:
    low = folder / "low"
    good = (low / "take-0.wav").read_bytes()
    (low / "bad-empty.wav").write_bytes(b"")
    (low / "bad-text.wav").write_text("not audio\n")
    (low / "bad-truncated.flac").write_bytes(b"fLaC\0\0\0\x22")
    (low / "bad-header.wav").write_bytes(good[:44].replace(b"WAVE", b"EVAW") + good[44:])
    soundfile.write(low / "bad-nothing.wav", np.zeros(0), 8000)
    soundfile.write(low / "bad-silent.wav", np.zeros(900), 8000)
    soundfile.write(low / "bad-dc.wav", np.full(900, 0.5), 8000)
    soundfile.write(low / "bad-short.wav", alternating(4), 8000)
    soundfile.write(low / "bad-nan.wav", np.full(900, np.nan), 8000, subtype="FLOAT")
    shutil.copy(low / "take-0.wav", low / "twin.wav")
    shutil.copy(low / "take-1.wav", folder / "stray.wav")
    (low / "bad-video.m4a").write_bytes(b"\0\0\0\x18ftypM4A ")
    (low / "notes.txt").write_text("not looked at")
    (low / ".hidden.wav").write_text("nor this")

    sounds = prepare(folder, MODEL, DATA)

    reasons = {item.name: item.reason for item in sounds.skipped}
    unread = {
        name: reasons.pop(name) for name in list(reasons) if reasons[name].startswith("cannot be read: ")
    }
    assert reasons == {
        "low/bad-nothing.wav": "empty",
        "low/bad-silent.wav": "silent",
        "low/bad-dc.wav": "silent",
        "low/bad-short.wav": "too short: 0.5 ms; at least 2 ms are needed",
        "low/bad-nan.wav": "has samples that are not finite numbers",
        "low/twin.wav": "the same sound as low/take-0.wav",
        "stray.wav": "it is beside the class folders, not in one of them",
    }
    assert {Path(name).stem for name in unread} == {
        *("bad-empty", "bad-text", "bad-truncated", "bad-header", "bad-video"),
    }
    assert not any("\n" in reason for reason in unread.values())
    assert len(sounds.names) == 12


@pytest.mark.parametrize(("lost", "found"), [(0, False), (64, False), (600, True)])
def test_wav_file_that_is_cut_off_is_used_and_named(folder: Path, lost: int, found: bool) -> None:
    path = folder / "low" / "take-0.wav"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - lost])
    named = [(item.name, item.fault) for item in prepare(folder, MODEL, DATA).adapted]
    size = len(whole)
    assert named == ([("low/take-0.wav", f"cut off ({size - lost} of {size} bytes)")] if found else [])


def test_unusable_folder_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: no such folder"):
        prepare(tmp_path / "nowhere", MODEL, DATA)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"notes\.txt: not a folder"):
        prepare(tmp_path / "notes.txt", MODEL, DATA)
    with pytest.raises(DataError, match="no audio files in it"):
        prepare(tmp_path, MODEL, DATA)
    soundfile.write(tmp_path / "a.wav", np.zeros(900), 8000)
    with pytest.raises(DataError, match=r"none of its 1 audio files can be used \(1 silent\)"):
        prepare(tmp_path, MODEL, DATA)


def test_a_flat_folder_is_one_class(folder: Path) -> None:
    sounds = prepare(folder / "low", MODEL, DATA)
    assert sounds.classes == ("low",)
    assert sounds.names[0] == "take-0"


def test_pattern_for_file_names_gives_the_labels(folder: Path) -> None:
    flat = folder / "low"
    for index in range(6):
        speaker = "ann" if index < 4 else "bob"
        (flat / f"take-{index}.wav").rename(flat / f"{index % 2}_{speaker}_{index}.wav")
    config = DataConfig(include="*_ann_*", label_pattern="{label}_{speaker}_{index}")
    sounds = prepare(flat, MODEL, config)
    assert sounds.classes == ("0", "1")
    assert sounds.labels.tolist() == [0, 0, 1, 1]
    with pytest.raises(DataError, match=r"needs \{label\}"):
        find(flat, DataConfig(label_pattern="{speaker}"))
    with pytest.raises(DataError, match=r"none of its audio files is named like \*\.mp3"):
        find(flat, DataConfig(include="*.mp3"))


def test_manifest_gives_classes_sources_licences_and_groups(folder: Path) -> None:
    rows = [f"low/take-{i}.wav,low,kit,CC-BY-4.0 (by A. Drummer)" for i in range(6)]
    rows += [f"high/take-{i}.wav,bell,foundry,CC0-1.0" for i in range(4)]
    (folder / "manifest.csv").write_text("file,class,source,licence\n" + "\n".join(rows))
    sounds = prepare(folder, MODEL, DATA)
    assert sounds.classes == ("bell", "high", "low")
    assert sounds.licence == f"CC-BY-4.0; CC0-1.0; {UNKNOWN}"
    assert sounds.credits == ("foundry: CC0-1.0", "kit: CC-BY-4.0 (by A. Drummer)")
    assert set(sounds.groups) == {
        *("bell/foundry/take", "low/kit/take", "high/take-4.wav", "high/take-5.wav"),
    }
    capped = prepare(folder, MODEL, DataConfig(max_per_source=2))
    assert capped.names == (
        "high/take-0",
        "high/take-3",
        "high/take-4",
        "high/take-5",
        "low/take-0",
        "low/take-5",
    )

    (folder / "manifest.csv").write_text("name,class\nx,y\n")
    with pytest.raises(DataError, match="no column named file"):
        prepare(folder, MODEL, DATA)


def test_sounds_without_a_source_are_not_limited(folder: Path) -> None:
    assert prepare(folder, MODEL, DataConfig(max_per_source=2)).names == prepare(folder, MODEL, DATA).names


def test_files_that_differ_in_suffix_have_unique_names(folder: Path) -> None:
    signal, rate = soundfile.read(folder / "low" / "take-0.wav")
    soundfile.write(folder / "low" / "take-0.flac", -signal[:800], rate)
    names = prepare(folder, MODEL, DATA).names
    assert len(set(names)) == len(names) == 13
    assert {"low/take-0.wav", "low/take-0.flac", "low/take-1"} <= set(names)


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3", "aiff", "au", "caf"])
def test_formats_of_every_suffix_are_read(tmp_path: Path, suffix: str) -> None:
    soundfile.write(tmp_path / f"a.{suffix}", np.tile(alternating(4000)[:, None], 2), 44100)
    signal, rate = read(tmp_path / f"a.{suffix}")
    assert rate == 44100
    assert signal.shape[1] == 2
    assert signal.dtype == np.float32


def test_numbers_in_names_sort_by_value() -> None:
    assert sorted(["b", "a-10", "a-2", "2", "10"], key=natural) == ["2", "10", "a-2", "a-10", "b"]
    assert sorted(["x" + "9" * 5000, "x007", "x10"], key=natural) == ["x007", "x10", "x" + "9" * 5000]
