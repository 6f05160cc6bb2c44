"""Being told to end."""

from __future__ import annotations

import subprocess
import sys

# Is told to end again and again, wherever its main thread is in waiting for just that.
TOLD = """
import os, signal, threading, time
from realtime.util.signals import stop_on_signals

def tell():
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        os.kill(os.getpid(), signal.SIGTERM)

stopping = stop_on_signals()
telling = threading.Thread(target=tell)
telling.start()
while telling.is_alive():
    stopping.wait(1e-3)
print(stopping.is_set())
"""


def test_a_signal_may_come_at_any_time() -> None:
    done = subprocess.run([sys.executable, "-c", TOLD], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
