"""The settings for new hits, and the default glide of the performer's position in the latent space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

from realtime.control.requests import ChangeSetting, Hit, Move
from realtime.control.state.schedule import Schedule
from realtime.synth.commands import PITCH, PLAIN, Command, Goto, SetZ, Trigger
from realtime.synth.quantities import TRAVEL_MS

MAX_LATER = 1024  # maximum number of scheduled changes


@dataclass(frozen=True)
class Travel:
    """The shape of a glide to a new point in the latent space.

    Attributes:
        length: duration, in beats if `in_beats` is True, otherwise in milliseconds.
        curve: a key of `glide.CURVES`.
        path: a key of `glide.PATHS`.
    """

    length: float = 0.0
    curve: str = "linear"
    path: str = "linear"
    in_beats: bool = False

    def ms(self, bpm: float) -> float:
        """Return the duration of the glide in ms at tempo `bpm`, in beats per minute."""
        return duration_ms(self.length, bpm) if self.in_beats else self.length

    @property
    def beats(self) -> float:
        """The duration in beats; 0 if it is given in milliseconds."""
        return self.length if self.in_beats else 0.0


def duration_ms(beats: float, bpm: float) -> float:
    """Return the duration of a number of beats in ms, at most the maximum duration of a glide."""
    return TRAVEL_MS.clip(60_000.0 * beats / bpm)


@dataclass(frozen=True)
class Settings:
    """Settings for new hits, and the default glide.

    Attributes:
        hit: template of new hits, which determines their settings, such as pan.
        travel: the default glide.
    """

    hit: Trigger = PLAIN
    travel: Travel = Travel()

    def changed(self, change: ChangeSetting) -> Settings:
        """Return a copy with one setting changed."""
        if change.name == "travel":
            return replace(self, travel=change.value)
        return replace(self, hit=self.hit.with_settings({change.name: change.value}))

    def trigger(self, hit: Hit) -> Trigger:
        """Return the command that plays a hit with these settings."""
        pitch = PITCH.clip(self.hit.pitch + hit.semitones)
        choke = hit.choke or self.hit.choke
        return replace(self.hit, velocity=hit.velocity, z=hit.z, touch=hit.touch, pitch=pitch, choke=choke)

    def move(self, move: Move, bpm: float) -> Command:
        """Return the command that makes a move with the default glide, at tempo `bpm` in beats per minute."""
        ms = self.travel.ms(bpm)
        if ms == 0.0:
            return SetZ(move.z, move.touch)
        return Goto(move.z, ms, self.travel.curve, path=self.travel.path, touch=move.touch)


class SettingsSchedule:
    """The current settings, and scheduled changes of settings."""

    def __init__(self) -> None:
        self._now = Settings()
        self._later: Schedule[ChangeSetting] = Schedule(MAX_LATER)

    def set(self, setting: ChangeSetting, due: float | None) -> bool:
        """Change a setting at monotonic time `due`, or now if None; return False if the schedule is full."""
        if due is None:
            self._now = self._now.changed(setting)
            return True
        return self._later.add(due, setting)

    def at(self, due: float | None, now: float) -> Settings:
        """Return the settings in force at monotonic time `due`, or now if None."""
        for _, setting in self._later.take(now):
            self.set(setting, None)
        later = [] if due is None else self._later.until(due)
        return reduce(Settings.changed, later, self._now)

    def forget(self) -> None:
        """Drop the scheduled settings."""
        self._later.forget()
