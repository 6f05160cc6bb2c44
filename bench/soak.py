"""Soak test of the server: eight voices, 1,000 OSC messages a second, a moving z, and a busy thread.

z is the position in the latent space. This module starts `realtime serve` (`--serve`), which plays on the
dummy driver of a JACK server. The server consists of two processes. In the process that receives messages, a
thread of plain Python is always busy, as a performer's code might be. The process that renders the sound
shares the same cores. With `--synchronous`, the JACK server waits for every block; the output is then
captured and compared with the offline rendering of the server's command log.

    engine_late_blocks    dropouts: blocks that were not ready when the device needed them
    dropped_triggers      number of triggers that were sent but started no voice
    memory_growth_mb      resident memory at the end minus resident memory after a fifth of the time; the
                          cache of decoded sounds is filled before
    difference_db         with --synchronous: largest difference between the captured and the rendered sound,
                          in dB relative to full scale
    compared_s            with --synchronous: duration of the compared sound, without silence
    host_stole_percent    percentage of requested processor time that a virtual machine's host withheld; the
                          cores are kept awake (`host.awake`)
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from pythonosc.osc_message import OscMessage

from bench.machine import host
from bench.machine.jackd import RATE, dummy
from bench.machine.processes import cpu_s, memory_mb
from bench.machine.programs import listening
from realtime.audio.jack_client import JackClient
from realtime.cli.server import ServeConfig
from realtime.cli.server import serve as run_server
from realtime.control.osc import encode
from realtime.control.protocol import Message
from realtime.live.config import SoundConfig
from realtime.model.decoder import Decoder, resolve
from realtime.synth.command_log import commands, read_header
from realtime.synth.mixer import Mixer, slots_for
from realtime.synth.voices.sound_cache import PASSING
from realtime.util.parser import Parser

VOICES = 8
IDLE_S = 2.0  # duration of the idle measurement before playing
SETTLE_S = 3.0  # time until the server has decoded the sounds of the class centres in advance
REST_S = 0.3  # time until the server has decoded the sound of a new z
BURST_S = 0.002  # interval between bursts of messages
WARM = 0.2  # fraction of the time after which memory is first measured
BURST = 100  # number of messages after which the player waits for a block, with --synchronous
Facts = dict[str, Any]


# ---- the server, in a separate process


def serve(args: argparse.Namespace) -> int:
    """Run `realtime serve`, and start a busy thread as soon as a line arrives on stdin."""
    threading.Thread(target=_wait_and_be_busy, daemon=True).start()
    sound = SoundConfig(
        model=args.model,
        device="system",
        voices=VOICES,
        log=args.folder / "log.jsonl" if args.synchronous else None,
        synchronous=args.synchronous,
        threads=args.threads,
        ahead=args.ahead,
        steady=args.steady,
    )
    return run_server(ServeConfig(sound, port=0, presets=args.folder / "presets.json"))


def _wait_and_be_busy() -> None:
    sys.stdin.readline()
    count = 0
    while True:
        count += 1


# ---- the player


class Player:
    """Sends the messages of a busy performance: continuous moves of z, hits, and settings for the next hits.

    Args:
        port: UDP port of the server.
        dimensions: number of dimensions of z.
        names: names of the classes to which z moves from time to time.
        hits_per_s: mean number of triggers per second.
        rate: number of messages per second, including triggers.
        patient: True to wait for a server that cannot keep up, to avoid losing messages on a slow machine.
    """

    def __init__(
        self,
        port: int,
        dimensions: int,
        names: list[str],
        hits_per_s: float,
        rate: float,
        patient: bool = False,
    ) -> None:
        self.to = "127.0.0.1", port
        self.sent = self.triggers = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._asking.settimeout(60.0)
        self._patient = patient
        self._names, self._rate = names, rate
        self._share = hits_per_s / rate
        self._chance = random.Random(1)
        self._z = np.zeros(dimensions)

    def send(self, address: str, *arguments: Any) -> None:
        """Send a message to the server."""
        self._socket.sendto(encode(Message(address, arguments)), self.to)

    def rest(self, points: int) -> None:
        """Move z to `points` random points in turn, and wait at each until its sound is decoded."""
        for _ in range(points):
            self.send("/morph/z", *(self._chance.gauss(0.0, 1.0) for _ in self._z))
            time.sleep(REST_S)

    def status(self) -> Facts:
        """Return the server's status: counts and other facts, by name."""
        self._asking.sendto(encode(Message("/morph/get/status", ())), self.to)
        pairs = list(OscMessage(self._asking.recv(65536)).params)
        return dict(zip(pairs[::2], pairs[1::2], strict=True))

    def play(self, seconds: float) -> None:
        """Send messages at the player's rate for `seconds` seconds; send overdue messages at once."""
        begun, sent = time.monotonic(), self.sent
        while (passed := time.monotonic() - begun) < seconds:
            while self.sent - sent < passed * self._rate:
                self._send_one()
                self.sent += 1
                if self._patient and self.sent % BURST == 0:
                    self._wait()
            time.sleep(BURST_S)

    def _wait(self) -> None:
        """Wait until the server has received all messages sent so far and rendered one more block."""
        before = self.status()["seconds"]
        while self.status()["seconds"] == before:
            time.sleep(BURST_S)

    def _send_one(self) -> None:
        chance, what = self._chance, self._chance.random()
        if what < self._share:
            self.triggers += 1
            self.send("/morph/trigger", chance.uniform(0.3, 1.0))
        elif what < self._share + 0.004:
            self.send("/morph/goto", chance.choice(self._names), chance.uniform(0.0, 200.0))
        elif what < self._share + 0.008:
            self.send("/morph/pan", chance.uniform(-1.0, 1.0))
        elif what < self._share + 0.012:
            self.send("/morph/choke", chance.choice((0, 0, 0, 1)))
        else:
            self._z += 0.05 * np.random.default_rng(self.sent).standard_normal(len(self._z))
            self._z = np.clip(0.999 * self._z, -2.0, 2.0)
            self.send("/morph/z", *self._z.tolist())


