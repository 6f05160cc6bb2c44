"""Draws the outlines of sounds: a program that answers points z [N, D], a line of JSON, with their outlines.

It is a program of its own at the lowest priority, so that its decoding does not delay others.
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

COLUMNS = 40  # parts of a sound in its picture


def picture(sound: Sounds) -> list[int]:
    """Return the peaks of a sound [T] in `COLUMNS` equal parts, 0..99 of its highest."""
    peaks = np.array([np.abs(part).max() for part in np.array_split(sound, COLUMNS)])
    return [int(x) for x in np.round(99.0 * peaks / max(float(peaks.max()), FLOOR))]


def main() -> None:
    """Answer questions about the model that the command line names, until there are no more."""
    priority.last()
    decoder = Decoder(Path(sys.argv[1]), provider="cpu")
    for line in sys.stdin:
        sounds = axes.decode(decoder, np.array(json.loads(line)))
        print(json.dumps([picture(each) for each in sounds]), flush=True)


if __name__ == "__main__":
    main()
