"""Tests for commands that lack a resource or are interrupted by Ctrl-C while they are starting."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.rig import ROOT, preloadable, program

TIMEOUT_S = 60.0
INTERRUPTED = """
import os, signal, sys

package, module = sys.argv[1:3]

class Ctrl_C:
    def find_spec(self, name, *rest):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore SIGINT
sys.meta_path.insert(0, Ctrl_C())
sys.argv[:3] = [package]
__import__(f"{package}.__main__").__main__.program()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX signals")
@pytest.mark.parametrize(
    ("package", "command", "module"),
    [
        ("realtime", "serve", "argparse"),
        ("realtime", "serve", "realtime.cli.serve"),
        ("realtime", "serve", "numpy"),
        ("realtime", "serve", "realtime.live.supervisor"),
        ("realtime", "render", "numpy"),
        ("trainer", "fit", "argparse"),
        ("trainer", "fit", "torch"),
        ("trainer", "fit", "lightning_fabric"),
        ("trainer", "play", "torch"),
    ],
)
def test_ctrl_c_during_imports_ends_the_program_without_output(
    tiny_model: Path, tmp_path: Path, package: str, command: str, module: str
) -> None:
    options = {
        "serve": ["--null", "--port", "0", "--model", str(tiny_model)],
        "render": [
            "--from",
            "kick",
            "--to",
            "snare",
            "--model",
            str(tiny_model),
            "-o",
            str(tmp_path / "x.wav"),
        ],
        "fit": ["--data", str(tmp_path), "--out", str(tmp_path / "run")],
        "play": [str(tmp_path), "--out", str(tmp_path / "run")],
    }[command]
    words = [sys.executable, "-c", INTERRUPTED, package, module, command, *options]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.skipif(sys.platform != "linux", reason="LD_PRELOAD needs Linux")
@pytest.mark.parametrize("threads", [0, 2, 4])
def test_thread_limit_is_reported_in_one_line(tiny_model: Path, tmp_path: Path, threads: int) -> None:
    """The server needs five threads in each of its processes, and does not start with fewer."""
    library = preloadable("few_threads.c", tmp_path)
    limited = {**os.environ, "LD_PRELOAD": str(library), "THREADS": str(threads)}
    serve = ["serve", "--null", "--port", "0", "--model", str(tiny_model)]
    words = [sys.executable, "-m", "realtime", *serve]
    ended = subprocess.run(words, env=limited, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert ended.returncode == 2
    assert ended.stderr == (
        "realtime: error: this user may start no more threads; raise the limit (ulimit -u)\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs ulimit")
def test_a_full_disk_for_temporary_files_is_reported_in_one_line(tmp_path: Path) -> None:
    limited = [program("bash"), "-c", 'ulimit -f 0; exec "$0" "$@"', sys.executable, "-B", "-m", "realtime"]
    command = [*limited, "render", "docs/listen.toml", "-o", str(tmp_path / "x.wav")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("realtime: error: No usable temporary directory found in [")
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
