"""Tests for signals that ask the program to end."""

from __future__ import annotations

import subprocess
import sys

# This program receives SIGTERM repeatedly while its main thread waits for a request to end.
PROGRAM = """
import os, signal, threading, time
from realtime.util.signals import stop_on_signals

def send_signals():
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        os.kill(os.getpid(), signal.SIGTERM)

stopping = stop_on_signals()
sender = threading.Thread(target=send_signals)
sender.start()
while sender.is_alive():
    stopping.wait(1e-3)
print(stopping.is_set())
"""


def test_signal_at_any_time_is_noted_as_a_request_to_end() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
