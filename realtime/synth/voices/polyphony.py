"""The limit of polyphony, and the choice of the voice that a new hit replaces."""

from __future__ import annotations

from collections.abc import Sequence

from realtime.synth.voices.voice import Voice

EASE_MS = 3000.0  # time in which a lowered limit rises by one voice
LEVEL_MS = 10.0  # window over which the levels of voices are compared


class Polyphony:
    """Limits the number of voices that sound.

    Args:
        voices: maximum number of voices at once.
        sample_rate: device sample rate in Hz.
    """

    def __init__(self, voices: int, sample_rate: int) -> None:
        self._voices = voices
        self._ease = max(1, round(EASE_MS * sample_rate / 1000))
        self._window = max(1, round(LEVEL_MS * sample_rate / 1000))
        self._left, self._since = voices, 0  # arguments of the latest `shed`

    def full(self, voices: int, position: int) -> bool:
        """Return True if a hit at device sample `position` must replace one of `voices` voices."""
        return voices >= min(self._voices, self._left + (position - self._since) // self._ease)

    def shed(self, left: int, position: int) -> None:
        """Lower the limit to `left` voices at device sample `position`, because decoding cannot keep up.

        The limit then rises by one voice every `EASE_MS`.
        """
        self._left, self._since = left, position

    def victim(self, voices: Sequence[Voice], position: int) -> Voice:
        """Return the quietest voice.

        A voice younger than `LEVEL_MS` is returned only if all voices are that young. Of equally loud voices,
        the oldest is returned.
        """
        window = self._window
        return min(voices, key=lambda v: (position - v.start < window, v.level(position, window), v.start))
