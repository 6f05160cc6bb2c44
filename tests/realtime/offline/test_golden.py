"""Sound files rendered from five sequence files have the stored levels in six time slices and five octaves.

After an intended change, `SOUNDMORPH_WRITE_GOLDEN=1 python -m pytest tests/realtime/offline/test_golden.py`
stores the new levels. The sequences are rendered with a small model whose weights are drawn from a seed.
"""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from realtime.__main__ import main

FOLDER = Path(__file__).parent / "golden"
NUMBERS = FOLDER / "levels.json"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml"))
SLICES, BANDS = 6, 5
TOLERANCE_DB = 0.02
FLOOR = 1e-4  # added to all amplitudes; parts below -80 dB may therefore differ


def levels(path: Path) -> tuple[list[int], np.ndarray]:
    """Return the stored values of a file: its length in samples, its rate, and its levels in dB.

    The levels are an array [channels, slices, octaves].
    """
    sound, rate = soundfile.read(path, dtype="float64", always_2d=True)
    rows = [[octaves(part) for part in np.array_split(channel, SLICES)] for channel in sound.T]
    return [len(sound), rate], np.array(rows)


def octaves(part: np.ndarray) -> list[float]:
    """Return the levels in dB of the `BANDS` highest octaves, from the highest down."""
    energy = 2 * np.abs(np.fft.rfft(part)) ** 2 / len(part) ** 2
    edges = [int(len(energy) * 2.0**-band) for band in range(BANDS + 1)]
    amplitudes = [np.sqrt(energy[low:high].sum()) for high, low in pairwise(edges)]
    return [round(20 * float(np.log10(FLOOR + amplitude)), 3) for amplitude in amplitudes]


@pytest.mark.parametrize("name", NAMES)
def test_render_matches_the_stored_levels(tiny_model: Path, tmp_path: Path, name: str) -> None:
    assert len(NAMES) == 5
    found = []
    for jobs, threads in (("1", "1"), ("3", "2")):
        out = tmp_path / f"{jobs}.wav"
        command = ["render", str(FOLDER / f"{name}.toml"), "--model", str(tiny_model), "-o", str(out)]
        options = ["--rate", "32000"] if name == "players" else []
        assert main([*command, "--jobs", jobs, "--threads", threads, *options]) == 0
        found.append(levels(out))
    remembered = json.loads(NUMBERS.read_text()) if NUMBERS.exists() else {}
    if os.environ.get("SOUNDMORPH_WRITE_GOLDEN"):
        NUMBERS.write_text(
            json.dumps({**remembered, name: [found[0][0], found[0][1].tolist()]}, indent=1) + "\n"
        )
        pytest.skip("golden levels rewritten")
    shape, wanted = remembered[name]
    for got_shape, got in found:
        assert got_shape == shape
        np.testing.assert_allclose(got, wanted, atol=TOLERANCE_DB)
    assert np.max(wanted) > -60
