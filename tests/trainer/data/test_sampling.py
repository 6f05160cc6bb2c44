"""Tests for the order of the sounds in an epoch, for batches, and for averages of sounds of a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from trainer.data.sampling import augmented, batch, epoch_order, generator, strata
from trainer.data.sounds import Sounds

MadeSounds = Callable[[list[tuple[int, str, str]]], Sounds]


def test_order_without_balance_contains_every_sound_once() -> None:
    indices = torch.arange(20)
    orders = [epoch_order(None, indices, 0, epoch).tolist() for epoch in (0, 1, 0)]
    assert sorted(orders[0]) == list(range(20))
    assert orders[0] == orders[2] != orders[1]


def test_balance_by_source_draws_every_source_equally(made: MadeSounds) -> None:
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


def test_shift_moves_only_the_input_of_the_encoder(made: MadeSounds) -> None:
    sounds = made([(0, "", str(i)) for i in range(64)])
    found = batch(sounds, torch.arange(64), shift=2, source=generator(0, "shift"))
    assert torch.equal(found.waveform, sounds.waveforms)
    zeros_before = (found.encoder_input[:, 0].cumsum(1) == 0).sum(1)
    zeros_after = (found.encoder_input[:, 0].flip(1).cumsum(1) == 0).sum(1)
    assert Counter((zeros_before - zeros_after).tolist()).keys() == {-2, -1, 0, 1, 2}
    assert torch.equal(found.encoder_input.amax(2), sounds.waveforms.amax(2))


def test_batch_can_be_sliced_and_moved_to_a_device(tmp_path: Path, made: MadeSounds) -> None:
    found = batch(made([(i, "", str(i)) for i in range(5)]), torch.tensor([4, 2, 0]))
    assert len(found) == 3
    assert found[1:3].label.tolist() == found[1:3].to(torch.device("cpu")).index.tolist() == [2, 0]
    assert found.encoder_input is found.waveform


@pytest.mark.parametrize("other", [(1, "noise", 0), (0, "shift", 0), (0, "noise", 1)])
def test_random_draws_depend_only_on_the_arguments_of_the_generator(other: tuple[int, str, int]) -> None:
    draws = [torch.rand(3, generator=generator(0, "noise", 0)).tolist() for _ in range(2)]
    assert draws[0] == draws[1] != torch.rand(3, generator=generator(*other)).tolist()


def test_each_training_sound_is_used_plain_and_averaged_with_others_of_its_class() -> None:
    targets, train = torch.tensor([0, 0, 0, 0, 1, 2, 2, 2])[:, None], torch.tensor([0, 1, 3, 4, 5, 7])
    sounds, partners = augmented(targets, train, 2, seed=0)
    assert sounds.tolist() == [i for i in train.tolist() for _ in range(3)]
    found = partners.view(-1, 3).tolist()
    assert [row[0] for row in found] == train.tolist()
    assert [sorted(row[1:]) for row in found] == [[1, 3], [0, 3], [0, 1], [4, 4], [7, 7], [5, 5]]
    assert torch.equal(augmented(targets, train, 2, seed=0)[1], partners)
    assert [part.tolist() for part in augmented(targets, train, 0, 0)] == [train.tolist()] * 2
