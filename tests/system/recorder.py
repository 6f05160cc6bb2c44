"""Records the sound at the first two outputs of a JACK server, until a line arrives on standard input.

It is a separate program (`python -m tests.system.recorder FILE.npy [SECONDS]`), to ensure that nothing delays
its callback. An incomplete recording is saved, too; the exit code is then 1, and a line states each reason:
the recording lasted longer than SECONDS, JACK skipped cycles, the callback was no longer called, or the
server has gone.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from realtime.audio.jack_client import JackClient

SECONDS = 60  # longest recording, unless another limit is given
TIMEOUT_S = 20.0  # for the next callback, which takes milliseconds on an idle machine


def main(path: str, seconds: int = SECONDS) -> int:
    """Record to `path` (.npy: float32 [samples, 2]); return the exit code."""
    ours = JackClient("recorder")
    client = ours.client
    inputs = [client.inports.register(f"in_{i}") for i in (1, 2)]
    sound = np.zeros((seconds * client.samplerate, len(inputs)), np.float32)
    taken = offered = 0
    missed: list[tuple[int, int]] = []  # position in the recording, number of missed samples
    due: int | None = None  # JACK's sample count at the next callback

    def process(samples: int) -> None:
        nonlocal taken, offered, due
        now = client.last_frame_time
        if due is not None and now != due:
            missed.append((taken, (now - due) & 0xFFFFFFFF))
        due = (now + samples) & 0xFFFFFFFF
        count = min(samples, len(sound) - taken)
        for i, port in enumerate(inputs):
            sound[taken : taken + count, i] = port.get_array()[:count]
        taken += count
        offered += samples

    ours.activate(process)
    try:
        card = client.get_ports(is_audio=True, is_input=True, is_physical=True)
        for heard, port in zip(card, inputs, strict=False):
            (source,) = client.get_all_connections(heard)
            client.connect(source, port)
        print("recording", flush=True)
        sys.stdin.readline()
        before, end = offered, time.monotonic() + TIMEOUT_S
        while offered == before and not ours.gone and time.monotonic() < end:
            time.sleep(0.01)
        stalled, gone = offered == before, ours.gone
    finally:
        ours.leave()
    np.save(path, sound[:taken])
    reasons = [f"JACK skipped {count} samples after {at}" for at, count in missed]
    if offered > taken:
        reasons.append(f"{offered - taken} samples more than the limit of {seconds} s")
    if stalled:
        reasons.append("the callback was no longer called")
    if gone:
        reasons.append("the server has gone")
    print("\n".join([f"recorded {taken} samples", *reasons]), flush=True)
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
