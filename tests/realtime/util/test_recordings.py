"""Recordings keep all samples that were written, however the program ends, and replace no file."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from realtime.util.recordings import Recording, move, recover
from realtime.util.repair import repair_flac, repair_wav

DYING = """
import os, sys
from pathlib import Path
import numpy as np
from realtime.util.recordings import Recording

recording = Recording(Path(sys.argv[1]), 48000, 2)
for number in range(100):
    recording.write(np.full((128, 2), number / 100, np.float32))
    if number == 50:
        recording.update_header()
os._exit(0)
"""


def left(path: Path) -> Path:
    """Return the unfinished recording, 100 blocks long, that a dying program leaves."""
    subprocess.run([sys.executable, "-c", DYING, str(path)], check=True)
    (part,) = path.parent.glob(f".{path.name}.*.recording")
    return part


def test_recording_of_a_dead_program_is_completed_and_gets_its_name(tmp_path: Path) -> None:
    path, said = tmp_path / "take.wav", list[str]()
    part = left(path)
    assert soundfile.info(part).frames == 51 * 128  # the header was updated after block 50
    with part.open("ab") as file:
        file.write(b"\0\0\0")  # an incomplete sample
    recover(tmp_path, said.append)
    sound, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_array_equal(sound[:, 0], np.repeat(np.arange(100) / 100, 128).astype(np.float32))
    assert said == [f"{path}: recovered; the server that recorded it did not end properly"]
    assert list(tmp_path.iterdir()) == [path]


def test_recovered_flac_recording_states_its_length(tmp_path: Path) -> None:
    path = tmp_path / "take.flac"
    left(path)
    recover(tmp_path, lambda line: None)
    sound, _ = soundfile.read(path, dtype="float32")
    frames = 4096  # samples that libsndfile encodes together
    assert len(sound) == 100 * 128 // frames * frames
    expected = np.repeat(np.arange(100) / 100, 128)[: len(sound)]
    np.testing.assert_allclose(sound[:, 0], expected, atol=2**-23)


@pytest.mark.parametrize("lost", [0, 1, 2, 3, 7, 15, 16, 100, 5000, 20_000, 30_000])
def test_repaired_flac_file_keeps_all_complete_frames(tmp_path: Path, lost: int) -> None:
    path, random = tmp_path / "take.flac", np.random.default_rng(0)
    written = random.uniform(-0.9, 0.9, (200_000, 2))
    soundfile.write(path, written, 48_000, subtype="PCM_24")
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)  # the number of samples: unknown
    path.write_bytes(content[: len(content) - lost])
    with path.open("r+b") as file:
        repair_flac(file)
    sound, _ = soundfile.read(path)
    incomplete = 1 if lost else 0
    incomplete += lost > 20_000  # the last, shorter frame has more than 20,000 bytes
    assert len(sound) >= 200_000 - 4096 * incomplete
    np.testing.assert_allclose(sound, written[: len(sound)], atol=2**-23)


def test_recovery_replaces_nothing_and_leaves_files_of_running_programs(tmp_path: Path) -> None:
    path, said = tmp_path / "take.wav", list[str]()
    left(path)
    path.write_text("precious")
    living = Recording(tmp_path / "live.wav", 48000, 1)
    recover(tmp_path, said.append)
    recover(tmp_path / "missing", said.append)
    living.discard()
    assert path.read_text() == "precious"
    assert len(said) == 1
    assert soundfile.info(tmp_path / "take-2.wav").frames == 12_800
    assert {each.name for each in tmp_path.iterdir()} == {"take.wav", "take-2.wav"}


@pytest.mark.parametrize("content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"garbage" * 10])
def test_recording_without_a_header_gets_its_name_or_is_removed_if_empty(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / ".take.wav.99999999.recording").write_bytes(content)
    recover(tmp_path, lambda line: None)
    assert [each.name for each in tmp_path.iterdir()] == (["take.wav"] if content else [])


def test_recording_takes_a_different_name_if_its_own_has_appeared(tmp_path: Path) -> None:
    path = tmp_path / "take.wav"
    recording = Recording(path, 48000, 2)
    recording.write(np.zeros((128, 2), np.float32))
    path.write_text("precious")
    recording.commit()
    assert (path.read_text(), recording.path) == ("precious", tmp_path / "take-2.wav")
    assert soundfile.info(recording.path).frames == 128


def test_recording_is_a_plain_wav_file_up_to_4_gb(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "take.wav", 48000, 2)
    recording.write(np.zeros((128, 2), np.float32))
    recording.commit()
    assert recording.path.read_bytes()[:4] == b"RIFF"
    assert soundfile.info(recording.path).subtype == "FLOAT"


@pytest.mark.skipif(sys.platform != "linux", reason="needs sparse files")
def test_repaired_header_of_a_file_of_5_gb_counts_all_samples(tmp_path: Path) -> None:
    path, align, begin = tmp_path / "long.wav", 8, 12 + 36 + 24 + 8
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 2, 48000, 48000 * align, align, 32)
    head = b"RF64\xff\xff\xff\xffWAVE" + struct.pack("<4sIQQQI", b"ds64", 28, 0, 0, 0, 0) + form
    path.write_bytes(head + b"data\xff\xff\xff\xff")
    os.truncate(path, begin + 5 * 2**30 + 3)
    with path.open("r+b") as file:
        repair_wav(file)
    assert soundfile.info(path).frames == 5 * 2**30 // align


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_recording_may_have_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    recording = Recording(tmp_path / os.fsdecode(b"ki\xffck.wav"), 48000, 2)
    recording.write(np.zeros((128, 2), np.float32))
    recording.commit()
    assert os.listdir(os.fsencode(tmp_path)) == [b"ki\xffck.wav"]


def test_moved_file_gets_a_free_name(tmp_path: Path) -> None:
    for name in ("new", "take.wav", "take-2.wav"):
        (tmp_path / name).write_text(name)
    assert move(tmp_path / "new", tmp_path / "take.wav") == tmp_path / "take-3.wav"
    assert (tmp_path / "take-3.wav").read_text() == "new"
    assert not (tmp_path / "new").exists()
