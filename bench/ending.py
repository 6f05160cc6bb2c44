"""Measure the time from SIGTERM to the end of the server's process.

In each run, `realtime serve` plays eight hits just before the signal, and writes a recording and a log. Both
files must be complete: the recording must end in silence, and the log with the entry `end`. Some runs use the
null device, others a JACK server's dummy driver. In further runs, the server uses the null device and is open
to a network; there, it must withdraw the name that it has advertised.

    ending_s   median time over the runs
    longest_s  longest time of a run
"""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import soundfile

from bench.machine.jackd import dummy
from bench.machine.programs import listening
from realtime.control.osc import encode
from realtime.control.protocol import Message
from realtime.model.decoder import resolve
from realtime.util.parser import Parser

SETTLE_S = 1.0  # pause between the start of the server and the hits
HITS, SOUNDING_S = 8, 0.1  # number of hits, and time between the hits and the signal


def ending(model: Path, options: list[str], folder: Path) -> float:
    """Return the time that a server takes to end, in seconds.

    Args:
        model: the model that the server plays.
        options: further options of `realtime serve`.
        folder: the folder for the server's files.

    Raises:
        SystemExit: the recording or the log is incomplete.
    """
    heard, log = folder / "heard.wav", folder / "log.jsonl"
    command = [sys.executable, "-m", "realtime", "serve", "--model", str(model), "--port", "0", *options]
    command += [
        "--presets",
        str(folder / "presets.json"),
        "--record",
        str(heard),
        "--log",
        str(log),
        "--force",
    ]
    with listening(command) as (server, port):
        time.sleep(SETTLE_S)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(HITS):
                sender.sendto(encode(Message("/morph/trigger", (1.0,))), ("127.0.0.1", port))
        time.sleep(SOUNDING_S)
        begun = time.monotonic()
        server.send_signal(signal.SIGTERM)
        while server.poll() is None:
            time.sleep(0.001)
        taken = time.monotonic() - begun
    sound, _ = soundfile.read(heard, dtype="float32")
    if not sound.any() or sound[-1].any() or json.loads(log.read_text().splitlines()[-1])["do"] != "end":
        raise SystemExit("bench.ending: the recording or the log is incomplete")
    return taken


def main(argv: list[str] | None = None) -> int:
    """Measure and print the figures."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--runs", type=int, default=10, help="runs per device; default: 10")
    parser.add_argument("--model", default="drums", help="an .onnx file or a bundled model; default: drums")
    args = parser.parse_args(argv)
    model = resolve(args.model)
    network = ["--null", "--host", "0.0.0.0", "--allow", "127.0.0.1"]
    devices = {"null": ["--null"], "jack": ["--device", "system"], "network": network}
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in devices.items():
            with contextlib.ExitStack() as stack:
                if name == "jack":
                    stack.enter_context(dummy())
                times = [ending(model, options, Path(folder)) for _ in range(args.runs)]
            results[name] = {"ending_s": statistics.median(times), "longest_s": max(times)}
    if args.json:
        print(json.dumps(results, indent=2))
    else:
        for name, facts in results.items():
            print(f"{name:6s} {facts}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
