from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainer.data import Sounds
from trainer.sampling import batch, epoch_order, generator, split, strata


def made(members: list[tuple[int, str, str]]) -> Sounds:
    """Sounds of (label, source, group); the waveform of sound i is i, i, …"""
    labels = torch.tensor([label for label, _, _ in members])
    return Sounds(
        names=tuple(str(i) for i in range(len(members))),
        classes=tuple(str(i) for i in range(int(labels.max()) + 1)),
        labels=labels,
        sources=tuple(source for _, source, _ in members),
        groups=tuple(group for _, _, group in members),
        waveforms=torch.arange(1.0, len(members) + 1)[:, None, None].expand(-1, 1, 8).contiguous(),
        skipped=(),
        licence="",
        credits=(),
    )


def test_split_takes_the_fraction_of_every_class() -> None:
    sounds = made([(i % 3, "", str(i)) for i in range(90)])
    train, held_out = split(sounds, 0.2, seed=1)
    assert sounds.labels[held_out].bincount().tolist() == [6, 6, 6]
    assert sorted(torch.cat((train, held_out)).tolist()) == list(range(90))
    assert split(sounds, 0.2, seed=1)[1].tolist() == held_out.tolist()
    assert split(sounds, 0.2, seed=2)[1].tolist() != held_out.tolist()
    assert len(split(sounds, 0.0, seed=1)[1]) == 0


@given(
    st.lists(st.tuples(st.integers(0, 2), st.just(""), st.sampled_from("abcde")), min_size=1, max_size=40),
    st.floats(0, 0.9),
    st.integers(0, 5),
)
def test_near_duplicates_never_straddle(
    members: list[tuple[int, str, str]], fraction: float, seed: int
) -> None:
    sounds = made([(label, source, f"{label}{group}") for label, source, group in members])
    train, held_out = split(sounds, fraction, seed)
    assert sorted(train.tolist() + held_out.tolist()) == list(range(len(members)))
    assert not {sounds.groups[i] for i in train} & {sounds.groups[i] for i in held_out}
    assert set(sounds.labels[train].tolist()) == set(sounds.labels.tolist())


def test_order_without_balance_is_every_sound_once() -> None:
    indices = torch.arange(20)
    orders = [epoch_order(None, indices, 0, epoch).tolist() for epoch in (0, 1, 0)]
    assert sorted(orders[0]) == list(range(20))
    assert orders[0] == orders[2] != orders[1]


def test_balance_draws_sources_equally() -> None:
    sounds = made(
        [(0, "big", str(i)) for i in range(50)] + [(0, "small", "x"), (1, "small", "y"), (1, "small", "z")]
    )
    indices = torch.arange(53)
    order = epoch_order(strata(sounds, indices, "source"), indices, 0, 0).tolist()
    counts = Counter((int(sounds.labels[i]), sounds.sources[i]) for i in order)
    assert sorted(counts.values()) == [17, 18, 18]
    within = Counter(i for i in order if i < 50)
    assert set(within.values()) == {1}
    order = epoch_order(strata(sounds, indices, "class"), indices, 0, 0).tolist()
    assert sorted(Counter(int(sounds.labels[i]) for i in order).values()) == [26, 27]


def test_shift_moves_what_is_heard_and_nothing_else() -> None:
    sounds = made([(0, "", str(i)) for i in range(64)])
    found = batch(sounds, torch.arange(64), shift=2, source=generator(0, "shift"))
    assert torch.equal(found.waveform, sounds.waveforms)
    zeros_before = (found.heard[:, 0].cumsum(1) == 0).sum(1)
    zeros_after = (found.heard[:, 0].flip(1).cumsum(1) == 0).sum(1)
    assert Counter((zeros_before - zeros_after).tolist()).keys() == {-2, -1, 0, 1, 2}
    assert torch.equal(found.heard.amax(2), sounds.waveforms.amax(2))


def test_batch_slices_and_moves(tmp_path: Path) -> None:
    found = batch(made([(i, "", str(i)) for i in range(5)]), torch.tensor([4, 2, 0]))
    assert len(found) == 3
    assert found[1:3].label.tolist() == found[1:3].to(torch.device("cpu")).index.tolist() == [2, 0]
    assert found.heard is found.waveform


@pytest.mark.parametrize("other", [(1, "noise", 0), (0, "shift", 0), (0, "noise", 1)])
def test_generators_depend_on_their_arguments_only(other: tuple[int, str, int]) -> None:
    draws = [torch.rand(3, generator=generator(0, "noise", 0)).tolist() for _ in range(2)]
    assert draws[0] == draws[1] != torch.rand(3, generator=generator(*other)).tolist()


@given(
    st.lists(st.tuples(st.integers(0, 2), st.just(""), st.sampled_from("abcde")), min_size=1, max_size=40),
    st.floats(0, 0.9),
    st.integers(0, 5),
)
def test_near_duplicates_of_several_classes_never_straddle(
    members: list[tuple[int, str, str]], fraction: float, seed: int
) -> None:
    sounds = made(members)
    train, held_out = split(sounds, fraction, seed)
    assert sorted(train.tolist() + held_out.tolist()) == list(range(len(members)))
    assert not {sounds.groups[i] for i in train} & {sounds.groups[i] for i in held_out}
    assert set(sounds.labels[train].tolist()) == set(sounds.labels.tolist())
