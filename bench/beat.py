"""`python -m bench.beat link|clock SECONDS`: measure how far sequenced hits are from another program's beat.

`realtime serve` plays a hit on every beat, on a JACK server that this program starts. With `link`, another
program in the same Ableton Link session sets the beat. Link finds programs by multicast. Therefore, run the
benchmark in a network namespace:

    unshare --net sh -c 'ip link set lo up multicast on && ip route add 224.0.0.0/4 dev lo &&
        exec python -m bench.beat link 60'

With `clock`, a JACK client sends a MIDI clock. In both cases, the tempo changes halfway through. Hits shortly
before or after the start or the change of tempo are left out (`BEFORE_S`, `SETTLE_S`).
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from realtime.audio.jack_client import JackClient
from realtime.surfaces.midi_clock import TICKS_PER_BEAT
from realtime.util import priority
from realtime.util.parser import Parser
from tests.system.link_session import TEMPOS
from tests.system.rig import Jack, Server

MODEL = Path(__file__).parents[1] / "tests" / "models" / "tiny.onnx"
STEPS = [float(step % 4 == 0) for step in range(16)]
START, CLOCK = b"\xfa", b"\xf8"
NEAR_S = 0.2  # the JACK cycles within this distance of a time give the index of the sample at that time
BEFORE_S, SETTLE_S = 0.05, 0.5  # hits in these times before and after a start or change of tempo are left out
CONNECT_S = 0.5  # time after which a new connection is active, even if JACK skips cycles
BLOCK = 128  # samples


class OnsetRecorder:
    """Records the onsets at a JACK port, and sends a MIDI clock while `bpm` is not 0.

    Attributes:
        bpm: tempo of the MIDI clock, in beats per minute.
        onsets: position of each onset, in samples of the JACK server.
        ticks: position of each tick of the MIDI clock, in the same samples.
    """

    def __init__(self) -> None:
        self.jack = JackClient("recorder")
        self.client = self.jack.client
        self._input = self.client.inports.register("input")
        self.midi = self.client.midi_outports.register("clock")
        self.rate = self.client.samplerate
        self._cycles: list[tuple[float, int]] = []
        self.onsets: list[int] = []
        self.ticks: list[float] = []
        self.bpm = 0.0
        self._next = 0.0
        self._begin = -1
        self._silence = 0
        self.jack.activate(self._process)

    def _process(self, samples: int) -> None:
        begin = self.client.last_frame_time
        self._cycles.append((time.monotonic(), begin + self.client.frames_since_cycle_start))
        loud = np.flatnonzero(np.abs(self._input.get_array()) > 1e-4)
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

    def sample_at(self, monotonic_s: float) -> float:
        """Return the index of the sample that the JACK server played at a time of `time.monotonic`."""
        near = [sample - at * self.rate for at, sample in self._cycles if abs(at - monotonic_s) < NEAR_S]
        return monotonic_s * self.rate + float(np.median(near))


def link(recorder: OnsetRecorder, seconds: float) -> tuple[list[float], list[float]]:
    """Run a Link program; return the positions, in samples, of its beats, start and tempo changes."""
    command = [sys.executable, "-m", "tests.system.link_session", str(seconds), "peer"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    states = [json.loads(line) for line in lines]
    beats, changes = [], [states[0][0]]
    for (at, beat, tempo), (_, after, later) in itertools.pairwise(states):
        if tempo != later:
            changes.append(at)
        elif np.floor(beat) != np.floor(after):
            beats.append(at + (np.floor(after) - beat) * 60.0 / tempo)
    return [recorder.sample_at(at) for at in beats], [recorder.sample_at(at) for at in changes]


def clock(recorder: OnsetRecorder, seconds: float) -> tuple[list[float], list[float]]:
    """Send a MIDI clock; return the positions, in samples, of its beats, start and tempo changes."""
    recorder.client.connect(recorder.midi, "soundmorph-midi:in")
    time.sleep(CONNECT_S)
    changes = []
    for bpm in TEMPOS:
        recorder.bpm = bpm
        changes.append(float(recorder.client.frame_time))
        time.sleep(seconds / 2)
    return recorder.ticks[::TICKS_PER_BEAT], changes


def play(kind: str, seconds: float) -> tuple[list[float], dict[str, object]]:
    """Return the deviation of each hit from the nearest beat, in seconds, and counts by name.

    Args:
        kind: the source of the beat, "link" or "clock".
        seconds: duration of the measurement.
    """
    with ExitStack() as parts:
        folder = parts.enter_context(TemporaryDirectory())
        jack_server = parts.enter_context(Jack(BLOCK, synchronous=False))
        jack_server.wait()
        os.environ |= jack_server.env
        follow = ["--link"] if kind == "link" else ["--midi", "--midi-backend", "jack"]
        options = ["--device", "system", "--presets", f"{folder}/presets.json", *follow]
        server = parts.enter_context(Server(MODEL, *options, env=jack_server.env))
        server.ask("/morph/seq/add", "hihat")
        server.send("/morph/seq/lane/0/velocities", *STEPS)
        server.send("/morph/seq/lane/0/decay", 50.0)
        _, terms = server.ask("/morph/get/latency")
        priority.switch_often()
        recorder = OnsetRecorder()
        recorder.client.connect("soundmorph:out_1", "recorder:input")
        latency = float(terms[terms.index("device") + 1]) * recorder.rate / 1000
        beats, changes = (link if kind == "link" else clock)(recorder, seconds)
        onsets = list(recorder.onsets)
        status = server.status()
        recorder.jack.leave()
    settle, before = SETTLE_S * recorder.rate, BEFORE_S * recorder.rate
    known = [at for at in onsets if not any(-before <= at - each < settle for each in changes)]
    known = [at for at in known if min(beats) <= at <= max(beats)]
    off = [min((at + latency - beat for beat in beats), key=abs) / recorder.rate for at in known]
    return off, {"hits": len(onsets), "beats": len(beats), "late blocks": status["late_blocks"]}


def main() -> None:
    """Run the command line: measure, and print the deviations."""
    parser = Parser(prog="bench.beat", description=__doc__.splitlines()[0])
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
    print(f"deviation from the beat: median {middle:.2f} ms, 90th percentile {most:.2f} ms")
    print(f"at most a block ({block_ms:.2f} ms) off: {np.mean(ms <= block_ms):.0%} of {len(ms)} hits")


if __name__ == "__main__":
    main()
