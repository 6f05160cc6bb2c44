"""Each layer gives the same result as its definition in the paper or in plain PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import torch

from bench.naive import gradients, naive
from tests.trainer.models.plain import assert_equals_plain
from trainer.config import ModelConfig
from trainer.models import layers
from trainer.models.layers import (
    CausalConv,
    CausalUpsample,
    DilationBlock,
    FrameDense,
    dilations,
    halved,
    pointwise,
)
from trainer.models.vae import build


def test_receptive_fields_are_those_of_the_papers_formula() -> None:
    # the formula is (50/m)(2^m - 1) + 1, for m = 10 and 5; the paper prints 5,119 and 319
    assert [sum(delays) + 1 for delays in zip(*dilations(50), strict=True)] == [5116, 311]


def test_dilations_start_again_after_ten_and_five_layers() -> None:
    pairs = dilations(50)
    assert pairs[:6] == [(1, 1), (2, 2), (4, 4), (8, 8), (16, 16), (32, 1)]
    assert pairs[9:11] == [(512, 16), (1, 1)]


@pytest.mark.parametrize(("layers", "time", "batch"), [(1, 3, 1), (12, 700, 2), (50, 1500, 1), (10, 100, 3)])
def test_block_and_its_gradients_equal_the_plain_ones(layers: int, time: int, batch: int) -> None:
    torch.manual_seed(layers)
    x = torch.randn(batch, time, 8, dtype=torch.float64)
    assert_equals_plain(DilationBlock(layers, 8).double(), x)


def test_block_without_numba_gives_the_output_of_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "_looped", lambda: None)
    torch.manual_seed(0)
    block, x = DilationBlock(12, 8), torch.randn(2, 700, 8)
    torch.testing.assert_close(block(x), block.plain(x), rtol=0, atol=0)


def test_block_in_single_precision_keeps_gradients_to_1e_4() -> None:
    torch.manual_seed(0)
    block = DilationBlock(50, 32)
    x = torch.randn(1, 1024, 32)
    towards = torch.randn(1, 1024, 32)
    gradients = []
    for forward in (block.forward, block.plain):
        block.zero_grad()
        (forward(x) * towards).sum().backward()
        gradients.append([p.grad.clone() for p in block.parameters() if p.grad is not None])
    for ours, plain in zip(*gradients, strict=True):
        assert (ours - plain).norm() <= 1e-4 * plain.norm()


def test_a_model_and_its_gradients_equal_those_of_one_in_plain_convolutions() -> None:
    found = []
    for plain in (False, True):
        torch.manual_seed(3)
        model = build(ModelConfig("dc", 8000, 1056, 5, layers=11, channels=6), 2)
        model = (naive(model) if plain else model).double()
        x = torch.randn(3, 1, 1056, generator=torch.Generator().manual_seed(0)).double()
        output = model(x, x[:, 0, :5])
        (output.audio.square().sum() + output.logits.square().sum()).backward()
        found.append((output.audio, gradients(model)))
    (audio, ours), (plain_audio, theirs) = found
    torch.testing.assert_close(audio, plain_audio)
    assert ours.keys() == theirs.keys() == {name for name, _ in build_names()}
    for name, gradient in theirs.items():
        assert (ours[name] - gradient).norm() <= 1e-9 * gradient.norm(), name


def build_names() -> list[tuple[str, torch.nn.Parameter]]:
    return list(build(ModelConfig("dc", 8000, 1056, 5, layers=11, channels=6), 2).named_parameters())


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    torch.manual_seed(0)
    block, before = DilationBlock(12, 8), torch.get_num_threads()
    x, results = torch.randn(5, 300, 8), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            for _ in range(2):
                block.zero_grad()
                y = block(x)
                y.square().sum().backward()
                assert torch.get_num_threads() == threads
                results.append([y.detach(), *(p.grad for p in block.parameters())])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        for ours, theirs in zip(results[0], other, strict=True):
            assert ours is not None
            assert theirs is not None
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 6])
def test_time_major_layers_equal_the_convolutions_that_they_replace(channels: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, channels, 40)
    causal, turned = CausalConv(channels, 5, 7), torch.nn.ConvTranspose1d(channels, 5, 1)
    single, pairs = torch.nn.Conv1d(channels, 5, 1), torch.nn.Conv1d(channels, 3, 2, stride=2)
    rows = x.transpose(1, 2)
    for found, layer in (
        (causal.rows(rows), causal),
        (pointwise(turned, rows), turned),
        (pointwise(single, rows), single),
        (halved(pairs, rows), pairs),
    ):
        torch.testing.assert_close(found.transpose(1, 2), layer(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("still", [torch.no_grad, torch.inference_mode])
def test_block_without_gradients_computes_the_same(
    still: Callable[[], AbstractContextManager[None]], threads: int
) -> None:
    torch.manual_seed(0)
    block, x, before = DilationBlock(20, 8), torch.randn(2, 301, 8), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with still():
            quiet = block(x), block(2 * x)
        assert torch.equal(quiet[0], block(x).detach())
        with still():
            assert torch.equal(quiet[1], block(2 * x))
    finally:
        torch.set_num_threads(before)


def test_second_forward_before_the_first_backward_does_not_change_the_gradient() -> None:
    torch.manual_seed(0)
    block = DilationBlock(6, 4)
    x = torch.randn(1, 40, 4)
    block(x).sum().backward()
    alone = block.now.grad
    assert alone is not None
    alone = alone.clone()
    block.zero_grad()
    first = block(x).sum()
    block(torch.randn(1, 40, 4))
    first.backward()
    assert block.now.grad is not None
    assert torch.equal(block.now.grad, alone)


@pytest.mark.parametrize(
    "layer", [CausalConv(3, 5, 32), CausalUpsample(3, 5, 4, stride=2), CausalUpsample(3, 5, 5, stride=2)]
)
def test_later_input_does_not_change_earlier_output(layer: torch.nn.Module) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 3, 40)
    changed = x.clone()
    changed[..., 25:] += 1.0
    before, after = layer(x), layer(changed)
    per_input = before.shape[-1] // 40
    assert torch.equal(before[..., : 25 * per_input], after[..., : 25 * per_input])
    assert not torch.equal(before, after)


def test_frame_dense_takes_one_z_or_one_z_for_each_frame() -> None:
    torch.manual_seed(0)
    dense = FrameDense(4, 6)
    z = torch.randn(2, 4)
    torch.testing.assert_close(dense(z), dense(z[:, None].repeat(1, 6, 1)))
    moved = z[:, None].repeat(1, 6, 1)
    moved[:, 3] += 1.0
    assert torch.nonzero(dense(moved)[0] != dense(z[:, None].repeat(1, 6, 1))[0]).flatten().tolist() == [3]
