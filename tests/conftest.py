"""What all tests share: a decoder small enough for any of them, and no skipping unnoticed in CI."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from trainer.checkpoint import Checkpoint

CLASSES = ("kick", "snare", "hihat")

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # for tests that import ONNX Runtime before `realtime`


@pytest.fixture(scope="session", autouse=True)
def _own_data_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the presets and sessions of servers under test out of the user's own."""
    os.environ["XDG_DATA_HOME"] = str(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def tiny_checkpoint() -> Checkpoint:
    """A model that has learned nothing: 4-D, 4,096 samples at 22,050 Hz, three classes, 70 anchors."""
    import torch

    from trainer.checkpoint import Anchors, Checkpoint
    from trainer.config import Config
    from trainer.models import build

    config = Config.from_dict({"model": {"length": 4096, "latent_dim": 4, "layers": 6, "channels": 8}})
    torch.manual_seed(0)
    labels = tuple(i % len(CLASSES) for i in range(70))
    centres = torch.randn(len(CLASSES), config.model.latent_dim)
    return Checkpoint(
        config=config,
        model=build(config.model, len(CLASSES)).state_dict(),
        classes=CLASSES,
        anchors=Anchors(
            names=tuple(f"{CLASSES[label]}/{i}.wav" for i, label in enumerate(labels)),
            labels=labels,
            mean=centres[list(labels)] + 0.3 * torch.randn(len(labels), config.model.latent_dim),
        ),
        licence="CC0-1.0",
        credits=("nobody",),
    )


@pytest.fixture(scope="session")
def tiny_model(tiny_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That model as an .onnx file, made by the project's own export."""
    from export.to_onnx import export
    from trainer.checkpoint import write

    folder = tmp_path_factory.mktemp("tiny")
    write(folder / "last.safetensors", tiny_checkpoint)
    export(folder, folder / "tiny.onnx")
    return folder / "tiny.onnx"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs recordings that do not come with the project, or a GPU, where there are none."""
    import torch

    missing = {"fsdd": not os.environ.get("SOUNDMORPH_FSDD"), "gpu": not torch.cuda.is_available()}
    names = [name for name, gone in missing.items() if gone]
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in names)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why a run in CI fails although no test has."""
    if skipped := _skipped_in_ci(terminalreporter.config):
        terminalreporter.write_line(f"CI: {skipped} skipped; every test must run here", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a test that is skipped is a test that is missing."""
    if session.exitstatus == pytest.ExitCode.OK and _skipped_in_ci(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skipped_in_ci(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("CI", "").lower() not in ("1", "true"):
        return 0
    return len(reporter.stats.get("skipped", []))


def compile_plugin(folder: Path, name: str, source: Path, *options: str) -> Path:
    """A VST3 of this system, `folder`/`name`.vst3, from one file in C."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler is installed")
    inside = folder / f"{name}.vst3" / "Contents" / f"{platform.machine()}-linux"
    inside.mkdir(parents=True)
    command = [compiler, "-shared", "-fPIC", "-o", str(inside / f"{name}.so"), str(source), *options]
    subprocess.run(command, check=True, timeout=60)
    return folder / f"{name}.vst3"


@pytest.fixture
def crashing(tmp_path: Path) -> Path:
    """A VST3 that aborts as soon as it is loaded."""
    source = tmp_path / "crash.c"
    source.write_text(
        "#include <stdlib.h>\n"
        "__attribute__((constructor)) static void crash(void) { abort(); }\n"
        "void *GetPluginFactory(void) { return 0; }\n"
    )
    return compile_plugin(tmp_path, "Crash", source)


@pytest.fixture
def hanging(tmp_path: Path) -> tuple[Path, Path]:
    """A VST3 that passes its trial and hangs after 400 blocks until there is a file; that file's path."""
    inner = f"/usr/lib/vst3/ZamCompX2.vst3/Contents/{platform.machine()}-linux/ZamCompX2.so"
    let_go = tmp_path / "let_go"
    options = ["-DAFTER=400", f'-DINNER="{inner}"', f'-DLET_GO="{let_go}"', "-ldl"]
    return compile_plugin(tmp_path, "Hang", Path(__file__).with_name("hanging.c"), *options), let_go
