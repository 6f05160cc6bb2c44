"""Tests for the optimiser Muon: orthogonalised steps for matrices, and Adam's steps for other weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainer.models.layers import DilationBlock
from trainer.run.muon import STEP_RMS, Muon, matrices, orthogonalised, split


def random(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def test_singular_values_become_about_one() -> None:
    for shape in ((5, 32, 64), (64, 32), (20, 128)):
        values = torch.linalg.svdvals(orthogonalised(100.0 * random(*shape)))
        assert values.min() > 0.6
        assert values.max() < 1.3


def test_singular_vectors_are_kept() -> None:
    matrix = random(3, 16, 24)
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    inner = left.mT @ orthogonalised(matrix) @ right.mT  # diagonal if the vectors are those of `matrix`
    diagonal = torch.diagonal(inner, dim1=-2, dim2=-1)
    torch.testing.assert_close(inner, torch.diag_embed(diagonal), atol=1e-4, rtol=0.0)


def test_each_matrix_of_a_stack_takes_its_own_step() -> None:
    stack = random(4, 8, 16) * torch.tensor([1.0, 10.0, 100.0, 1000.0])[:, None, None]
    torch.testing.assert_close(orthogonalised(stack)[2], orthogonalised(stack[2]))


def test_matrices_are_those_of_dense_layers_and_dilation_blocks() -> None:
    dense, block, conv = nn.Linear(3, 4), DilationBlock(2, 3), nn.Conv1d(3, 4, 5)
    found = [id(weight) for weight in matrices(nn.ModuleList([dense, block, conv]))]
    assert found == [id(dense.weight), id(block.now), id(block.past)]


def test_step_of_a_matrix_has_the_same_size_for_any_gradient() -> None:
    for scale in (1e-4, 1.0, 1e4):
        weight = nn.Parameter(torch.zeros(32, 64))
        weight.grad = scale * random(32, 64)
        Muon([{"params": [weight], "lr": 0.01, "matrices": True}]).step()
        assert 0.8 < float(weight.detach().square().mean().sqrt()) / (0.01 * STEP_RMS) < 1.2


def test_other_weights_move_as_with_adam() -> None:
    ours, theirs = (nn.Parameter(torch.zeros(7)) for _ in range(2))
    matrix = nn.Parameter(torch.zeros(3, 4))
    muon = Muon(split([{"params": [ours, matrix], "lr": 0.01}], [matrix]))
    adam = torch.optim.Adam([theirs], lr=0.01)
    for step in range(1, 4):
        matrix.grad = random(3, 4)
        for weight, optimiser in ((ours, muon), (theirs, adam)):
            weight.grad = step * random(7)
            optimiser.step()
    assert torch.equal(ours, theirs)


def test_saved_optimiser_continues_with_the_same_steps() -> None:
    def model() -> tuple[nn.Linear, Muon]:
        torch.manual_seed(0)
        layer = nn.Linear(6, 5)
        return layer, Muon(split([{"params": list(layer.parameters()), "lr": 0.01}], matrices(layer)))

    def train(layer: nn.Linear, optimiser: Muon, steps: range) -> None:
        for step in steps:
            optimiser.zero_grad()
            (layer(random(4, 6)) - step).square().sum().backward()
            optimiser.step()

    whole, first, second = model(), model(), model()
    train(*whole, range(6))
    train(*first, range(3))
    second[0].load_state_dict(first[0].state_dict())
    second[1].load_state_dict(first[1].state_dict())
    train(*second, range(3, 6))
    assert torch.equal(whole[0].weight, second[0].weight)
