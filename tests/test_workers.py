"""Tests for the distribution of the tests among the workers of pytest-xdist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = ("tests/system/test_documents.py", "tests/system/test_mistakes.py", "tests/test_packaging.py")
QUICK = "marked_as_sh or pages_install or unknown_device or newest_version or runtime_extra or constraint_has"


def test_each_file_runs_in_one_worker_and_so_does_the_entire_folder_tests_system() -> None:
    command = [sys.executable, "-m", "pytest", "-v", "-n", "2", "-p", "no:cacheprovider", "-k", QUICK, *FILES]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    ended = re.findall(r"^\[(gw\d)\].* PASSED (\S+)::", run.stdout, re.M)
    assert len(ended) == 6, run.stdout
    assert {file for _, file in ended} == set(FILES)
    for begin in ("tests/system/", "tests/test_packaging"):
        assert len({worker for worker, file in ended if file.startswith(begin)}) == 1, run.stdout
