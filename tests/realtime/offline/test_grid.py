"""Tests for sample packs: sounds on a grid between two or four corner points, for samplers."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile

from realtime.__main__ import main
from realtime.model.decoder import Decoder
from realtime.offline.grid import GridError, cells, size

CORNERS = ("kick", "snare", "hihat", "kick")
MIXTURES = (("kick", "kick50-snare50", "snare"), ("hihat", "kick50-hihat50", "kick-2"))


@pytest.fixture(scope="module")
def pack(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("grid") / "pack"
    command = ["render", "--grid", ",".join(CORNERS), "--size", "3x2", "--model", str(tiny_model)]
    assert main([*command, "--gain", "-20", "-o", str(folder)]) == 0
    return folder


def sound(pack: Path, row: int, column: int) -> np.ndarray:
    return soundfile.read(pack / "sounds" / f"{MIXTURES[row - 1][column - 1]}.wav", dtype="float32")[0]


def test_pack_contains_the_decoded_sound_of_every_point_of_the_grid(pack: Path, decoder: Decoder) -> None:
    a, b, c, d = (np.array(decoder.info.point(name)) for name in CORNERS)
    points = [a, (a + b) / 2, b, c, (c + d) / 2, d]
    expected = 0.1 * decoder.decode(points)
    assert np.abs(expected).max() < 0.9
    found = [sound(pack, row, column) for row in (1, 2) for column in (1, 2, 3)]
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert len(list((pack / "sounds").iterdir())) == 6


def test_ranges_of_the_modulation_wheel_cover_all_values_once() -> None:
    for columns in range(2, 65):
        row = cells(["a", "b"], [(0.0,), (1.0,)], columns, 1, ".wav")
        values = [value for cell in row for value in range(cell.wheel[0], cell.wheel[1] + 1)]
        assert values == list(range(128))
        assert [cell.z[0] for cell in row] == pytest.approx(np.linspace(0, 1, columns).tolist())


# The measured gain of sfizz at full volume; its nominal default is -7.35 dB.
SFIZZ_GAIN = 0.42853
BLOCK = 8192  # a note must be one block: without resampling, sfizz repeats a sample between blocks


def played(pack: Path, key: int, velocity: int, wheel: int) -> np.ndarray:
    """Play a note of the pack with sfizz, an SFZ player, and return its output [BLOCK, 2]."""
    sfizz = pytest.importorskip("pysfizz", reason="the SFZ player sfizz is not installed (PyPI: pysfizz)")
    synth = sfizz.Synth(22050, BLOCK)
    assert synth.load_sfz_file(pack / "pack.sfz")
    raw = synth._synth
    raw.set_sample_quality(1)  # resample without a filter
    raw.cc(0, 7, 127)
    raw.cc(0, 1, wheel)
    for _ in range(4):  # repeat until the volume has settled
        raw.render_block()
    raw.note_on(0, key, velocity)
    return np.stack(raw.render_block(), axis=1)


@pytest.mark.parametrize(
    ("key", "velocity", "wheel", "place"),
    [(36, 127, 0, (1, 1)), (36, 64, 127, (1, 3)), (37, 100, 60, (2, 2)), (37, 1, 127, (2, 3))],
)
def test_sfz_player_plays_the_sounds_of_the_pack(
    pack: Path, key: int, velocity: int, wheel: int, place: tuple[int, int]
) -> None:
    expected = velocity / 127 * sound(pack, *place)
    heard = played(pack, key, velocity, wheel) / SFIZZ_GAIN
    end = len(expected) - 8  # sfizz fades out a sound that does not end at zero
    for channel in heard.T:
        np.testing.assert_allclose(channel[:end], expected[:end], atol=1e-3 * np.abs(expected).max())


#: Attributes of the elements in use, from Decent Sampler's Developers Guide ("The <groups> element").
DOCUMENTED = {
    "groups": {"volume", "globalTuning"},
    "group": {"enabled", "volume", "ampVelTrack"},
    "sample": {"path", "rootNote", "loNote", "hiNote", "loCC1", "hiCC1", "loopEnabled", "ampEnvEnabled"},
}


def test_decent_sampler_preset_maps_the_sounds_to_the_same_keys_and_wheel_ranges(pack: Path) -> None:
    top = ElementTree.parse(pack / "pack.dspreset").getroot()
    assert top.tag == "DecentSampler"
    assert [
        (each.tag, set(each.attrib) - DOCUMENTED[each.tag]) for each in top.iter() if each.tag in DOCUMENTED
    ] == [
        ("groups", set()),
        ("group", set()),
        *6 * [("sample", set())],
    ]
    samples = [dict(each.attrib) for each in top.iter("sample")]
    assert len(samples) == 6
    assert all((pack / each["path"]).is_file() for each in samples)
    assert [each["rootNote"] for each in samples] == ["36"] * 3 + ["37"] * 3
    assert [(each["loCC1"], each["hiCC1"]) for each in samples[:3]] == [
        ("0", "42"),
        ("43", "85"),
        ("86", "127"),
    ]


@pytest.mark.parametrize(
    ("text", "corners", "complaint"),
    [
        ("9", 4, "such as 9x9"),
        ("1x9", 4, "2 to 64 columns"),
        ("9x99", 4, "such as"),
        ("9x1", 4, "two corners make one row"),
        ("9x9", 2, "two corners make one row"),
        ("axb", 4, "such as"),
    ],
)
def test_invalid_sizes_are_errors(text: str, corners: int, complaint: str) -> None:
    with pytest.raises(GridError, match=complaint):
        size(text, corners)


def test_three_corners_are_an_error(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["render", "--grid", "kick,snare,hihat", "--model", str(tiny_model), "-o", str(tmp_path / "x")]
    assert main(command) == 2
    assert "--grid has 3 corners; give two or four" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
