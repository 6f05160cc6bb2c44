"""`python -m bench.training [--json | --table]`: measure the cost of a training step on two threads.

A step is all work of the trainer for one batch with the bundled configuration `digits` (4,096 samples, 20-D):
the two updates (variational and classification), losses, clipping and Adam. "Ours" is the trainer's DC model;
"naive" is the same model made of plain `nn.Conv1d` layers (bench/naive.py).

    speedup_vs_naive         time of a naive step / time of our step, for a batch of 2, one sound per thread
    speedup_batch_N          the same speed-up for a batch of N sounds
    gradient_error           largest ‖ours - naive‖ / ‖naive‖ of a parameter's gradient, both in double
                             precision, where rounding cannot hide an error
    gradient_error_32        ‖ours - naive‖ / ‖naive‖ of the gradients of all parameters together, ours in
                             single and naive in double precision
    gradient_error_32_naive  the same for naive in single and naive in double precision
    roofline_ratio           time of our step / time of its floating-point operations at the fastest rate of a
                             matrix product (GEMM)
    peak_memory_mb           memory that steps of 8 sounds add to a process that has loaded everything else

With `--table`, the program prints the time and memory of an epoch for several models and sizes instead.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import torch
from torch import Tensor

from bench import cost
from bench.cost import resident_mb
from bench.machine.measure import best_of, gemm_flops, report
from bench.naive import gradients, naive
from trainer import config as configs
from trainer.config import Config
from trainer.losses.objective import CLASSIFICATION, VARIATIONAL, Objective
from trainer.losses.terms import total, weights
from trainer.models import cc
from trainer.models.dc import FRONT_FILTERS, FRONT_KERNEL
from trainer.models.vae import VAE, build
from trainer.run.steps import make_optimisers

THREADS, CLASSES = 2, 10
BATCHES, HEADLINE, REPEATS = (1, 2, 4, 8), 2, 4
"""Sizes of the batches, size of the batch of `speedup_vs_naive`, and number of steps timed for each size."""
MEMORY_BATCH = 8  # size of the batch for measuring memory, and for timing the CC model


def batch_of(size: int, length: int) -> Tensor:
    """Return decaying sines with a little noise, peak about 1: [size, 1, length]."""
    source = torch.Generator().manual_seed(0)
    time = torch.arange(length) / 8000
    pitch = 100 + 1000 * torch.rand(size, 1, 1, generator=source)
    noise = 0.05 * torch.randn(size, 1, length, generator=source)
    return torch.exp(-8 * time) * (torch.sin(2 * torch.pi * pitch * time) + noise)


class Step:
    """A model and its optimisers, for repeated training on one batch. A call takes one training step.

    Args:
        config: the training configuration.
        size: number of sounds in the batch.
        plain: True uses the plain layers of `bench.naive`, False the trainer's layers.
        dtype: precision of the weights and sounds.
    """

    def __init__(self, config: Config, size: int, plain: bool, dtype: torch.dtype = torch.float32) -> None:
        torch.manual_seed(0)
        model = build(config.model, CLASSES)
        self.model: VAE = (naive(model) if plain else model).to(dtype)
        self.config, self.objective = config, Objective(self.model, config)
        self.optimisers = make_optimisers(self.model, config)
        self.weights = weights(config.loss, 0)
        self.waveform = batch_of(size, config.model.length).to(dtype)
        self.target = torch.arange(size)[:, None] % CLASSES
        self.eps = torch.randn(size, config.model.latent_dim, generator=torch.Generator().manual_seed(1))
        self.eps = self.eps.to(dtype)

    def gradient(self, name: str) -> None:
        """Compute the gradient of the update `name`."""
        self.optimisers[name].zero_grad(set_to_none=True)
        terms = self.objective(name, self.waveform, self.waveform, self.target, self.eps)
        total(terms, self.weights).backward()

    def __call__(self) -> None:
        for name, optimiser in self.optimisers.items():
            self.gradient(name)
            parameters = [p for group in optimiser.param_groups for p in group["params"]]
            torch.nn.utils.clip_grad_norm_(parameters, self.config.optim.clip_norm)
            optimiser.step()


def operations(config: Config) -> float:
    """Return the number of floating-point operations of a step, per sound.

    A forward pass with its backward pass takes three times the operations of the forward pass. Both updates
    run the encoder; only one of them runs the decoder.
    """
    model, length = config.model, config.model.length
    if model.architecture == "dc":
        block = model.layers * 2 * model.channels * model.channels * 2
        encoder = length * (block + FRONT_FILTERS * (FRONT_KERNEL + model.channels))
        decoder = length * (block + FRONT_FILTERS * FRONT_KERNEL * model.channels)
    else:
        rates = [length >> (i + 1) for i in range(len(cc.KERNELS))]
        pairs = zip((1, *cc.CHANNELS), cc.CHANNELS, cc.KERNELS, rates, strict=False)
        encoder = decoder = sum(a * b * kernel * rate for a, b, kernel, rate in pairs)
    return 2.0 * 3.0 * (2 * encoder + decoder)


def fastest_gemm() -> float:
    """Return the floating-point operations per second of a GEMM in BLAS or oneDNN, whichever is faster."""
    rows, size = 4096, 512
    image = torch.randn(1, size, 1, rows).contiguous(memory_format=torch.channels_last)
    filters = torch.randn(size, size, 1, 1)
    return max(gemm_flops(), 2 * rows * size**2 / best_of(lambda: torch.conv2d(image, filters), 12))


def alternately(first: Callable[[], None], second: Callable[[], None]) -> tuple[float, float]:
    """Return the shortest time of each function, in seconds.

    The functions run in turn, to make disturbances affect both.
    """
    times = [(best_of(first, 1), best_of(second, 1)) for _ in range(REPEATS)]
    return min(a for a, _ in times), min(b for _, b in times)


def gradients_of(config: Config, plain: bool, dtype: torch.dtype) -> dict[str, Tensor]:
    """Return the gradients of both updates, by update and parameter, for a batch of two sounds; float64."""
    step = Step(config, 2, plain, dtype)
    found: dict[str, Tensor] = {}
    for update in (VARIATIONAL, CLASSIFICATION):
        step.gradient(update)
        found |= {f"{update}/{name}": grad.double() for name, grad in gradients(step.model).items()}
    return found


def relative_error(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    """Return the largest ‖ours - theirs‖ / ‖theirs‖ over the gradients of all parameters."""
    assert ours.keys() == theirs.keys()
    distances = [
        (ours[name] - theirs[name]).norm() / theirs[name].norm().clamp(min=1e-300) for name in theirs
    ]
    return max(distance.item() for distance in distances)


def whole(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the gradients of all parameters as one vector."""
    return {"all": torch.cat([found[name].flatten() for name in sorted(found)])}


