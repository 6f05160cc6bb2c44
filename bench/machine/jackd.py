"""Runs a separate JACK server for a benchmark."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RATE, PERIOD = 48_000, 128
"""Sample rate in Hz, and number of samples in a block."""


@contextmanager
def dummy(*, synchronous: bool = False, log: Path | None = None) -> Iterator[None]:
    """Run a JACK server with the dummy driver, at RATE and PERIOD, for this process and its children.

    From now on, SIGTERM ends this process cleanly, to ensure that the JACK server does not outlive this
    process.

    Args:
        synchronous: True to make the server wait for its clients in every cycle.
        log: file to which the server's output is written, line by line; None discards the output.

    Raises:
        SystemExit: jackd is not installed.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    name = f"bench-{os.getpid()}"
    os.environ |= {"JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1", "JACK_NO_AUDIO_RESERVATION": "1"}
    realtime = ["-R", "-P", "70"] if os.geteuid() == 0 else ["-r"]
    waits = ["-S", "-t", "20000"] if synchronous else []
    driver = ["-d", "dummy", "-r", str(RATE), "-p", str(PERIOD), "-C", "2", "-P", "2"]
    lines = ["stdbuf", "-oL"] if log else []
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with log.open("w") if log else contextlib.nullcontext(subprocess.DEVNULL) as said:
        try:
            server = subprocess.Popen(
                [*lines, "jackd", "-n", name, *realtime, *waits, *driver], stdout=said, stderr=said
            )
        except FileNotFoundError:
            raise SystemExit("jackd is not installed (Debian: apt-get install jackd2)") from None
    try:
        subprocess.run(["jack_wait", "-s", name, "-w", "-t", "20"], check=True, **quiet)
        yield
    finally:
        server.terminate()
        server.wait()
