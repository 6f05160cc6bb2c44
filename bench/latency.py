"""Measure the latency from a datagram to its sound, for a trigger and a move of z, and the machine's minimum.

`realtime serve` plays on the dummy driver of a JACK server. This program is a client of the same JACK server.
It notes the index of the sample at which it sends a datagram, and records the output of `realtime serve`.
Both ends of the latency are therefore measured on one clock. The minimum, called the floor, is the latency of
a bare callback that plays a click when a datagram arrives. The callback runs in a process that this program
starts (`--floor`). The sound of a first hit is the reference for all other hits. During the first hit, z (the
position in the latent space) stays the same. Then each cycle sends a trigger, a move of z, a panic and a
click, at random times relative to the blocks:

    trigger_ms     from `/morph/trigger 1 CLASS`, whose sound is already decoded, to the first sample that is
                   not 0
    coordinate_ms  from `/morph/z` during that sound to the first sample that differs from the reference
    floor_ms       from the click's datagram to the click

`host_stole_percent` is the percentage of requested processor time that a virtual machine's host withheld.
During all measurements, including that of the floor, the cores are kept awake (`host.awake`).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pythonosc.osc_message_builder import OscMessageBuilder

from bench.machine import host
from bench.machine.jackd import PERIOD, RATE, dummy
from bench.machine.programs import listening
from realtime.audio.jack_client import JackClient
from realtime.model.decoder import Decoder, resolve
from realtime.util import priority
from realtime.util.parser import Parser

DIFFERS = 3e-5  # a larger difference from the reference, relative to full scale, shows a move
CYCLE_S = (0.07, 0.06, 0.03, 0.03)  # pauses after trigger, move, panic and click
FLOOR_PORT = "floor:out"
Sound = NDArray[np.float32]


def floor() -> int:
    """Run the bare callback, which plays a click in the next block after a datagram has arrived."""
    priority.switch_often()
    bare = JackClient("floor")
    out = bare.client.outports.register("out")
    arrived = 0
    played = 0

    def process(samples: int) -> None:
        nonlocal played
        block = out.get_array()
        block[:] = 0.0
        if played != arrived:
            played = arrived
            block[0] = 1.0

    bare.activate(process)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        while listener.recv(64) != b"end":
            arrived += 1
    bare.leave()
    return 0


class Tape:
    """Records ports of a JACK server. The server's sample count gives the position of each recorded sample.

    Args:
        ports: names of the ports.
        seconds: length of the recording.

    Attributes:
        sound: the recording, float32 [ports, samples].
        holes: number of gaps in the recording.
    """

    def __init__(self, ports: list[str], seconds: float) -> None:
        self.jack = JackClient("tape")
        self.client = self.jack.client
        self._inputs = [self.client.inports.register(f"in_{i}") for i in range(len(ports))]
        self.sound = np.zeros((len(ports), int(seconds * RATE)), np.float32)
        self.start: int | None = None
        self.holes = 0

        def process(samples: int) -> None:
            first = self.client.last_frame_time
            if self.start is None:
                self.start = first
                self._next = first
            self.holes += first != self._next
            self._next = first + samples
            at = first - self.start
            for row, port in zip(self.sound, self._inputs, strict=True):
                if at + samples <= len(row):
                    row[at : at + samples] = port.get_array()

        self.jack.activate(process)
        for port, own in zip(ports, self._inputs, strict=True):
            self.client.connect(port, own)

    def now(self) -> int:
        """Return the current position in the recording, in samples."""
        return int(self.client.frame_time) - int(self.start or 0)


def measure(model: Path, hits: int, server: list[str], vary: float = 0.0) -> dict[str, object]:
    """Measure the latencies. The program jackd must be installed.

    Args:
        model: the model that the server plays.
        hits: number of cycles.
        server: further options of `realtime serve`.
        vary: amount of random variation between hits, set by `/morph/vary`.

    Returns:
        For each kind of latency, its 50th and 99th percentile in ms and the number of lost messages; and the
        conditions of the measurement.
    """
    decoder = Decoder(model, capacity=1)
    names = [c.name for c in decoder.info.classes]
    other = decoder.info.classes[1].centroid
    lasts_s = decoder.info.length / decoder.info.sample_rate
    with host.awake() as awake, dummy(), tempfile.TemporaryDirectory() as folder:
        presets = os.path.join(folder, "presets.json")
        bare = [sys.executable, "-m", "bench.latency", "--floor"]
        serve = [sys.executable, "-m", "realtime", "serve", "--model", str(model), "--device", "system"]
        with (
            listening(bare, r"^(\d+)$") as (_, floor_at),
            listening([*serve, "--port", "0", "--presets", presets, *server]) as (_, server_at),
        ):
            tape = Tape(["soundmorph:out_1", FLOOR_PORT], 10 + lasts_s + hits * sum(CYCLE_S) * 1.5)
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sender.settimeout(10.0)
            time.sleep(2.0)  # meanwhile, the server decodes the sounds of the class centres in advance

            def send(address: str, *arguments: Any, to: int = server_at) -> int:
                datagram = _osc(address, *arguments)
                sent = tape.now()
                sender.sendto(datagram, ("127.0.0.1", to))
                return sent

            send("/morph/vary", vary)
            reference = send("/morph/trigger", 1.0, names[0])
            time.sleep(lasts_s + 0.5)
            stolen_percent = host.watch()
            chance = random.Random(1)
            sent: dict[str, list[int]] = {"trigger": [], "coordinate": [], "floor": []}
            for _ in range(hits):
                for what, rest_s in zip(("trigger", "coordinate", "panic", "floor"), CYCLE_S, strict=True):
                    if what == "trigger":
                        sent[what].append(send("/morph/trigger", 1.0, names[0]))
                    elif what == "coordinate":
                        sent[what].append(send("/morph/z", *other))
                    elif what == "panic":
                        send("/morph/panic")
                    else:
                        sent[what].append(send("/click", to=floor_at))
                    time.sleep(rest_s + chance.uniform(0.0, 2 * PERIOD / RATE))
            stolen = stolen_percent()
            send("/morph/get/status")
            status = _status(sender.recv(65536))
            sender.sendto(b"end", ("127.0.0.1", floor_at))
            tape.jack.leave()
    played, clicks = tape.sound
    begun = _first(played, reference, 0.0)
    if begun is None:
        raise RuntimeError("the server played nothing")
    expected = played[begun : begun + round(lasts_s * RATE)].copy()
    triggers = [_first(played, at, 0.0) for at in sent["trigger"]]
    lags = {
        "trigger": [_ms(at, onset) for at, onset in zip(sent["trigger"], triggers, strict=True)],
        "coordinate": [
            _ms(at, _first_difference(played, start, at, expected))
            for at, start in zip(sent["coordinate"], triggers, strict=True)
        ],
        "floor": [_ms(at, _first(clicks, at, 0.5)) for at in sent["floor"]],
    }
    results: dict[str, object] = {
        f"{what}_ms": {
            "p50": float(np.nanpercentile(ms, 50)),
            "p99": float(np.nanpercentile(ms, 99)),
            "lost": int(np.isnan(ms).sum()),
        }
        for what, ms in lags.items()
    }
    keys = ("hits", "prepared_hits", "late_blocks", "xruns", "dropped")
    return {
        **results,
        "hits": hits,
        "block_ms": 1000 * PERIOD / RATE,
        "holes_in_capture": tape.holes,
        "host_stole_percent": stolen,
        "cores_kept_awake": awake,
        "server": {key: status[key] for key in keys if key in status},
        "options": " ".join(server),
    }


def _first(sound: Sound, at: int, above: float) -> int | None:
    """Return the index of the first sample whose magnitude exceeds `above`, or None.

    The search starts at the sample `at` and ends 0.1 s later.
    """
    found = np.flatnonzero(np.abs(sound[at : at + RATE // 10]) > above)
    return at + int(found[0]) if len(found) else None


def _first_difference(sound: Sound, start: int | None, at: int, expected: Sound) -> int | None:
    """Return the index of the first sample, at or after `at`, that differs from the expected sound.

    The result is None if no sample differs, or if a sample before `at` differs.

    Args:
        sound: the recording.
        start: index of the sample at which the sound began, or None.
        at: index at which the search starts.
        expected: the sound to compare with.
    """
    if start is None:
        return None
    heard = sound[start : start + len(expected)]
    apart = np.flatnonzero(np.abs(heard - expected[: len(heard)]) > DIFFERS)
    later = apart[apart >= at - start]
    if len(apart) and len(later) < len(apart) and apart[0] < at - start:
        return None  # the sound already differed before `at`
    return start + int(later[0]) if len(later) else None


def _ms(sent: int, heard: int | None) -> float:
    return float("nan") if heard is None else 1000.0 * (heard - sent) / RATE


def _osc(address: str, *arguments: float | str) -> bytes:
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)
    datagram: bytes = builder.build().dgram
    return datagram


def _status(datagram: bytes) -> dict[str, Any]:
    from pythonosc.osc_message import OscMessage

    pairs = list(OscMessage(datagram).params)
    return dict(zip(pairs[::2], pairs[1::2], strict=True))


def main(argv: list[str] | None = None) -> int:
    """Measure and print the latencies."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--hits", type=int, default=500, help="number of cycles; default: 500")
    parser.add_argument("--model", default="drums", help="an .onnx file or a bundled model; default: drums")
    parser.add_argument("--server", default="", help="more options of `realtime serve`, in quotes")
    parser.add_argument(
        "--vary", type=float, default=0.0, help="amount of /morph/vary; above 0, moves cannot be measured"
    )
    parser.add_argument("--floor", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.floor:
        return floor()
    results = measure(resolve(args.model), args.hits, args.server.split(), args.vary)
    if args.json:
        print(json.dumps(results, indent=2))
    else:
        for key, value in results.items():
            print(f"{key:20s} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