# ---- the capture, and the web pages


@contextmanager
def _capture(path: Path | None) -> Iterator[None]:
    """Write the server's output to a file, float32 [samples, 2]; None writes nothing."""
    if path is None:
        yield
        return
    ours = JackClient("soak")
    inputs = [ours.client.inports.register(f"in_{i}") for i in (1, 2)]
    with path.open("wb") as file:

        def process(samples: int) -> None:
            file.write(np.stack([port.get_array() for port in inputs], axis=1).tobytes())

        ours.activate(process)
        for number, port in enumerate(inputs, 1):
            ours.client.connect(f"soundmorph:out_{number}", port)
        yield
        ours.leave()


@contextmanager
def _pages(count: int, port: int) -> Iterator[None]:
    """Keep the server's web page open `count` times in a browser."""
    if not count:
        yield
        return
    from tests.system.browser import Tab, browser

    with browser() as context:
        for _ in range(count):
            Tab(context.new_page(), f"http://127.0.0.1:{port}/")
        yield


# ---- the measurement


def measure(args: argparse.Namespace) -> Facts:
    """Play for `args.minutes` minutes, and return the figures by name."""
    info = Decoder(args.model, capacity=1).info
    seconds = 60.0 * args.minutes
    command = [sys.executable, "-m", "bench.soak", "--serve", "--model", str(args.model)]
    command += ["--folder", str(args.folder), "--threads", str(args.threads)]
    command += ["--ahead", str(args.ahead)] if args.ahead else []
    command += [f"--{name}" for name in ("synchronous", "steady") if getattr(args, name)]
    capture = args.folder / "capture" if args.synchronous else None
    with (
        host.awake() as awake,
        dummy(synchronous=args.synchronous),
        listening(command) as (program, port),
        _capture(capture),
        _pages(args.pages, port),
    ):
        names = [c.name for c in info.classes]
        player = Player(port, info.latent_dim, names, args.hits, args.rate, patient=args.synchronous)
        time.sleep(SETTLE_S)
        player.rest(PASSING + 1)
        cpu = cpu_s(program.pid)
        time.sleep(IDLE_S)
        idle_percent = 100.0 * (cpu_s(program.pid) - cpu) / IDLE_S
        assert program.stdin is not None
        program.stdin.write("be busy\n")
        program.stdin.flush()
        before = player.status()
        begun, stolen_percent = time.monotonic(), host.watch()
        player.play(WARM * seconds)
        memory = memory_mb(program.pid)
        player.play((1.0 - WARM) * seconds)
        grown = memory_mb(program.pid) - memory
        played_s, stolen = time.monotonic() - begun, stolen_percent()
        player.send("/morph/stop")
        after = _when_silent(player)
        time.sleep(0.5)  # the last blocks reach the capture
    counted = {key: after[key] - before[key] for key in ("late_blocks", "hits", "xruns", "shed", "stolen")}
    results = {
        "model": f"{info.name} ({info.architecture}, {info.sample_rate} Hz)",
        "minutes": played_s / 60.0,
        "messages_per_s": player.sent / played_s,
        "triggers": player.triggers,
        "engine_late_blocks": counted["late_blocks"],
        "dropped_triggers": player.triggers - counted["hits"],
        "memory_growth_mb": grown,
        "shed_voices": counted["shed"],
        "stolen_voices": counted["stolen"],
        "device_xruns": counted["xruns"],
        "dropped_commands": after["dropped"],
        "malformed": after["malformed"],
        "sound_s": after["seconds"] - before["seconds"],
        "idle_cpu_percent": idle_percent,
        "host_stole_percent": stolen,
        "cores_kept_awake": awake,
        "pages": args.pages,
    }
    if capture is not None:
        results["difference_db"], results["compared_s"] = _difference_db(args.model, args.folder)
    return results


