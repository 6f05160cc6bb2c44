"""The deviation of the sequencer from another program's beat: `python -m bench.beat link|clock SECONDS`.

A server on a private JACK server plays a hit on every beat. `link`: another program in the same Ableton Link
session sets the beat. Link finds programs by multicast, so run it in a network namespace of its own:

    unshare --net sh -c 'ip link set lo up multicast on && ip route add 224.0.0.0/4 dev lo &&
        exec python -m bench.beat link 60'

`clock`: a JACK client sends a MIDI clock. The tempo changes half way. Hits within `SETTLE_S` of the start and
of the change are left out.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import jack
import numpy as np

from realtime.surfaces.midi_clock import TICKS_PER_BEAT
from realtime.util import priority
from tests.system.link_session import TEMPOS
from tests.system.rig import Jack, Server

MODEL = Path(__file__).parents[1] / "tests" / "models" / "tiny.onnx"
STEPS = [float(step % 4 == 0) for step in range(16)]
START, CLOCK = b"\xfa", b"\xf8"
NEAR_S = 0.2  # range around a time, whose cycles give its frame
BEFORE_S, SETTLE_S = 0.05, 0.5  # left out before and after a start or a change of tempo
CONNECT_S = 0.5  # until a new connection is active for certain, even if JACK skips cycles
BLOCK = 128  # samples


class Ears:
    """Records a port of the JACK server, and sends a MIDI clock if asked; times are the server's frames."""

    def __init__(self) -> None:
        self.client = jack.Client("ears", no_start_server=True)
        self._heard = self.client.inports.register("heard")
        self.midi = self.client.midi_outports.register("clock")
        self.rate = self.client.samplerate
        self._cycles: list[tuple[float, int]] = []
        self.onsets: list[int] = []
        self.ticks: list[float] = []
        self.bpm = 0.0
        self._next = 0.0
        self._begin = -1
        self._silence = 0
        self.client.set_process_callback(self._process)
        self.client.activate()

    def _process(self, samples: int) -> None:
        begin = self.client.last_frame_time
        self._cycles.append((time.monotonic(), begin + self.client.frames_since_cycle_start))
        loud = np.flatnonzero(np.abs(self._heard.get_array()) > 1e-4)
        if len(loud) and self._silence > samples:
            self.onsets.append(begin + int(loud[0]))
        self._silence = 0 if len(loud) else self._silence + samples
        if begin != self._begin:
            self.midi.clear_buffer()
        self._begin = begin
        if self.bpm and not self.ticks:
            self._next = begin
            self.midi.write_midi_event(0, START)
        while self.bpm and self._next < begin + samples:
            self.midi.write_midi_event(max(0, int(self._next - begin)), CLOCK)
            self.ticks.append(self._next)
            self._next += 60.0 * self.rate / (self.bpm * TICKS_PER_BEAT)

    def frame_at(self, monotonic_s: float) -> float:
        """Return the frame that the card played at a monotonic time."""
        near = [frame - at * self.rate for at, frame in self._cycles if abs(at - monotonic_s) < NEAR_S]
        return monotonic_s * self.rate + float(np.median(near))


def link(ears: Ears, seconds: float) -> tuple[list[float], list[float]]:
    """Let the peer play; return the frames of its beats, and the frames of its start and changes of tempo."""
    command = [sys.executable, "-m", "tests.system.link_session", str(seconds), "peer"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    theirs = [json.loads(line) for line in lines]
    beats, unsure = [], [theirs[0][0]]
    for (at, beat, tempo), (_, after, later) in itertools.pairwise(theirs):
        if tempo != later:
            unsure.append(at)
        elif np.floor(beat) != np.floor(after):
            beats.append(at + (np.floor(after) - beat) * 60.0 / tempo)
    return [ears.frame_at(at) for at in beats], [ears.frame_at(at) for at in unsure]


def clock(ears: Ears, seconds: float) -> tuple[list[float], list[float]]:
    """Send a clock; return the frames of its beats, and the frames of its start and changes of tempo."""
    ears.client.connect(ears.midi, "soundmorph-midi:in")
    time.sleep(CONNECT_S)
    unsure = []
    for bpm in TEMPOS:
        ears.bpm = bpm
        unsure.append(float(ears.client.frame_time))
        time.sleep(seconds / 2)
    return ears.ticks[::TICKS_PER_BEAT], unsure


def play(kind: str, seconds: float) -> tuple[list[float], dict[str, object]]:
    """Return the deviation of each hit from the nearest beat in seconds, and the counts by name."""
    with ExitStack() as parts:
        folder = parts.enter_context(TemporaryDirectory())
        server_of_jack = parts.enter_context(Jack(BLOCK, synchronous=False))
        server_of_jack.wait()
        os.environ |= server_of_jack.env
        follow = ["--link"] if kind == "link" else ["--midi", "--midi-backend", "jack"]
        options = ["--device", "system", "--presets", f"{folder}/presets.json", *follow]
        server = parts.enter_context(Server(MODEL, *options, env=server_of_jack.env))
        server.ask("/morph/seq/add", "hihat")
        server.send("/morph/seq/lane/0/velocities", *STEPS)
        server.send("/morph/seq/lane/0/decay", 50.0)
        _, terms = server.ask("/morph/get/latency")
        priority.switch_often()
        ears = Ears()
        ears.client.connect("soundmorph:out_1", "ears:heard")
        latency = float(terms[terms.index("device") + 1]) * ears.rate / 1000
        beats, unsure = (link if kind == "link" else clock)(ears, seconds)
        onsets = list(ears.onsets)
        status = server.status()
        ears.client.deactivate()
        ears.client.close()
    settle, before = SETTLE_S * ears.rate, BEFORE_S * ears.rate
    known = [at for at in onsets if not any(-before <= at - each < settle for each in unsure)]
    known = [at for at in known if min(beats) <= at <= max(beats)]
    off = [min((at + latency - beat for beat in beats), key=abs) / ears.rate for at in known]
    return off, {"hits": len(onsets), "beats": len(beats), "late blocks": status["late_blocks"]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.beat", description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=("link", "clock"))
    parser.add_argument("seconds", type=float)
    args = parser.parse_args()
    off, facts = play(args.kind, args.seconds)
    print(", ".join(f"{value} {name}" for name, value in facts.items()))
    if not off:
        raise SystemExit("no hit to compare: the sequencer did not start")
    ms = 1000 * np.abs(off)
    block_ms = 1000 * BLOCK / Jack.sample_rate
    middle, most = np.percentile(ms, (50, 90))
    print(f"off the beat: {middle:.2f} ms in the median, {most:.2f} ms in the 90th percentile")
    print(f"within a block of {block_ms:.2f} ms: {np.mean(ms <= block_ms):.0%} of {len(ms)} hits")


if __name__ == "__main__":
    main()
