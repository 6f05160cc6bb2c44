"""Tools that benchmarks share.

They time functions, measure the rate of matrix products (GEMM) on this machine, make untrained models, and
print results.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from export.to_onnx import write
from realtime.model.schema import ClassInfo, LatentStats, ModelInfo, Pca
from realtime.util.parser import Parser
from trainer.config import ModelConfig
from trainer.models.modal import ModalDecoder
from trainer.models.vae import VAE, build


def best_of(run: Callable[[], object], repeats: int) -> float:
    """Return the time of the fastest of `repeats` runs after a warm-up, in seconds."""
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def gemm_flops() -> float:
    """Return the floating-point operations per second of a large single-precision GEMM in PyTorch."""
    size = 1024
    a, b, c = torch.randn(size, size), torch.randn(size, size), torch.empty(size, size)
    return 2 * size**3 / best_of(lambda: torch.mm(a, b, out=c), 12)


def show(results: dict[str, object], *, as_json: bool) -> int:
    """Print results as a table or as JSON; return the exit code."""
    if as_json:
        print(json.dumps(results, indent=2))
        return 0
    for key, value in results.items():
        print(f"{key:40s} {value:.3g}" if isinstance(value, float) else f"{key:40s} {value}")
    return 0


def report(title: str, results: dict[str, object], argv: list[str] | None = None) -> int:
    """Print results as a table, or as JSON if `--json` is given; return the exit code."""
    parser = Parser(description=title)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return show(results, as_json=parser.parse_args(argv).json)


def _balance(decoder: ModalDecoder) -> None:
    """Make every part of an untrained modal decoder audible nearly to the end, as in a trained decoder."""
    decoder.mode_heads.bias[: decoder.modes].fill_(float(decoder.levels.bias[0]))
    decoder.presence.bias.fill_(30.0)
    decoder.end.bias.fill_(1.5)


def _amplify(decoder: torch.nn.Module, factor: float) -> None:
    """Multiply the sounds of a decoder by a factor."""
    if not isinstance(decoder, ModalDecoder):
        for weight in decoder.get_submodule("out").parameters():
            weight.mul_(factor)
        return
    for bias in (decoder.levels.bias, decoder.mode_heads.bias[: decoder.modes]):
        bias.add_(math.log(factor))


def fresh_model(config: ModelConfig, folder: Path) -> tuple[VAE, Path]:
    """Return an untrained model and the path of its decoder file, which is written to `folder`.

    The model's sounds are about as loud as those of a trained model.
    """
    torch.manual_seed(0)
    model, dim = build(config, 1).eval(), config.latent_dim
    with torch.no_grad():
        if isinstance(model.decoder, ModalDecoder):
            _balance(model.decoder)
        peak = float(model.decode(torch.randn(8, dim)).abs().max())
        _amplify(model.decoder, 0.5 / peak)
    zeros, ones = (0.0,) * dim, (1.0,) * dim
    info = ModelInfo(
        name=f"untrained {config.architecture}",
        architecture=config.architecture,
        sample_rate=config.sample_rate,
        hop_length=config.hop_length,
        length=config.length,
        latent_dim=dim,
        latent=LatentStats(zeros, ones, tuple(-1.6 for _ in ones), tuple(1.6 for _ in ones)),
        pca=Pca(tuple(tuple(row) for row in np.eye(dim).tolist()), ones),
        classes=(ClassInfo("centre", zeros, 1.0),),
        anchors=(),
        loudness_db=-20.0,
        config_hash="",
        licence="CC0-1.0",
        credits=(),
        tools={},
        training={},
    )
    path = folder / f"{config.architecture}.onnx"
    write(model, info, path)
    return model, path
