"""Fixtures for all tests (small models, faulty plugins), the order of the tests, and a ban on skips in CI.

Nothing here imports PyTorch, because the tests of `realtime` must run without it.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
MODELS = HERE / "models"
SYSTEM = "tests/system/"  # beginning of the ids of the tests in this folder

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # for PyTorch: each worker has one core
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # `realtime` sets it too late if a test imports ONNX Runtime first


@pytest.fixture(scope="session", autouse=True)
def _own_data_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep presets and sessions of servers under test out of the user's data folder."""
    os.environ["XDG_DATA_HOME"] = str(tmp_path_factory.mktemp("data"))


@pytest.fixture(autouse=True)
def _same_priority() -> Iterator[None]:
    """Restore this thread's priority and Python's switch interval, which a server in this process changes."""
    interval_s = sys.getswitchinterval()
    scheduled = (os.sched_getscheduler(0), os.sched_getparam(0)) if sys.platform == "linux" else None
    yield
    sys.setswitchinterval(interval_s)
    if sys.platform == "linux" and scheduled:
        os.sched_setscheduler(0, *scheduled)


def _copied(name: str, folder: Path) -> Path:
    """Copy a model and its encoder from tests/models, where `tests.export.models` wrote them."""
    for end in ("onnx", "encoder.onnx"):
        shutil.copy(MODELS / f"{name}.{end}", folder)
    return folder / f"{name}.onnx"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model: 4-D, 4,096 samples at 22,050 Hz, three classes, 70 anchors (named points)."""
    return _copied("tiny", tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def level_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`tiny_model` with a quieter last layer and 0.5 added to its output: its sounds are nearly constant."""
    return _copied("level", tmp_path_factory.mktemp("level"))


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose rate, length and latent size differ from `tiny_model`: 44,100 Hz, 2,048 samples, 3-D."""
    return _copied("other", tmp_path_factory.mktemp("other"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of tests/system, which take longest."""
    items.sort(key=lambda item: not item.nodeid.startswith(SYSTEM))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With pytest-xdist, give each file to one worker, and all of tests/system to a single worker.

    Two concurrent tests with real programs would delay each other's sound. Group marks would have no effect:
    pytest-xdist 3.8 ignores them with pytest 9.2 (pytest-xdist issue 1386).
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return SYSTEM if nodeid.startswith(SYSTEM) else nodeid.partition("::")[0]

    return Scheduling(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report skipped tests in CI, where they fail the run."""
    if skipped := _skipped_in_ci(terminalreporter.config):
        terminalreporter.write_line(f"CI: {skipped} skipped; every test must run here", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI, fail the run if a test was skipped."""
    if session.exitstatus == pytest.ExitCode.OK and _skipped_in_ci(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skipped_in_ci(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("CI", "").lower() not in ("1", "true"):
        return 0
    return len(reporter.stats.get("skipped", []))


def compile_plugin(folder: Path, name: str, source: Path, *options: str) -> Path:
    """Compile a C file to a VST3 for this system; return its path, `folder`/`name`.vst3."""
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
    """Return a VST3, and the path of a file that does not exist yet.

    The plugin passes its trial, but hangs after 400 blocks until the file exists.
    """
    inner = f"/usr/lib/vst3/ZamCompX2.vst3/Contents/{platform.machine()}-linux/ZamCompX2.so"
    let_go = tmp_path / "let_go"
    options = ["-DAFTER=400", f'-DINNER="{inner}"', f'-DLET_GO="{let_go}"', "-ldl"]
    return compile_plugin(tmp_path, "Hang", Path(__file__).with_name("hanging.c"), *options), let_go
