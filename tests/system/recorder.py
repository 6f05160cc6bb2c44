"""Records what a JACK server's first two outputs are fed, to the sample, until a line comes in.

A program of its own (`python -m tests.system.recorder FILE.npy [SECONDS]`), so that nothing else
holds its callback up.
"""

from __future__ import annotations

import sys

import jack
import numpy as np

SECONDS = 60  # the most that is kept, unless told


def main(path: str, seconds: int = SECONDS) -> int:
    """Record into `path`: float32 [samples, 2]."""
    client = jack.Client("recorder", no_start_server=True)
    inputs = [client.inports.register(f"in_{i}") for i in (1, 2)]
    sound = np.zeros((seconds * client.samplerate, len(inputs)), np.float32)
    taken = 0

    @client.set_process_callback
    def process(samples: int) -> None:
        nonlocal taken
        count = min(samples, len(sound) - taken)
        for i, port in enumerate(inputs):
            sound[taken : taken + count, i] = port.get_array()[:count]
        taken += count

    with client:
        for i, port in enumerate(inputs, 1):
            (source,) = client.get_all_connections(f"system:playback_{i}")
            client.connect(source, port)
        print("recording", flush=True)
        sys.stdin.readline()
    np.save(path, sound[:taken])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
