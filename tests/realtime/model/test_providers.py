"""Tests for checks of the installed build of ONNX Runtime and of its execution provider."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from realtime.model import verify
from realtime.model.providers import PROVIDERS, check_runtime, open_session, step_p99_s
from realtime.util.errors import RealtimeError


def _installed_build() -> str:
    names = ("onnxruntime", "onnxruntime-gpu")
    (build,) = (name for name in names if list(importlib.metadata.distributions(name=name)))
    return build


def test_two_installed_builds_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_runtime()
    other = "onnxruntime-gpu" if _installed_build() == "onnxruntime" else "onnxruntime"
    metadata = tmp_path / f"{other.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {other}\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RealtimeError, match="both installed") as caught:
        check_runtime()
    assert "\n" not in str(caught.value)


def test_auto_selects_an_available_provider(tiny_model: Path) -> None:
    file = verify.read(tiny_model)
    session = open_session(file, tiny_model, 1, "auto")
    assert session.get_providers()[0] in PROVIDERS.values()
    assert step_p99_s(session, file) > 0


def test_error_for_unknown_provider_lists_the_known_ones(tiny_model: Path) -> None:
    with pytest.raises(RealtimeError, match="choose auto, cpu or cuda"):
        open_session(verify.read(tiny_model), tiny_model, 1, "tpu")
