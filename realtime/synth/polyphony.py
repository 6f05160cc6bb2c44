"""How many voices may sound, and which one ends when there is one too many."""

from __future__ import annotations

from collections.abc import Sequence

from realtime.synth.voice import Voice

EASE_MS = 3000.0  # after a voice was let go, until hits may make them one more again
LEVEL_MS = 10.0  # how far back a voice is listened to when one must go


class Polyphony:
    """Limits the voices that sound.

    Args:
        voices: most voices at once.
        sample_rate: of the device, in Hz.
    """

    def __init__(self, voices: int, sample_rate: int) -> None:
        self._voices = voices
        self._ease = max(1, round(EASE_MS * sample_rate / 1000))
        self._window = max(1, round(LEVEL_MS * sample_rate / 1000))
        self._left, self._since = voices, 0  # voices left when the last one was let go, and when that was

    def full(self, voices: int, position: int) -> bool:
        """Return whether a hit at device sample `position` must take the place of one of `voices` voices."""
        return voices >= min(self._voices, self._left + (position - self._since) // self._ease)

    def shed(self, left: int, position: int) -> None:
        """Note that a voice was let go at device sample `position` because decoding does not keep up.

        `left` voices go on. Hits make them one more after `EASE_MS` each.
        """
        self._left, self._since = left, position

    def victim(self, voices: Sequence[Voice], position: int) -> Voice:
        """Return the quietest voice.

        One that has only just begun goes last; of equals the oldest goes first.
        """
        window = self._window
        return min(voices, key=lambda v: (position - v.start < window, v.level(position, window), v.start))
