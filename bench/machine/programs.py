"""Starts and ends the programs that benchmarks measure."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SERVER = r"^osc .*?:(\d+)"  # the line in which `realtime serve` prints its port


@contextmanager
def listening(command: list[str], pattern: str = SERVER) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a program; yield its process and the port that it prints in a line matching `pattern`.

    Raises:
        SystemExit: the program ended before it printed a port.
    """
    pipe = subprocess.PIPE
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # `realtime` sets the same before it loads NumPy
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=alone) as program:
        assert program.stdout is not None
        port = next((int(m[1]) for line in program.stdout if (m := re.search(pattern, line))), None)
        reader = threading.Thread(target=program.stdout.read, daemon=True)
        reader.start()
        try:
            if port is None:
                raise SystemExit(f"{' '.join(command)} did not start")
            yield program, port
        finally:
            program.terminate()
            program.wait()
            reader.join()
