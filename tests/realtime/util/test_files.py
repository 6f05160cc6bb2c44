"""Sound files and folders appear complete or not at all, and recordings never delay the sound."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from realtime.live.recorder import Recorder
from realtime.util import files
from realtime.util.files import FileError, Folder, SoundFile, check
from realtime.util.recordings import Recording


def noise(blocks: int, block_size: int = 128) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (blocks, block_size, 2)).astype(np.float32)


@pytest.mark.parametrize(("name", "tolerance"), [("take.wav", 0.0), ("take.FLAC", 2**-23)])
def test_recording_equals_played_sound(tmp_path: Path, name: str, tolerance: float) -> None:
    path = tmp_path / name
    said: list[str] = []
    recorder = Recorder(path, 48000, 2, 128, say=said.append)
    blocks = noise(500)
    for block in blocks:
        recorder.write(block)
    assert not path.exists()
    recorder.close()
    sound, rate = soundfile.read(path, dtype="float32")
    assert rate == 48000
    np.testing.assert_allclose(sound, blocks.reshape(-1, 2), atol=tolerance)
    assert said == []
    assert list(tmp_path.iterdir()) == [path]


def test_blocks_lost_on_a_slow_disk_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk_works, write = threading.Event(), Recording.write

    def slow(recording: Recording, block: np.ndarray) -> None:
        assert disk_works.wait(60.0)
        write(recording, block)

    monkeypatch.setattr(Recording, "write", slow)
    path, said = tmp_path / "take.wav", list[str]()
    recorder = Recorder(path, 48000, 2, 4800, say=said.append)
    for block in noise(1, 4800).repeat(53, axis=0):  # the queue holds five seconds (50 blocks)
        recorder.write(block)
    disk_works.set()
    recorder.close()
    assert said == [f"{path}: the disk was too slow; 3 blocks are missing"]
    assert soundfile.info(path).frames == 50 * 4800


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from realtime.live.recorder import Recorder

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
recorder = Recorder(Path(sys.argv[1]), 48000, 2, 128, say=print)
for _ in range(1000):
    recorder.write(np.full((128, 2), 0.5, np.float32))
recorder.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_full_disk_is_reported_once_and_written_blocks_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "take.wav"
    command = [sys.executable, "-c", FULL_DISK, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"recording stopped, playing continues: cannot write to {path}")
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == [path]
    assert 90_000 <= path.stat().st_size <= 100_000


def test_existing_file_is_refused_without_force(tmp_path: Path) -> None:
    path = tmp_path / "take.wav"
    path.write_text("precious")
    with pytest.raises(FileError, match="exists; choose another name, or --force to replace it"):
        check(path)
    with pytest.raises(FileError, match="exists"):
        SoundFile(path, 48000, 2)
    file = SoundFile(path, 48000, 2, force=True)
    file.write(noise(1)[0])
    assert path.read_text() == "precious"
    file.commit()
    assert soundfile.info(path).frames == 128


def test_file_created_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "take.wav"
    file = SoundFile(path, 48000, 2)
    path.write_text("precious")
    with pytest.raises(FileError, match="exists"):
        file.commit()
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("take.mp3", r"only \.wav, \.flac and \.ogg files are accepted"),
        ("take", "are accepted"),
        ("nowhere/take.wav", "no such folder"),
    ],
)
def test_invalid_output_paths_are_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(FileError, match=text):
        check(tmp_path / name)


def test_discarded_recording_leaves_no_file(tmp_path: Path) -> None:
    file = SoundFile(tmp_path / "take.wav", 48000, 2)
    file.write(noise(1)[0])
    file.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "bits", "tolerance"),
    [("a.wav", "16", 2**-15), ("a.wav", "24", 2**-23), ("a.wav", "32f", 0.0), ("a.flac", "16", 2**-15)],
)
def test_each_sample_format_has_its_precision(tmp_path: Path, name: str, bits: str, tolerance: float) -> None:
    sound = (0.99 * noise(1)[0]).astype(np.float32)
    file = SoundFile(tmp_path / name, 44100, 2, bits=bits)
    file.write(sound)
    file.commit()
    kept, _ = soundfile.read(tmp_path / name, dtype="float32")
    assert 0.4 * tolerance <= np.abs(kept - sound).max() <= tolerance
    with pytest.raises(FileError, match="no samples of format 32f; accepted: 24, 16"):
        check(tmp_path / "b.flac", bits="32f")


def test_ogg_keeps_rate_length_and_level(tmp_path: Path) -> None:
    sound = (np.sin(np.arange(9600) / 9)[:, np.newaxis] / 2).astype(np.float32)
    file = SoundFile(tmp_path / "a.ogg", 32000, 1)
    file.write(sound)
    file.commit()
    kept, rate = soundfile.read(tmp_path / "a.ogg", dtype="float32")
    assert (rate, len(kept)) == (32000, 9600)
    assert np.sqrt(np.mean((kept - sound[:, 0]) ** 2)) < 0.02


def test_folder_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    place = tmp_path / "pack"
    with Folder.making(place) as folder:
        (folder.part / "a.txt").write_text("new")
        assert not place.exists()
    assert [path.name for path in tmp_path.rglob("*")] == ["pack", "a.txt"]
    with pytest.raises(FileError, match="pack exists; choose another name, or --force to write into it"):
        Folder(place)
    (place / "b.txt").write_text("kept")
    with Folder.making(place, force=True) as folder:
        (folder.part / "a.txt").write_text("newer")
    assert {path.name: path.read_text() for path in place.iterdir()} == {"a.txt": "newer", "b.txt": "kept"}

    def interrupted() -> None:
        with Folder.making(place, force=True) as folder:
            (folder.part / "a.txt").write_text("newest")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (place / "a.txt").read_text() == "newer"
    assert list(tmp_path.iterdir()) == [place]


def test_render_stops_at_the_4_gb_that_a_wav_header_can_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_WAV", 2 * 128 * 8)
    file = SoundFile(tmp_path / "long.wav", 48000, 2)
    file.write(noise(1)[0])
    file.write(noise(1)[0])
    with pytest.raises(FileError, match="a WAV file holds 4 GB at most"):
        file.write(noise(1)[0])
    file.discard()
