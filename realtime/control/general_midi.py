"""The percussion key map of General MIDI 1: the drum that each MIDI note plays."""

from __future__ import annotations

from dataclasses import dataclass

from realtime.model.names import Names

HATS = 16
"""The choke group of the hi-hats: a closed hat ends the open hat."""


@dataclass(frozen=True)
class Drum:
    """The sound of a note.

    Attributes:
        names: classes (kinds of sounds that a model may have learnt) that can play the drum, the best first;
            a model with none of these classes lacks the drum.
        semitones: pitch relative to the typical sound of the class; notes that share a class differ in pitch.
        choke: choke group, in which a hit ends the earlier hits; 0 means no group.
        grabbed: True if aftertouch ends the sound, as a hand that grabs a cymbal does.
    """

    names: tuple[str, ...]
    semitones: float = 0.0
    choke: int = 0
    grabbed: bool = False

    def of(self, classes: Names) -> str | None:
        """Return the first of `names` that is among a model's classes, in the model's spelling, or None."""
        return next((found for name in self.names if (found := classes.find(name))), None)


_TOM, _PERC = ("tom", "perc"), ("perc", "tom", "rim")
_CYMBAL = ("cymbal", "open hat", "closed hat")


def _cymbal(semitones: float) -> Drum:
    return Drum(_CYMBAL, semitones, grabbed=True)


DRUMS: dict[int, Drum] = {
    **{note: Drum(_PERC) for note in range(54, 82)},
    **{note: Drum(_PERC, 3.0) for note in (60, 65, 67, 71, 76, 78, 80)},  # the higher drum of a pair
    **{note: Drum(_PERC, -3.0) for note in (61, 64, 66, 68, 72, 77, 79, 81)},  # the lower drum of a pair
    35: Drum(("kick",), -2.0),
    36: Drum(("kick",)),
    37: Drum(("rim", "snare")),
    38: Drum(("snare",)),
    39: Drum(("clap", "snare")),
    40: Drum(("snare",), -2.0),  # an electric snare is deeper
    42: Drum(("closed hat", "open hat"), choke=HATS),
    44: Drum(("closed hat", "open hat"), -2.0, choke=HATS),
    46: Drum(("open hat", "closed hat"), choke=HATS, grabbed=True),
    **{note: Drum(_TOM, pitch) for note, pitch in ((41, -4), (43, -3), (45, -1), (47, 1), (48, 3), (50, 5))},
    **{
        note: _cymbal(pitch)
        for note, pitch in ((49, 0), (51, -1), (52, -3), (53, 1), (55, 3), (57, -4), (59, -2))
    },
}
"""MIDI note -> drum."""
