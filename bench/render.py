"""`python -m bench.render [--full] [--json]`: time the rendering of a sequence of 16th notes.

The sequence lasts ten minutes and plays hits at 2,000 distinct z (positions in the latent space). Rendering
takes minutes. Without `--full`, the speed is measured on 45 s, with proportionately fewer z. The program
`realtime render` is compared with a loop in eager PyTorch that decodes `LOOP_HITS` hits in full, on all
threads. The models are untrained drum decoders (16,384 samples, 30-D). For each architecture:

    sound_per_wall_s        seconds of sound per second of rendering, including the start of the program
    torch_sound_per_wall_s  the same for the loop, which only decodes: it does not mix or write a file
    speedup_vs_torch        sound_per_wall_s / torch_sound_per_wall_s
    speedup_a_point         the same speed-up relative to a loop that decodes each distinct z only once
    torch_decode_ms         time of a full decode in the loop
    peak_memory_mb          peak memory for 6 s of sound, or for 60 s with `--full`
    peak_memory_mb_x10      peak memory for ten times as much sound
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from bench.machine.measure import fresh_model, report
from trainer.config import ModelConfig

HITS_A_SECOND, POINTS_A_SECOND = 8.0, 2000 / 600
SHORT, FULL = (45.0, 6.0), (600.0, 60.0)
"""Seconds of sound for measuring the speed, and for the shorter of the two measurements of memory."""
LOOP_HITS = 24
"""Number of hits that the loop decodes."""

# Starts the program from a small process, because a child's peak memory begins at the memory of its parent.
WATCH = """
import resource, subprocess, sys, time
begun = time.perf_counter()
subprocess.run(sys.argv[1:], check=True)
print(time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def sequence(path: Path, seconds: float, dim: int) -> tuple[int, int]:
    """Write a sequence file; return the number of hits in it, and the number of distinct z."""
    draw = np.random.default_rng(0)
    hits, distinct = round(HITS_A_SECOND * seconds), round(POINTS_A_SECOND * seconds)
    points = draw.standard_normal((distinct, dim)).round(3).tolist()
    order = [*range(distinct), *draw.integers(0, distinct, hits - distinct).tolist()]
    draw.shuffle(order)
    steps = [f"[[step]]\ntime = {i / HITS_A_SECOND}\nz = {points[j]}\n" for i, j in enumerate(order)]
    path.write_text("[defaults]\nvelocity = 0.2\n" + "".join(steps))
    return hits, distinct


def render(model: Path, seconds: float, folder: Path, dim: int) -> tuple[float, float, int, int]:
    """Render a sequence of `seconds` seconds with the program `realtime render`.

    Returns:
        The wall time in s, the peak memory in MB, and the numbers of hits and of distinct z.
    """
    source = folder / "sequence.toml"
    hits, distinct = sequence(source, seconds, dim)
    command = [sys.executable, "-m", "realtime", "render", str(source), "--model", str(model)]
    command += ["-o", str(folder / "out.wav"), "--force"]
    finished = subprocess.run(
        [sys.executable, "-c", WATCH, *command], check=True, capture_output=True, text=True
    )
    wall_s, peak = map(float, finished.stdout.split()[-2:])
    return wall_s, peak / 1024, hits, distinct


def measure(config: ModelConfig, folder: Path, speed_s: float, memory_s: float) -> dict[str, object]:
    """Return all measures of one architecture by name.

    Args:
        config: the model.
        folder: the folder for temporary files.
        speed_s: seconds of sound for measuring the speed.
        memory_s: seconds of sound for the shorter measurement of memory.
    """
    model, path = fresh_model(config, folder)
    dim = config.latent_dim
    z = torch.randn(LOOP_HITS + 2, 1, dim)
    with torch.no_grad():
        for point in z[:2]:
            model.decode(point)
        begun = time.perf_counter()
        for point in z[2:]:
            model.decode(point)
        hit_s = (time.perf_counter() - begun) / LOOP_HITS
    lengths = dict.fromkeys((memory_s, 10 * memory_s, speed_s))
    renders = {seconds: render(path, seconds, folder, dim) for seconds in lengths}
    wall_s, _, hits, distinct = renders[speed_s]
    return {
        "sound_per_wall_s": speed_s / wall_s,
        "torch_sound_per_wall_s": speed_s / (hits * hit_s),
        "speedup_vs_torch": hits * hit_s / wall_s,
        "speedup_a_point": distinct * hit_s / wall_s,
        "torch_decode_ms": 1e3 * hit_s,
        "peak_memory_mb": renders[memory_s][1],
        "peak_memory_mb_x10": renders[10 * memory_s][1],
    }


def main(argv: list[str] | None = None) -> int:
    """Measure both architectures and print the figures."""
    given = sys.argv[1:] if argv is None else argv
    seconds = FULL if "--full" in given else SHORT
    threads = torch.get_num_threads()
    results: dict[str, object] = {"cores": len(os.sched_getaffinity(0)), "torch_threads": threads}
    with tempfile.TemporaryDirectory() as folder:
        for architecture in ("dc", "cc"):
            figures = measure(ModelConfig(architecture), Path(folder), *seconds)
            results |= {f"{architecture}_{key}": value for key, value in figures.items()}
    return report("Rendering sequence files.", results, [word for word in given if word != "--full"])


if __name__ == "__main__":
    sys.exit(main())
