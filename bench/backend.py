"""Compare the timing of audio back ends on JACK: our JACK client, sounddevice, and rtmixer's callback in C.

The dummy driver of a JACK server runs with blocks of 128 samples at 48 kHz. Each back end plays in a separate
process (`--play`, which this program starts), first alone and then in parallel with a busy thread of plain
Python. The program records the output on the JACK server's clock. The left channel contains a count of the
samples, which reveals every missing or repeated sample. The right channel contains a click in the first block
after a datagram. `realtime serve` uses our JACK client and sounddevice (`realtime.audio`); their callbacks
request the next block. rtmixer plays from a ring buffer, which a Python thread fills with 1, 2 or 4 blocks.

    late_blocks       cycles that the back end did not finish in time, as the JACK server reports
    breaks            positions at which the count of samples is not continuous, for example at a silence
    stops             rtmixer only: number of times that the ring buffer ran empty and playback was restarted
    clicks_lost       number of datagrams that were not followed by a click
    click_ms          time from sending the datagram to the click, p50 and p99
    holes_in_capture  gaps in the recording
    against_jack      p50 of click_ms, divided by the p50 of our JACK client without a busy thread
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.latency import Tape
from bench.machine.jackd import PERIOD, RATE, dummy
from realtime.audio.devices import BlockSource, Device, SoundCard, devices, pick
from realtime.audio.jack_device import JackDevice
from realtime.live.ring import Block
from realtime.util import priority
from realtime.util.parser import Parser

SETTLE_S = 1.0  # pause between the start of the back end and the measurement
PAUSE_S = 0.02  # shortest time between clicks; a random time of up to two blocks is added
CYCLE = 2**16  # the count wraps around at this value, up to which single precision is exact
POLL_S = 0.0003  # polling interval of rtmixer's ring buffer, which cannot wake a thread
Facts = dict[str, Any]


# ---- the player, in a separate process


class Source:
    """A source of blocks: a count of samples on the left channel, and requested clicks on the right channel.

    It replaces the server's engine, which usually supplies the device with blocks.
    """

    block_size = PERIOD

    def __init__(self) -> None:
        self.xruns = 0
        self.requested = 0
        self._played = 0
        self._count = 0
        self._steps = np.arange(1, PERIOD + 1)

    def hand_over(self, out: Block) -> None:
        """Fill `out` [T, 2] with the next block."""
        out[:, 0] = ((self._count + self._steps) % CYCLE) / CYCLE
        out[:, 1] = 0.0
        self._count = (self._count + PERIOD) % CYCLE
        if self._played != self.requested:
            self._played = self.requested
            out[0, 1] = 1.0


class RtMixer:
    """rtmixer's callback on PortAudio's JACK device, fed by a Python thread through a ring buffer."""

    name, sample_rate, channels = "rtmixer", RATE, 2

    def __init__(self, blocks: int) -> None:
        self._blocks = blocks
        self.stops = 0
        self._closing = False

    def start(self, source: BlockSource) -> float:
        import rtmixer

        priority.switch_often()
        index = pick(devices(), "system").index
        self._mixer = rtmixer.Mixer(
            device=index, samplerate=RATE, blocksize=PERIOD, channels=2, latency="low"
        )
        self._ring = rtmixer.RingBuffer(8, PERIOD * self._blocks)
        self._fill(source)
        self._action = self._mixer.play_ringbuffer(self._ring)
        self._mixer.start()
        self._thread = threading.Thread(target=self._run, args=(source,), daemon=True)
        self._thread.start()
        return float(self._mixer.latency)

    def _fill(self, source: BlockSource) -> None:
        block = np.zeros((PERIOD, 2), np.float32)
        while self._ring.write_available >= PERIOD:
            source.hand_over(block)
            self._ring.write(block)

    def _run(self, source: BlockSource) -> None:
        while not self._closing:
            self._fill(source)
            if self._action not in self._mixer.actions:
                self.stops += 1
                self._action = self._mixer.play_ringbuffer(self._ring)
            time.sleep(POLL_S)

    @property
    def active(self) -> bool:
        return bool(self._mixer.active)

    def close(self) -> None:
        self._closing = True
        self._thread.join()
        self._mixer.close()


BACKENDS: dict[str, Callable[[], Device]] = {
    "jack": JackDevice,
    "sounddevice": lambda: SoundCard(pick(devices(), "system"), sample_rate=RATE),
    "rtmixer_1": lambda: RtMixer(1),
    "rtmixer_2": lambda: RtMixer(2),
    "rtmixer_4": lambda: RtMixer(4),
}


def play(backend: str, busy: bool) -> int:
    """Play until the datagram "end" arrives; any other datagram requests a click."""
    source, device = Source(), BACKENDS[backend]()
    device.start(source)
    if busy:
        threading.Thread(target=_be_busy, daemon=True).start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        while listener.recv(64) != b"end":
            source.requested += 1
    print(getattr(device, "stops", 0), flush=True)
    device.close()
    sys.stdout.flush()
    os._exit(0)  # the busy thread never ends


def _be_busy() -> None:
    count = 0
    while True:
        count += 1


# ---- the measurement


def measure(backend: str, busy: bool, seconds: float) -> Facts:
    """Record one back end for `seconds` seconds, and return the figures by name."""
    command = [sys.executable, "-m", "bench.backend", "--play", backend, *(["--busy"] if busy else [])]
    with _jack() as late_cycles, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as player:
        assert player.stdout is not None
        line = player.stdout.readline()
        if not line:
            raise SystemExit(f"bench.backend: {backend} did not start")
        to = "127.0.0.1", int(line)
        tape = Tape(_outputs(), SETTLE_S + 1.5 * seconds + 5.0)
        tape.sound[:, 2 * PERIOD :] = np.nan  # marks samples that the recording misses
        time.sleep(SETTLE_S)
        begun, before = tape.now(), late_cycles()
        sent: list[int] = []
        chance, end = random.Random(1), time.monotonic() + seconds
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            while time.monotonic() < end:
                sent.append(tape.now())
                sender.sendto(b"click", to)
                time.sleep(PAUSE_S + chance.uniform(0.0, 2 * PERIOD / RATE))
            time.sleep(0.2)
            ended, late = tape.now() - PERIOD, late_cycles() - before
            sender.sendto(b"end", to)
        stops = int(player.stdout.readline())
        tape.jack.leave()
    count, clicks = tape.sound
    arrived = np.flatnonzero(clicks > 0.5)
    after = np.searchsorted(arrived, sent)
    lags = np.array([arrived[i] - at for i, at in zip(after, sent, strict=True) if i < len(arrived)])
    return {
        "seconds": seconds,
        "late_blocks": late,
        "breaks": _breaks(count[begun:ended]),
        "stops": stops,
        "clicks_lost": len(sent) - len(arrived),
        "click_ms": {f"p{p}": float(1000.0 * np.percentile(lags, p) / RATE) for p in (50, 99)},
        "holes_in_capture": tape.holes,
    }


def _breaks(count: np.ndarray[Any, Any]) -> int:
    """Return the number of samples that do not continue the count; each silence adds two."""
    steps = np.diff(count.astype(np.float64) * CYCLE) % CYCLE
    return int(np.count_nonzero((steps != 1.0) & ~np.isnan(steps) & ~((steps == 0.0) & (count[1:] == 0.0))))


def _outputs() -> list[str]:
    """Return the names of the two ports that are connected to the JACK server's outputs."""
    import jack

    with jack.Client("look", no_start_server=True) as client:
        return [client.get_all_connections(f"system:playback_{i}")[0].name for i in (1, 2)]


