"""Finds the classes of sounds in a folder without sub-folders: by file name and, for hi-hats, by decay."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

HAT, OPEN, CLOSED = "hat", "open hat", "closed hat"
"""Label of a hi-hat whose name does not say whether it is open or closed, and the two classes of hi-hats."""
STATE = "(?:open|closed?|clsd|pedal)"
"""Pattern of the words for the state of a hi-hat, which a name may join to the word for the hi-hat."""
KINDS = (
    ("clap", r"clap|\bsnaps?\b|\bcp\b"),
    ("rim", r"\brims?\b|rim ?shot|side ?stick|\brs\b"),
    (HAT, rf"\b{STATE}?(?:(?:hi ?)?hats?|hh){STATE}?\b|\bhh[oc]\b|\b[oc]hh?\b"),
    ("kick", r"kick|bass ?drum|\bbd\b"),
    ("snare", r"snare|\bsd\b|\bsnr?\b"),
    ("tom", r"\btoms?\b|tom ?tom|\b[lmh]t\b"),
    ("cymbal", r"cymbal|crash|\bride\b|splash|\bchina\b|\bc[yr]\b|\brd\b"),
    (
        "perc",
        r"\bperc|cowbell|shaker|tambourine|conga|bongo|\bclaves?\b|wood ?block|"
        r"maracas|agogo|guiro|triangle|cabasa",
    ),
)
"""Names of classes, each with a pattern for file names; the first pattern that matches decides."""
HATS = ((OPEN, r"open|\bohh?\b|\bhho\b"), (CLOSED, r"close|clsd|pedal|\bchh?\b|\bhhc\b"))
"""Names of the classes of hi-hats, each with a pattern for file names."""
SEVERAL = 2
"""Words that match no pattern are a class if at least this number of file names begin with these words."""
FALL_DB, OPEN_S = 26.0, 0.22
"""A hi-hat is classified as closed if its level falls by FALL_DB within OPEN_S seconds after the peak.

The levels of 95 % of 165 closed hi-hats and of 5 % of 133 open hi-hats fall this fast.
"""
BLOCK_S = 0.01


def classes(stems: Sequence[str], otherwise: str) -> list[str]:
    """Return the class of each file from its name without the suffix.

    If a name contains no known word, but several names begin with the same words before a number, these words
    are the class: `Vox 01` and `Vox 02` have the class `Vox`.

    Args:
        otherwise: the class of files with any other name.
    """
    known = [kind(stem) for stem in stems]
    beginnings = [_beginning(stem) for stem in stems]
    often = Counter(start for start, found in zip(beginnings, known, strict=True) if not found)
    return [
        found or (start if start and often[start] >= SEVERAL else otherwise)
        for found, start in zip(known, beginnings, strict=True)
    ]


def kind(stem: str) -> str:
    """Return the kind of drum that a file name mentions, or ""."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem)
    words = " ".join(re.findall(r"[^\W\d_]+", apart)).lower()
    found = _first(KINDS, words)
    return _first(HATS, words) or found if found == HAT else found


def _first(table: Iterable[tuple[str, str]], words: str) -> str:
    return next((name for name, pattern in table if re.search(pattern, words)), "")


def hat(sound: NDArray[np.float32], sample_rate: int) -> str:
    """Return the class of the sound of a hi-hat [samples], `OPEN` or `CLOSED`, by its decay."""
    block = max(1, round(BLOCK_S * sample_rate))
    power = np.square(sound[: len(sound) // block * block]).reshape(-1, block).mean(1)
    peak = int(power.argmax())
    last = int(np.flatnonzero(power > power[peak] * 10 ** (-FALL_DB / 10))[-1])
    return OPEN if (last - peak) * block / sample_rate > OPEN_S else CLOSED


def _beginning(stem: str) -> str:
    """Return the words before the last number of a name."""
    return re.sub(r"[\W_]*\d+[\W_]*$", "", stem).strip(" _-").casefold()
