"""A portrait of the sounds of a model, measured by decoding them: run as a program, it prints JSON.

It is a program of its own, behind all others, so that its decoding can hold nobody up.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from realtime.model import axes
from realtime.model.axes import FLOOR, Sounds
from realtime.model.decoder import Decoder
from realtime.util import priority

COLUMNS = 40  # of the picture of a sound


def picture(sound: Sounds) -> list[int]:
    """Return the peaks of a sound [T] in `COLUMNS` equal parts, 0..99 of its highest."""
    peaks = np.array([np.abs(part).max() for part in np.array_split(sound, COLUMNS)])
    return [int(x) for x in np.round(99.0 * peaks / max(float(peaks.max()), FLOOR))]


def portray(path: Path) -> dict[str, Any]:
    """Return the words for the ends of the axes, and a picture of every training sound."""
    decoder = Decoder(path, provider="cpu")
    points = np.array([each.z for each in decoder.info.anchors]).reshape(-1, decoder.info.latent_dim)
    pictures = [picture(each) for each in axes.decode(decoder, points)]
    return {"axes": axes.name(decoder), "pictures": pictures}


if __name__ == "__main__":
    priority.last()
    print(json.dumps(portray(Path(sys.argv[1]))))