@contextmanager
def _jack() -> Iterator[Callable[[], int]]:
    """Run a JACK server; yield a function that counts the late cycles of all clients except the recorder."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"

        def late() -> int:
            lines = log.read_text(errors="replace").splitlines()
            return sum("was not finished" in line and "= tape " not in line for line in lines)

        with dummy(log=log):
            yield late


def main(argv: list[str] | None = None) -> int:
    """Measure and print the figures."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="seconds per back end and load; default: 8"
    )
    parser.add_argument(
        "--only", choices=sorted(BACKENDS), action="append", help="a back end to measure; may be repeated"
    )
    parser.add_argument("--play", choices=sorted(BACKENDS), help=argparse.SUPPRESS)
    parser.add_argument("--busy", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.play:
        return play(args.play, args.busy)
    try:
        import rtmixer  # noqa: F401
    except ImportError:
        raise SystemExit("bench.backend: rtmixer is missing: pip install -e '.[bench]'") from None
    chosen = args.only or list(BACKENDS)
    results: Facts = {
        f"{load}_{backend}": measure(backend, load == "busy", args.seconds)
        for load in ("alone", "busy")
        for backend in chosen
    }
    if bare := results.get("alone_jack"):
        for facts in results.values():
            facts["against_jack"] = facts["click_ms"]["p50"] / bare["click_ms"]["p50"]
    if args.json:
        print(json.dumps(results, indent=2))
    else:
        for name, facts in results.items():
            print(f"{name:18s} {facts}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
