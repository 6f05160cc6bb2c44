"""Tests for the division of a batch into parts, one for each process."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.run.parts import Part, cut


@given(size=st.integers(1, 40), at_once=st.integers(1, 9), paired=st.booleans(), processes=st.integers(1, 5))
def test_parts_of_all_processes_make_up_the_batch(
    size: int, at_once: int, paired: bool, processes: int
) -> None:
    parts = [list(cut(size, at_once, paired, rank, processes)) for rank in range(processes)]
    assert all(parts)  # every process takes part
    counted = [part for mine in parts for part in mine if part.counts]
    assert [row for part in counted for row in range(size)[part.rows]] == list(range(size))
    assert all(part.rows.stop - part.rows.start <= at_once + paired for part in counted)
    assert sum(part.share("kl") for mine in parts for part in mine) == pytest.approx(1.0)
    if paired:
        assert [i for part in counted for i in range((size + 1) // 2)[part.prototypes]] == [
            *range((size + 1) // 2)
        ]
        assert [i for part in counted for i in range(size // 2)[part.pairs]] == [*range(size // 2)]
        assert sum(part.share("centre") for part in counted) == pytest.approx(1.0)
        assert sum(part.share("morph") for part in counted) == pytest.approx(float(size > 1))


def test_sound_without_weight_adds_nothing_to_the_loss() -> None:
    (part,) = cut(1, 8, paired=True, rank=0, processes=2)
    assert part == Part(slice(0, 1), 1, counts=False)
    assert [part.share(term) for term in ("kl", "centre", "morph")] == [0.0, 0.0, 0.0]