def _when_silent(player: Player) -> Facts:
    """Wait until all commands have been carried out and all voices have ended; return the status."""
    end = time.monotonic() + 60.0
    while (status := player.status())["voices"] or status["scheduled"]:
        if time.monotonic() > end:
            raise SystemExit("bench.soak: the server does not become silent")
        time.sleep(0.05)
    return status


def _difference_db(model: Path, folder: Path) -> tuple[float, float]:
    """Compare the captured sound with the offline rendering of the command log.

    Returns:
        The largest difference in dB relative to full scale, and the duration of the sound in s, without
        silence.
    """
    captured = np.fromfile(folder / "capture", np.float32).reshape(-1, 2)
    log = folder / "log.jsonl"
    setting = read_header(log)
    decoder = Decoder(model, capacity=slots_for(setting.voices))
    mixer = Mixer(decoder, RATE, voices=setting.voices, chunk_frames=setting.chunk_frames)
    for sample, command in commands(log, setting.latent_dim):
        if command is not None:
            mixer.submit(command, sample)
    out = np.zeros((1000, 2), np.float32)
    at: int | None = None  # position of the next block in the capture, once both sounds have begun
    worst, sounding = 0.0, 0
    first = int(np.flatnonzero(captured.any(axis=1))[0])
    while at is None or at < len(captured):
        mixer.render(out)
        if at is None:
            begins = np.flatnonzero(out.any(axis=1))
            if not len(begins):
                if mixer.silent and not mixer.scheduled:
                    raise SystemExit("bench.soak: the log contains no sound")
                continue
            at = first - int(begins[0])
        other = captured[max(at, 0) : at + len(out)]
        worst = max(worst, float(np.abs(out[max(-at, 0) :][: len(other)] - other).max()))
        sounding += int(np.count_nonzero(np.abs(other).max(axis=1) > 1e-3))
        at += len(out)
    return float(20.0 * np.log10(max(worst, 1e-10))), sounding / RATE


def main(argv: list[str] | None = None) -> int:
    """Measure and print the figures."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="duration; default: 1")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--model", default="drums", help="an .onnx file or a bundled model; default: drums")
    parser.add_argument(
        "--synchronous", action="store_true", help="compare the sound with an offline rendering"
    )
    parser.add_argument("--steady", action="store_true", help="same as for `realtime serve`")
    parser.add_argument("--rate", type=float, default=1000.0, help="messages per second; default: 1000")
    parser.add_argument(
        "--hits", type=float, default=12.0, help="triggers per second among the messages; default: 12"
    )
    parser.add_argument("--threads", type=int, default=1, help="decoder threads; default: 1")
    parser.add_argument("--ahead", type=int, help="same as for `realtime serve`")
    parser.add_argument("--pages", type=int, default=0, help="number of open web pages; default: 0")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    args.model = resolve(args.model)
    if args.serve:
        return serve(args)
    with tempfile.TemporaryDirectory() as folder:
        args.folder = Path(folder)
        results = measure(args)
    if args.json:
        print(json.dumps(results, indent=2))
    else:
        for key, value in results.items():
            print(f"{key:20s} {value:.4g}" if isinstance(value, float) else f"{key:20s} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
