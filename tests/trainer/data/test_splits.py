"""The three parts of a folder are disjoint, and each contains its fraction of the sounds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.config import DataConfig
from trainer.data.sounds import Sounds
from trainer.data.splits import Parts, parts

MadeSounds = Callable[[list[tuple[int, str, str]]], Sounds]


def shares(test: float, validation: float) -> DataConfig:
    return DataConfig(test_fraction=test, validation_fraction=validation)


def test_each_part_has_its_fraction_of_every_class(made: MadeSounds) -> None:
    sounds = made([(i % 3, "", str(i)) for i in range(150)])
    found = parts(sounds, shares(0.2, 0.1), seed=1)
    counts = [sounds.labels[part].bincount().tolist() for part in (found.train, found.validation, found.test)]
    assert counts == [[36] * 3, [4] * 3, [10] * 3]
    assert sorted(torch.cat((found.train, found.validation, found.test)).tolist()) == list(range(150))


def test_test_sounds_depend_only_on_the_seed(made: MadeSounds) -> None:
    sounds = made([(i % 3, "", str(i)) for i in range(150)])
    found, again, other = (parts(sounds, shares(0.2, 0.1), seed) for seed in (1, 1, 2))
    for ours, same, different in zip(
        vars(found).values(), vars(again).values(), vars(other).values(), strict=True
    ):
        assert torch.equal(ours, same)
        assert not torch.equal(ours, different)
    without = parts(sounds, shares(0.2, 0.0), 1)
    assert torch.equal(without.test, found.test)
    assert torch.equal(without.train, torch.cat((found.train, found.validation)).sort()[0])
    assert len(without.validation) == 0


@pytest.mark.parametrize(
    ("takes", "counts"), [(1, (1, 0, 0)), (2, (1, 0, 1)), (5, (4, 0, 1)), (6, (4, 1, 1))]
)
def test_small_classes_go_to_training_before_validation(
    made: MadeSounds, takes: int, counts: tuple[int, int, int]
) -> None:
    found = parts(made([(0, "", str(i)) for i in range(takes)]), DataConfig(), 0)
    assert tuple(map(len, vars(found).values())) == counts


Members = st.lists(
    st.tuples(st.integers(0, 2), st.just(""), st.sampled_from("abcdefgh")), min_size=1, max_size=60
)


@given(
    Members,
    st.floats(0, 0.9, allow_subnormal=False),
    st.floats(0, 0.9, allow_subnormal=False),
    st.integers(0, 5),
    st.booleans(),
)
def test_near_duplicates_stay_in_one_part(
    made: MadeSounds,
    members: list[tuple[int, str, str]],
    test: float,
    validation: float,
    seed: int,
    mixed: bool,
) -> None:
    """Draw sounds; if `mixed` is true, a group may contain sounds of several classes."""
    sounds = made(
        [(label, source, group if mixed else f"{label}{group}") for label, source, group in members]
    )
    found = vars(parts(sounds, shares(test, validation), seed)).values()
    assert sorted(i for part in found for i in part.tolist()) == list(range(len(members)))
    groups = [{sounds.groups[i] for i in part} for part in found]
    assert sum(map(len, groups)) == len(set(sounds.groups))
    train = next(iter(found))
    assert set(sounds.labels[train].tolist()) == set(sounds.labels.tolist())


@pytest.mark.parametrize(("number", "said"), [(1, "1 sound to train on"), (2, "2 sounds to train on")])
def test_single_training_sound_is_named_in_the_singular(number: int, said: str) -> None:
    none = torch.arange(0)
    assert str(Parts(torch.arange(number), none, none)) == f"{said}, 0 for validation, 0 for the test"
