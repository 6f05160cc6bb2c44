"""A program that draws pictures of sounds: it reads lines of JSON, and prints outlines of sounds.

Each line contains N points z [N, D] of the latent space, which has D dimensions; the reply is N outlines.

The program has the lowest priority, to keep its decoding from delaying the server.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from realtime.model import axes
from realtime.model.axes import FLOOR, Sounds
from realtime.model.decoder import Decoder
from realtime.util import priority

COLUMNS = 40  # number of parts of a sound, each of which is a column of the picture


def picture(sound: Sounds) -> list[int]:
    """Return the peaks of `COLUMNS` equal parts of a sound [T], from 0 to 99, relative to the highest."""
    peaks = np.array([np.abs(part).max() for part in np.array_split(sound, COLUMNS)])
    return [int(x) for x in np.round(99.0 * peaks / max(float(peaks.max()), FLOOR))]


def main() -> None:
    """Draw pictures for the model that the command line names, until the input ends."""
    priority.last()
    decoder = Decoder(Path(sys.argv[1]), provider="cpu")
    for line in sys.stdin:
        sounds = axes.decode(decoder, np.array(json.loads(line)))
        print(json.dumps([picture(each) for each in sounds]), flush=True)


if __name__ == "__main__":
    main()