def errors(config: Config) -> dict[str, object]:
    """Return the gradient errors by name."""
    exact = gradients_of(config, True, torch.float64)
    ours, naive_32 = (gradients_of(config, plain, torch.float32) for plain in (False, True))
    return {
        "gradient_error": relative_error(gradients_of(config, False, torch.float64), exact),
        "gradient_error_32": relative_error(whole(ours), whole(exact)),
        "gradient_error_32_naive": relative_error(whole(naive_32), whole(exact)),
    }


def memory_of(words: list[str]) -> dict[str, float]:
    """Run `child` in a separate process, and return the figures that it prints."""
    command = [sys.executable, "-m", "bench.training", "--child", *words]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def child(name: str, plain: bool) -> int:
    """Take two steps with the configuration `name`, and print the memory that they added to this process."""
    step = Step(configs.read(name), MEMORY_BATCH, plain)
    before = resident_mb("VmRSS")
    for _ in range(2):
        step()
    print(json.dumps({"peak_memory_mb": resident_mb("VmHWM") - before}))
    return 0


def main(argv: list[str] | None = None) -> int:
    """Measure and print the figures, or print the table."""
    argv = sys.argv[1:] if argv is None else argv
    torch.set_num_threads(THREADS)
    if argv[:1] == ["--child"]:
        return child(argv[1], plain="naive" in argv)
    if argv[:1] == ["--table"]:
        return cost.table()
    dc, cc = configs.read("digits"), configs.read("digits_cc")
    rate = fastest_gemm()
    results: dict[str, object] = {"speedup_vs_naive": 0.0, **errors(dc)}
    for size in BATCHES:
        slow, fast = (Step(dc, size, plain) for plain in (True, False))
        slow_s, fast_s = alternately(slow, fast)
        results |= {f"speedup_batch_{size}": slow_s / fast_s, f"ms_a_sound_batch_{size}": fast_s / size * 1e3}
        if size == HEADLINE:
            results["speedup_vs_naive"] = slow_s / fast_s
            results["roofline_ratio"] = fast_s / (size * operations(dc) / rate)
    cc_s = best_of(Step(cc, MEMORY_BATCH, plain=False), 3)
    results["cc_roofline_ratio"] = cc_s / (MEMORY_BATCH * operations(cc) / rate)
    results["gemm_gflops"] = rate / 1e9
    for key, words in (("", ["digits"]), ("naive_", ["digits", "naive"]), ("cc_", ["digits_cc"])):
        results[f"{key}peak_memory_mb"] = memory_of(words)["peak_memory_mb"]
    return report(__doc__ or "", results, argv)


if __name__ == "__main__":
    sys.exit(main())
