"""However the process of an errand (a function call) ends, the caller receives a result or an error."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from realtime.util import errands
from realtime.util.errors import RealtimeError

CHILD = "tests.realtime.util.errand"


def test_result_of_an_errand_is_returned(tmp_path: Path) -> None:
    assert errands.run(CHILD, "count", stdin=b"12345", limit_s=60.0) == 5
    (tmp_path / "file").write_bytes(b"123")
    with (tmp_path / "file").open("rb") as file:
        assert errands.run(CHILD, "count", stdin=file, limit_s=60.0) == 3


@pytest.mark.parametrize(
    ("errand", "fault", "limit_s"),
    [
        (["refuse", "the sound is silent"], "the sound is silent", 60.0),
        (["hang"], "the process did not finish within 1 s", 1.0),
        pytest.param(
            ["swell"],
            "the work needs too much memory",
            60.0,
            marks=pytest.mark.skipif(sys.platform != "linux", reason="memory is limited only on Linux"),
        ),
        (["crash"], r"the process crashed \(signal 11\)", 60.0),
        (["unknown"], "the process ended with exit code 1", 60.0),
    ],
)
def test_failure_of_an_errand_is_raised_as_an_error_of_one_line(
    errand: list[str], fault: str, limit_s: float
) -> None:
    with pytest.raises(RealtimeError, match=f"^{fault}$"):
        errands.run(CHILD, *errand, stdin=b"", limit_s=limit_s)
