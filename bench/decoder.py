"""`python -m bench.decoder [--json]`: measure the speed of the drum decoders on one thread.

z, the position of a sound in the latent space, consists of 30 numbers, or of 32 in the
architecture `modal`. Sounds last 743 ms at 22,050 Hz (architectures `dc` and `cc`), 743 ms at 44,100 Hz
(`mb`) or 1,486 ms at 44,100 Hz (`modal`). A frame is the shortest section
that a decoder decodes, 32 or 64 samples; a step is a call that decodes 128 samples. For each architecture:

    first_sound_speedup   time to decode a complete sound / time to decode its first two frames
    rtf_1_voice_128       real-time factor: time to decode 128 samples / duration of these samples
    rtf_4_voices_128      real-time factor for 4 voices that are decoded together
    roofline_ratio        time to decode a complete sound / time that its floating-point operations
                          would take in a large matrix product
    allocations_per_step  growth, per step, of the number of memory blocks that Python holds
    torch_eager_ratio     time to decode a complete sound in eager PyTorch / with ONNX Runtime
    parity                largest difference between the samples of ONNX Runtime and those of PyTorch in
                          float64; full scale is 1
    full_decode_ms        time to decode a complete sound
    first_two_frames_ms   time to decode the first two frames (128 samples for mb and modal)
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from bench.machine.measure import best_of, fresh_model, gemm_flops, report
from export.parity import exact_sounds
from realtime.model.decoder import Decoder
from trainer import config as configs
from trainer.config import ModelConfig
from trainer.models import cc
from trainer.models.dc import FRONT_FILTERS, FRONT_KERNEL

STEP_SAMPLES, STEPS = 128, 40  # samples in a step, and steps in a measurement


def operations(config: ModelConfig) -> float:
    """Return the number of floating-point operations for decoding a sound: two for each use of a weight."""
    if config.architecture == "dc":
        block = config.layers * 2 * config.channels * config.channels * 2
        return 2.0 * config.length * (block + FRONT_KERNEL * FRONT_FILTERS * config.channels + FRONT_FILTERS)
    if config.architecture == "mb":
        step = config.channels * (config.layers * 4 * config.channels + config.bands) + 8 * config.bands**2
        frame = config.hidden * (config.latent_dim + config.hidden + config.values + config.hop_length)
        frame += config.values * config.channels * config.hop_length // config.bands
        return 2.0 * (config.length // config.bands * step + config.length // config.hop_length * frame)
    if config.architecture == "modal":
        heads = config.bands + 3 * config.modes + 2 * config.values
        frame = config.hidden * (config.latent_dim + config.hidden + heads)
        frame += 2 * config.hop_length * (2 * config.bands + config.modes)
        return 2.0 * config.length // config.hop_length * frame
    channels = (1, *reversed(cc.CHANNELS))
    total, time = 0.0, config.length / 32
    for before, after, kernel in zip(channels, channels[1:], reversed(cc.KERNELS), strict=False):
        total, time = total + 2.0 * time * before * after * kernel, time * 2
    return total + 2.0 * time * cc.CHANNELS[0]


def steps(decoder: Decoder, z: np.ndarray) -> None:
    """Decode `STEPS` steps from the first frame, each with the same z [voices, frames, latent_dim]."""
    decoder.frame[:] = 0
    for _ in range(STEPS):
        decoder.step(z)


def measure(config: ModelConfig, folder: Path) -> dict[str, object]:
    """Return all measures of one architecture; the keys are their names.

    Args:
        config: the model.
        folder: the folder for the untrained model.
    """
    model, path = fresh_model(config, folder)
    decoder = Decoder(path, capacity=4, threads=1, provider="cpu")
    info = decoder.info
    count = max(1, STEP_SAMPLES // info.hop_length)
    z = np.random.default_rng(0).standard_normal((4, count, info.latent_dim)).astype(np.float32)
    whole = z[:1, :1].repeat(info.frames, axis=1)

    def first() -> None:
        decoder.reset(0)
        decoder.step(z[:1, :1].repeat(2, axis=1))

    full_s = best_of(lambda: decoder.decode(whole), 5)
    first_s = best_of(first, 100)
    sound_s = STEPS * count * info.hop_length / info.sample_rate
    rtf = [best_of(lambda: steps(decoder, z[:voices]), 15) / sound_s for voices in (1, 4)]  # noqa: B023
    point = torch.from_numpy(whole[:, 0])
    with torch.no_grad():
        eager_s = best_of(lambda: model.decode(point), 3)
    parity = float(np.abs(exact_sounds(model, whole[:, 0]) - decoder.decode(whole)).max())
    roofline_s = operations(config) / gemm_flops()
    return {
        "first_sound_speedup": full_s / first_s,
        "rtf_1_voice_128": rtf[0],
        "rtf_4_voices_128": rtf[1],
        "roofline_ratio": full_s / roofline_s,
        "allocations_per_step": _allocations(decoder, z[:1]),
        "torch_eager_ratio": eager_s / full_s,
        "parity": parity,
        "full_decode_ms": full_s * 1e3,
        "first_two_frames_ms": first_s * 1e3,
    }


def _allocations(decoder: Decoder, z: np.ndarray) -> float:
    steps(decoder, z)
    before = sys.getallocatedblocks()
    for _ in range(10):
        steps(decoder, z)
    return (sys.getallocatedblocks() - before) // STEPS / 10


def main(argv: list[str] | None = None) -> int:
    """Measure all architectures and print the figures."""
    torch.set_num_threads(1)
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        models = {name: ModelConfig(name) for name in ("dc", "cc")}
        models |= {"mb": configs.read("drums_mb").model, "modal": configs.read("kit").model}
        for name, config in models.items():
            figures = measure(config, Path(folder))
            results |= {f"{name}_{key}": value for key, value in figures.items()}
    return report("The decoder on one thread.", results, argv)


if __name__ == "__main__":
    sys.exit(main())
