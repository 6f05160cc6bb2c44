"""The GPU kernels of the gated layers give the results of `DilationBlock.plain`.

Without a GPU, Triton's interpreter runs the kernels.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

from trainer.models.layers import DilationBlock, dilations

SHAPES = [(1, 3, 1), (4, 150, 2)]
"""Numbers of layers, time steps and sounds of each comparison."""


@pytest.mark.skipif(sys.platform != "linux", reason="Triton needs Linux")
def test_kernels_and_their_gradients_equal_the_plain_block() -> None:
    # in a separate process, because Triton chooses its interpreter when it is first imported
    env = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": os.getcwd()}
    done = subprocess.run([sys.executable, __file__], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    differences = json.loads(done.stdout)
    assert len(differences) == len(SHAPES) * 6
    assert max(differences) <= 1e-5


@pytest.mark.gpu
def test_kernels_equal_the_plain_block_on_a_gpu() -> None:
    assert max(compare(10, 1000, 3, channels=32, device="cuda")) <= 1e-3


def compare(layers: int, time: int, batch: int, channels: int = 16, device: str = "cpu") -> list[float]:
    """Return the relative differences between kernels and plain block.

    There is one for the output, one for each gradient, and one for the output computed without gradients.
    """
    from trainer.models import gated_cuda

    torch.manual_seed(layers)
    block = DilationBlock(layers, channels).to(device)
    with torch.no_grad():
        block.bias.normal_()
    x, towards = torch.randn(2, batch, time, channels, device=device).unbind()
    x.requires_grad_()

    def fused(x: torch.Tensor) -> torch.Tensor:
        weights = block.now, block.past, block.bias
        return gated_cuda.GatedLayers.apply(x, *weights, dilations(layers), "ieee")

    found = []
    for forward in (fused, block.plain):
        block.zero_grad()
        x.grad = None
        y = forward(x)
        (y * towards).sum().backward()
        found.append([y.detach(), x.grad, *(p.grad for p in block.parameters())])
    with torch.no_grad():
        found[0].append(fused(x))
    found[1].append(found[1][0])
    pairs = zip(*found, strict=True)
    return [float((ours - plain).norm() / plain.norm()) for ours, plain in pairs if ours is not None]


if __name__ == "__main__":
    print(json.dumps([value for shape in SHAPES for value in compare(*shape)]))
