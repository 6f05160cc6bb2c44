"""Selects the execution provider of ONNX Runtime, the processor (CPU or CUDA) that runs a model."""

from __future__ import annotations

import importlib.metadata
import time
from pathlib import Path
from typing import Any

import numpy as np

from realtime.model import schema
from realtime.model.verify import ModelFile
from realtime.util import install
from realtime.util.errors import ModelError, RealtimeError

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
PROBE_FRAMES, PROBE_RUNS = 4, 200


def check_runtime() -> None:
    """Check that one build of ONNX Runtime is installed; two builds share a folder and break each other.

    Raises:
        RealtimeError: no build or both are installed.
    """
    found = []
    for package in ("onnxruntime", "onnxruntime-gpu"):
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
        found.append(package)
    if not found:
        raise RealtimeError(f"ONNX Runtime is not installed: {install.command('soundmorph[cpu]')} (or [gpu])")
    if len(found) == 2:
        raise RealtimeError(
            "onnxruntime and onnxruntime-gpu are both installed and break each other: run "
            "`pip uninstall -y onnxruntime onnxruntime-gpu`, then install soundmorph[cpu] or soundmorph[gpu]"
        )


def open_session(file: ModelFile, path: Path, threads: int, provider: str) -> Any:
    """Open a session of ONNX Runtime for a verified model.

    Args:
        file: the model.
        path: path of the file, for messages.
        threads: number of threads per call.
        provider: a key of PROVIDERS, or "auto": the available provider with the lowest `step_p99_s`.

    Raises:
        ModelError: ONNX Runtime refuses the model.
        RealtimeError: the requested provider is not available.
    """
    if provider != "auto" and provider not in PROVIDERS:
        raise RealtimeError(f"there is no provider {provider!r}: choose auto, {' or '.join(PROVIDERS)}")
    check_runtime()
    import onnxruntime

    available = set(onnxruntime.get_available_providers())
    wanted = [name for name in PROVIDERS if provider in ("auto", name)]
    sessions = []
    for name in wanted:
        session = _open(file.model, path, threads, PROVIDERS[name]) if PROVIDERS[name] in available else None
        if session is not None:
            sessions.append(session)
    if not sessions:
        raise RealtimeError(
            f"provider {provider!r} is not available: the NVIDIA driver is missing, or only the CPU build of "
            "ONNX Runtime is installed; soundmorph[gpu] installs onnxruntime-gpu, soundmorph[cpu] installs "
            "onnxruntime; --provider cpu always works"
        )
    return sessions[0] if len(sessions) == 1 else min(sessions, key=lambda each: step_p99_s(each, file))


def open_on_cpu(model: bytes, path: Path) -> Any:
    """Open a single-threaded CPU session for a verified model, for use off the audio path.

    Raises:
        ModelError, RealtimeError: as for `open_session`.
    """
    check_runtime()
    return _open(model, path, 1, PROVIDERS["cpu"])


def _open(model: bytes, path: Path, threads: int, name: str) -> Any | None:
    """Open a session on provider `name` alone; return None if the provider cannot run here."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(model, options, providers=[name])
    except Exception as error:  # onnxruntime's exceptions have no common base class
        if name != PROVIDERS["cpu"]:
            return None
        raise ModelError(f"{path}: ONNX Runtime refuses the model: {one_line(error)}") from error
    # without CUDA, ONNX Runtime silently falls back to the CPU; only the list of providers shows this
    return session if session.get_providers()[0] == name else None


def step_p99_s(session: Any, file: ModelFile) -> float:
    """Time many short steps of one voice; return the 99th percentile of their durations in seconds."""
    feed: dict[str, Any] = {
        schema.Z: np.zeros((1, PROBE_FRAMES, file.info.latent_dim), np.float32),
        schema.FRAME: np.zeros(1, np.int64),
    }
    feed |= {name: np.zeros((1, *shape), np.float32) for name, shape in file.caches.items()}
    times = []
    for _ in range(PROBE_RUNS):
        start = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - start)
    return float(np.percentile(times[PROBE_RUNS // 10 :], 99))


def one_line(error: Exception) -> str:
    """Return the first line of a library's error message, at most 200 characters."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
