"""Which build of ONNX Runtime is here, and where it runs a model: a provider asked for is a provider got."""

from __future__ import annotations

import importlib.metadata
import time
from pathlib import Path
from typing import Any

import numpy as np

from realtime.model import schema
from realtime.model.verify import ModelFile
from realtime.util.errors import ModelError, RealtimeError

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
PROBE_FRAMES, PROBE_RUNS = 4, 200


def check_runtime() -> None:
    """Both builds of ONNX Runtime share one folder and break each other: exactly one may be installed."""
    found = []
    for package in ("onnxruntime", "onnxruntime-gpu"):
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
        found.append(package)
    if not found:
        raise RealtimeError("ONNX Runtime is not installed: pip install 'soundmorph[cpu]' (or [gpu])")
    if len(found) == 2:
        raise RealtimeError(
            "onnxruntime and onnxruntime-gpu are both installed and break each other: "
            "pip uninstall -y onnxruntime onnxruntime-gpu, then install soundmorph[cpu] or soundmorph[gpu]"
        )


def open_session(file: ModelFile, path: Path, threads: int, provider: str) -> Any:
    """A session of ONNX Runtime for a checked model.

    Args:
        path: where it came from, for messages.
        threads: of one call.
        provider: a key of PROVIDERS, or "auto": the available one whose 99th percentile is lowest here.

    Raises:
        ModelError: the runtime does not take the model.
        RealtimeError: the provider asked for is not to be had.
    """
    if provider != "auto" and provider not in PROVIDERS:
        raise RealtimeError(f"provider {provider!r}: choose auto, {' or '.join(PROVIDERS)}")
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
            f"provider {provider!r} is not available: no NVIDIA driver, or the CPU build of ONNX Runtime; "
            "soundmorph[gpu] brings onnxruntime-gpu, soundmorph[cpu] onnxruntime; --provider cpu always works"
        )
    return sessions[0] if len(sessions) == 1 else min(sessions, key=lambda each: lateness_s(each, file))


def open_on_cpu(model: bytes, path: Path) -> Any:
    """A session of one thread for a checked model that is not in a hurry.

    Raises:
        ModelError, RealtimeError: as `open_session`.
    """
    check_runtime()
    return _open(model, path, 1, PROVIDERS["cpu"])


def _open(model: bytes, path: Path, threads: int, name: str) -> Any | None:
    """A session on this provider alone, or None where it cannot run here."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(model, options, providers=[name])
    except Exception as error:  # onnxruntime's exceptions share no base
        if name != PROVIDERS["cpu"]:
            return None
        raise ModelError(f"{path}: not a model that ONNX Runtime takes: {one_line(error)}") from error
    # where CUDA is missing, the runtime takes the CPU without a word; only its own list tells
    return session if session.get_providers()[0] == name else None


def lateness_s(session: Any, file: ModelFile) -> float:
    """The 99th percentile of the time that a short step of one voice takes."""
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
    """The first line of what another library says."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200]
