"""Measures the time and memory of a training epoch, for several models and sizes.

`python -m bench.training --table` prints the table. Each row is measured in a separate process, which trains
on synthetic sounds with two threads: one warm-up epoch, then one timed epoch. The memory is the process's
peak memory minus its memory just before the training, when the sounds are already loaded.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from trainer.config import Config

RATE, THREADS = 8000, 2


@dataclass(frozen=True)
class Case:
    """A training run: architecture, length of a sound in samples, number of files, sounds per batch."""

    architecture: str = "dc"
    window: int = 4096
    files: int = 16
    batch: int = 8


BASE = Case()
CASES = (
    BASE,
    *(replace(BASE, window=window) for window in (8192, 16384)),
    replace(BASE, files=64),
    *(replace(BASE, batch=batch) for batch in (1, 2, 16)),
    replace(BASE, architecture="cc"),
    replace(BASE, architecture="cc", window=16384),
)


def resident_mb(key: str) -> float:
    """Return the current (VmRSS) or peak (VmHWM) resident memory of the process in MB (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) * 1024 / 1e6


def epoch(case: Case, folder: Path) -> dict[str, float]:
    """Train on synthetic sounds in `folder`; return the time of an epoch in s and the added memory in MB."""
    from trainer.run import fit, steps
    from trainer.run.progress import Silent

    source = np.random.default_rng(0)
    decay = np.exp(-4 * np.arange(case.window) / case.window)
    for i in range(case.files):
        place = folder / "ab"[i % 2]
        place.mkdir(exist_ok=True)
        soundfile.write(place / f"{i}.wav", 0.5 * decay * source.uniform(-1, 1, case.window), RATE)
    config = (
        Config()
        .replace("model", architecture=case.architecture, sample_rate=RATE, length=case.window, latent_dim=20)
        .replace("data", test_fraction=0.0, validation_fraction=0.0)
        .replace("fit", batch_size=case.batch, device="cpu", threads=THREADS)
    )
    state = fit.start(config, folder)
    before = resident_mb("VmRSS")
    seconds = 0.0
    for _ in range(2):
        began, state.position = time.perf_counter(), 0
        steps.train_epoch(state, Silent(), steps.never)
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "memory_mb": resident_mb("VmHWM") - before}


def epoch_in_process(case: Case) -> dict[str, float]:
    """Run `epoch` in a separate process, and return its figures."""
    command = [sys.executable, "-m", "bench.cost", *map(str, astuple(case))]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def table() -> int:
    """Print a Markdown table of time and memory, as multiples of the first row."""
    found = [epoch_in_process(case) for case in CASES]
    base = found[0]
    print(f"First row: {base['seconds']:.2f} s and {base['memory_mb']:.0f} MB.\n")
    print("| model | window | files | batch | time of an epoch | memory |\n|---|---|---|---|---|---|")
    for case, one in zip(CASES, found, strict=True):
        ratios = [f"{one[key] / base[key]:.2f}" for key in ("seconds", "memory_mb")]
        print("| " + " | ".join([*map(str, astuple(case)), *ratios]) + " |")
    return 0


if __name__ == "__main__":
    name, *numbers = sys.argv[1:]
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(epoch(Case(name, *map(int, numbers)), Path(place))))
