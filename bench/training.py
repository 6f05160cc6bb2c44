"""`python -m bench.training [--json]`: a training step of the DC model, 4,096 samples, 20-D, on two threads.

speedup_vs_naive    the same model written with `nn.Conv1d` in eager mode / ours
gradient_error      largest relative difference of a parameter's gradient between the two
roofline_ratio      time of a step / (its multiplications and additions at the machine's GEMM rate)
peak_memory_mb      what a step of ours adds to the process, and a naive one
step_ms_per_sound   ours, on this machine at this moment
"""

from __future__ import annotations

import multiprocessing
import resource
import sys

import torch
from torch import Tensor, nn

from bench.decoder import multiplications
from bench.measure import best_of, gemm_flops, report
from trainer.config import ModelConfig
from trainer.layers import DilationBlock, dilations
from trainer.models import VAE, build

CONFIG = ModelConfig("dc", 8000, 4096, 20)
CLASSES, BATCH, THREADS = 10, 2, 2
PASSES = 3
"""Backward has two products for each one of forward."""


class NaiveBlock(nn.Module):
    """A dilation block as one writes it down: two convolutions a layer, products summed up."""

    def __init__(self, block: DilationBlock) -> None:
        super().__init__()
        layers, channels, _ = block.now.shape
        self.subs = nn.ModuleList()
        for i, pair in enumerate(dilations(layers)):
            for part, delay in enumerate(pair):
                columns = slice(part * channels, (part + 1) * channels)
                sub = nn.Conv1d(channels, channels, 2, dilation=delay)
                with torch.no_grad():
                    sub.weight.copy_(
                        torch.stack([block.past[i][:, columns].T, block.now[i][:, columns].T], -1)
                    )
                    sub.bias.copy_(block.bias[i, columns])  # type: ignore[union-attr]
                self.subs.append(sub)
        self.delays = [delay for pair in dilations(layers) for delay in pair]

    def forward(self, x: Tensor) -> Tensor:
        """x [B, T, C] -> [B, T, C]."""
        x = x.transpose(1, 2)
        total = torch.zeros_like(x)
        for i in range(0, len(self.subs), 2):
            first, second = (
                torch.tanh(self.subs[k](nn.functional.pad(x, (self.delays[k], 0)))) for k in (i, i + 1)
            )
            x, total = x + first * second, total + first * second
        return (total / (len(self.subs) // 2)).transpose(1, 2)


def make_naive(model: VAE) -> VAE:
    """The same model, its blocks written plainly."""
    naive = build(CONFIG, CLASSES)
    naive.load_state_dict(model.state_dict())
    for part in (naive.encoder, naive.decoder):
        part.block = NaiveBlock(part.block)  # type: ignore[arg-type]
    return naive


def step(model: VAE, audio: Tensor) -> None:
    """Forward, the paper's losses but for classification, backward."""
    model.zero_grad()
    output = model(audio)
    (
        (output.audio - audio).square().sum((1, 2)).mean() + 1e-4 * output.mean.square().sum(1).mean()
    ).backward()


def gradient_error(model: VAE, naive: VAE, audio: Tensor) -> float:
    """Largest relative difference of the gradients outside the blocks, which depend on all those inside."""
    step(model, audio)
    step(naive, audio)
    plain = dict(naive.named_parameters())
    pairs = [(p.grad, plain[name].grad) for name, p in model.named_parameters() if ".block." not in name]
    return max(float((a - b).norm() / b.norm()) for a, b in pairs if a is not None and b is not None)


def peak_memory_mb(plain: bool) -> float:
    """What a step adds to the peak memory of a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (plain,))


def _peak(plain: bool) -> float:
    torch.set_num_threads(THREADS)
    model = build(CONFIG, CLASSES)
    model = make_naive(model) if plain else model
    audio = torch.randn(BATCH, 1, CONFIG.length)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step(model, audio)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main(argv: list[str] | None = None) -> int:
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    model = build(CONFIG, CLASSES)
    naive = make_naive(model)
    audio = 0.1 * torch.randn(BATCH, 1, CONFIG.length)
    error = gradient_error(model, naive, audio)
    ours_s = best_of(lambda: step(model, audio), 7) / BATCH
    naive_s = best_of(lambda: step(naive, audio), 5) / BATCH
    roofline_s = PASSES * 2 * multiplications(CONFIG) / gemm_flops()  # encoder and decoder
    results: dict[str, object] = {
        "speedup_vs_naive": naive_s / ours_s,
        "gradient_error": error,
        "roofline_ratio": ours_s / roofline_s,
        "peak_memory_mb": peak_memory_mb(plain=False),
        "naive_peak_memory_mb": peak_memory_mb(plain=True),
        "step_ms_per_sound": ours_s * 1e3,
    }
    return report("One training step of the DC model.", results, argv)


if __name__ == "__main__":
    sys.exit(main())
