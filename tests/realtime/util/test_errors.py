"""Tests for lines that the user sees in the terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="the test needs a pseudo-terminal")
def test_line_replaces_an_unfinished_line_only_on_a_terminal() -> None:
    code = 'import sys; from realtime.util.errors import say; sys.stderr.write("reading 2/24"); say("new")'
    ours, theirs = os.openpty()
    subprocess.run([sys.executable, "-c", code], stderr=theirs, check=True)
    assert os.read(ours, 100) == b"reading 2/24\r\x1b[Krealtime: new\r\n"
    for end in (ours, theirs):
        os.close(end)
    piped = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, check=True)
    assert piped.stderr.splitlines() == [b"reading 2/24realtime: new"]
