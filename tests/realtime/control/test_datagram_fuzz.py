"""Random OSC datagrams cause no exception, broken sound or memory leak; malformed ones are counted.

With the environment variable SOUNDMORPH_DATAGRAMS=200000, the test sends more datagrams. A million take too
long for a test; send them with `python -m tests.realtime.control.fuzz_datagrams 1000000 SEED MODEL.onnx`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.attack.fuzz import Fuzz
from tests.realtime.control.fuzz_datagrams import Outcome

ROOT = Path(__file__).parents[3]
COUNT = int(os.environ.get("SOUNDMORPH_DATAGRAMS", "60000"))
MAX_GROWTH = 8 * 2**20  # bytes; a leak of one object per datagram exceeds this after a million datagrams


def test_random_datagrams_cause_no_exception_broken_sound_or_leak(tiny_model: Path) -> None:
    """The server runs in a separate process, to let the test measure the memory of the server alone."""
    command = [
        sys.executable,
        "-m",
        "tests.realtime.control.fuzz_datagrams",
        str(COUNT),
        "1",
        str(tiny_model),
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    outcome = Outcome(**json.loads(ended.stdout))

    assert outcome.malformed > 0.1 * COUNT
    assert outcome.refused > 0.1 * COUNT
    assert outcome.hits > 0.01 * COUNT
    assert outcome.uncounted == 0
    assert outcome.broken_blocks == 0
    assert 0.0 < outcome.loudest <= 1.0
    assert outcome.grown < MAX_GROWTH


def test_seed_determines_the_datagrams() -> None:
    first, again, other = (Fuzz(seed, 4) for seed in (5, 5, 6))
    for fuzz in (first, again, other):
        fuzz._soon = lambda: 1  # type: ignore[method-assign]  # the seed does not determine the time
    rows = [[fuzz.next() for _ in range(200)] for fuzz in (first, again, other)]
    assert rows[0] == rows[1] != rows[2]
