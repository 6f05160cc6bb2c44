"""Tests for the library: the folder whose files messages may name."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.util.errors import ControlError
from realtime.util.library import Library

WAV = (".wav",)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    (folder / "drums").mkdir(parents=True)
    for path in ("a.wav", "drums/B.WAV", "drums/Kick 01.wav", ".draft.wav", "notes.txt", "nones.txt"):
        (folder / path).write_bytes(b"x")
    (tmp_path / "secret.wav").write_bytes(b"x")
    (folder / "out.wav").symlink_to(tmp_path / "secret.wav")
    (folder / "elsewhere").symlink_to(tmp_path, target_is_directory=True)
    (folder / "inside.wav").symlink_to(folder / "a.wav")
    (folder / "circle.wav").symlink_to(folder / "circle.wav")
    (folder / "folder.wav").mkdir()
    return folder


@pytest.mark.parametrize(
    ("name", "found"), [("a.wav", "a.wav"), ("drums/B.WAV", "drums/B.WAV"), ("inside.wav", "a.wav")]
)
def test_library_returns_files_inside_its_folder(folder: Path, name: str, found: str) -> None:
    assert Library(folder).file(name, WAV) == folder.resolve() / found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("../secret.wav", "only files within the library"),
        ("drums/../../secret.wav", "only files within the library"),
        ("drums/../a.wav", "only files within the library"),
        ("out.wav", "only files within the library"),
        ("elsewhere/secret.wav", "only files within the library"),
        ("folder.wav", "only files within the library"),
        ("circle.wav", r"no file 'circle.wav' in the library folder 'library'$"),
        ("none.wav", r"no file 'none.wav' in the library folder 'library'$"),
        ("b.wav", "; did you mean 'drums/B.WAV'"),
        ("samples/kick 1.wav", "; did you mean 'drums/Kick 01.wav'"),
        ("secrets.wav", r"in the library folder 'library'$"),
        ("drafts.wav", r"in the library folder 'library'$"),
        ("a.wav/none.wav", "no file"),
        ("notes.txt", "which does not end with .wav"),
        ("", "which does not end with .wav"),
        ("a\0.wav", "characters that cannot be printed"),
        ("x" * 190 + "/" + "y" * 300 + ".wav", "no file"),
    ],
)
def test_library_rejects_other_names(folder: Path, name: str, text: str) -> None:
    with pytest.raises(ControlError, match=text):
        Library(folder).file(name, WAV)


def test_unreadable_library_still_refuses_an_unknown_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_file", denied)
    with pytest.raises(ControlError, match=r"no file 'none.wav' in the library folder"):
        Library(folder).file("none.wav", WAV)


def test_library_rejects_absolute_paths(folder: Path) -> None:
    with pytest.raises(ControlError, match="only files within the library"):
        Library(folder).file(str(folder / "a.wav"), WAV)


def test_without_a_library_every_name_is_rejected() -> None:
    with pytest.raises(ControlError, match="start it with --library"):
        Library(None).file("a.wav", WAV)
