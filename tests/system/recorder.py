"""Records the sound that a JACK server sends to its first two outputs, until a line arrives on stdin.

It is a separate program (`python -m tests.system.recorder FILE.npy [SECONDS]`), so that nothing delays its
callback. An incomplete capture (longer than SECONDS, cycles skipped by JACK, a callback that is no longer
called, a server that has gone) is saved too, and reported by the exit code and a line for each reason.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from realtime.audio.jack_client import JackClient

SECONDS = 60  # default limit of the capture
TIMEOUT_S = 20.0  # for the next callback, which comes within milliseconds on an idle machine


def main(path: str, seconds: int = SECONDS) -> int:
    """Record to `path`: float32 [samples, 2]; return the exit code."""
    ours = JackClient("recorder")
    client = ours.client
    inputs = [client.inports.register(f"in_{i}") for i in (1, 2)]
    sound = np.zeros((seconds * client.samplerate, len(inputs)), np.float32)
    taken = offered = 0
    missed: list[tuple[int, int]] = []  # position in the capture, number of samples
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
