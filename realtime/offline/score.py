"""Converts a sequence file to timed commands: `Points` looks up its points, `events` plays its steps.

A point is a position z in the model's latent space. A course is a measured path between two classes, with
steps that sound equal and a gain at each step. A device sample is a sample at the rate of the rendered file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from realtime.model.courses import STRAIGHT, Course, Courses
from realtime.model.expression import Expression
from realtime.model.names import Names
from realtime.model.schema import ModelInfo
from realtime.offline.sequence import Sequence, SequenceError, Spec, Step
from realtime.synth.commands import LEVEL, Command, Gain, Goto, Mode, SetZ, Trigger, Z
from realtime.synth.glide import Glide
from realtime.util.errors import RealtimeError

MAX_EVENTS = 1_000_000
MAX_SECONDS = 24 * 3600.0
MAX_VOICES = 128
"""Maximum number of named voices. Each voice has its own point, which a touch number identifies."""


@dataclass(frozen=True)
class Event:
    """The commands of one step at one device sample.

    Attributes:
        sample: device sample at which the commands take effect.
        commands: commands that take effect together.
        trigger: the hit among `commands`, or None.
        step: index of the step.
        name: name of the step; if it has no name, a label for its point.
        voice: voice of the step; "main" if the step names no voice.
        group: class whose centre is nearest to the step's target or, without a target, to `point`.
        point: z at the start of the event.
    """

    sample: int
    commands: tuple[Command, ...]
    trigger: Trigger | None
    step: int
    name: str
    voice: str
    group: str
    point: Z


class Points:
    """Looks up the points of a sequence, each once.

    Args:
        sequence: sequence whose points are looked up.
        info: description of the model.
        presets: name -> z [D].
        encode: returns the z of a sound file; None if the model has no encoder.
    """

    def __init__(
        self,
        sequence: Sequence,
        info: ModelInfo,
        presets: Mapping[str, Z] | None = None,
        encode: Callable[[Path], Z] | None = None,
    ) -> None:
        self.sequence = sequence
        self.info = info
        self._presets = presets or {}
        self._encode = encode
        self._found: dict[Spec, Z] = {}
        self._centres = np.array([each.centroid for each in info.classes])
        self._classes, self._courses = Names(each.name for each in info.classes), Courses(info)

    def mistakes(self) -> list[str]:
        """Look up all points; return an error message for each that is missing."""
        specs = list(self.sequence.points.values())
        for step in self.sequence.steps:
            specs += [step.spec] if step.spec else []
            specs += [Spec("point", name, table=step.table) for name in step.through]
        missing = [(spec, text) for spec in specs if (text := self._missing(spec))]
        return [f"{self.sequence.path}: {spec.table}: {spec.kind}: {text}" for spec, text in missing]

    def _missing(self, spec: Spec) -> str:
        """Return the reason why a point cannot be found, or ""."""
        try:
            self.z(spec)
        except RealtimeError as error:
            return str(error)
        except RecursionError:
            return "the points refer to each other in a circle"
        return ""

    def z(self, spec: Spec) -> Z:
        """Return the z [D] of a point.

        Raises:
            RealtimeError: the point does not exist.
        """
        if spec not in self._found:
            self._found[spec] = self._look_up(spec)
        return self._found[spec]

    def group(self, z: Z) -> str:
        """Return the class whose centre is nearest to z [D]."""
        distances = np.linalg.norm(self._centres - np.asarray(z), axis=1)
        return self.info.classes[int(distances.argmin())].name

    def _look_up(self, spec: Spec) -> Z:
        match spec.kind:
            case "point" if spec.value in self.sequence.points:
                return self.z(self.sequence.points[spec.value])
            case "point":
                return self.info.point(spec.value)
            case "between":
                a, b = (self.z(Spec("point", name)) for name in spec.value)
                t, _ = self._course(spec).at(spec.t)
                return tuple((1.0 - t) * x + t * y for x, y in zip(a, b, strict=True))
            case "preset":
                if (preset := Names(self._presets).find(spec.value)) is None:
                    names = ", ".join(self._presets) or "none (--presets FILE selects another file)"
                    raise RealtimeError(f"no preset {spec.value!r}; available: {names}")
                return self._sized(self._presets[preset])
            case "wav":
                if self._encode is None:
                    raise RealtimeError("a sound file as a point needs an encoder, which this model lacks")
                return self._sized(self._encode(self.sequence.path.parent / spec.value))
            case "":
                raise RealtimeError  # without a message: the mistake is reported already
            case _:
                return self._sized(spec.value)

    def level_db(self, spec: Spec | None) -> float:
        """Return the gain in dB that a course gives to hits at a point; 0 if the point is on no course."""
        if spec is not None and spec.kind == "point" and spec.value in self.sequence.points:
            return self.level_db(self.sequence.points[spec.value])
        if spec is None or spec.kind != "between":
            return 0.0
        return self._course(spec).at(spec.t)[1]

    def _course(self, spec: Spec) -> Course:
        ends = [self._classes.find(name) for name in spec.value if name not in self.sequence.points]
        if spec.way == "straight" or len(ends) < 2:
            return STRAIGHT
        return self._courses.between(*(name or "" for name in ends))

    def _sized(self, z: Z) -> Z:
        if len(z) != self.info.latent_dim:
            raise RealtimeError(f"z has {len(z)} numbers; the model has {self.info.latent_dim} dimensions")
        return z


@dataclass(frozen=True)
class _Start:
    """One repeat of a step within one loop: its time, and the indices of step, loop and repeat."""

    seconds: float
    index: int
    loop: int
    count: int


def events(sequence: Sequence, points: Points, rate: int) -> Iterator[Event]:
    """Yield the events of a sequence in order of time.

    Raises:
        SequenceError: there are more than `MAX_EVENTS` events, `MAX_VOICES` voices or `MAX_SECONDS` seconds.
    """
    return _Player(sequence, points, rate).events()


def score(sequence: Sequence, sequence_events: Iterable[Event]) -> Iterator[tuple[int, Command]]:
    """Yield (device sample, command) for a mixer: the initial settings, then the commands of the events."""
    yield 0, Mode(sequence.mode)
    yield 0, Gain(sequence.gain)
    for event in sequence_events:
        for command in event.commands:
            yield event.sample, command


class _Player:
    """Plays the steps of a sequence; tracks the point of each voice."""

    def __init__(self, sequence: Sequence, points: Points, rate: int) -> None:
        self.sequence, self.points, self.rate = sequence, points, rate
        info = points.info
        self.home = tuple(info.classes[0].centroid if info.classes else info.latent.mean)
        self.spread = np.array(info.latent.std)
        low, high = np.array(info.latent.low), np.array(info.latent.high)
        self.low, self.high = low - (high - low) / 2, high + (high - low) / 2
        names = dict.fromkeys(step.voice for step in sequence.steps if step.voice)
        if len(names) > MAX_VOICES:
            raise SequenceError([f"{sequence.path}: there are {len(names)} voices, more than {MAX_VOICES}"])
        self.touches: dict[str | None, int | None] = {None: None}
        self.touches |= {name: touch for touch, name in enumerate(names)}
        self.glides: dict[int | None, Glide] = {}
        self.walks: dict[int, Z] = {}
        self.mode = sequence.mode
        self.expression, self.expressed = Expression(info), 0

    def events(self) -> Iterator[Event]:
        for start in self._starts():
            yield self._event(start, self.sequence.steps[start.index])

    def _starts(self) -> list[_Start]:
        sequence, found = self.sequence, []
        total = sequence.loops * sum(step.repeat for step in sequence.steps)
        if total > MAX_EVENTS:
            raise SequenceError([f"{sequence.path}: there are {total} events, more than {MAX_EVENTS}"])
        for loop in range(sequence.loops):
            begin_beat = loop * sequence.length
            begin = sequence.seconds(begin_beat)
            for index, step in enumerate(sequence.steps):
                for count in range(step.repeat):
                    if step.beat is not None:
                        seconds = sequence.seconds(begin_beat + step.beat + count * step.every)
                    else:
                        seconds = begin + (step.time or 0.0) + count * step.every
                    found.append(_Start(seconds, index, loop, count))
        found.sort(key=lambda start: round(start.seconds * self.rate))  # stable: equal times keep their order
        if found[-1].seconds > MAX_SECONDS:
            raise SequenceError([f"{sequence.path}: the sound is longer than {MAX_SECONDS / 3600:g} hours"])
        return found

    def _event(self, start: _Start, step: Step) -> Event:
        sample = round(start.seconds * self.rate)
        touch = self.touches[step.voice]
        new = touch is not None and touch not in self.glides
        glide = self.glides.get(touch) or Glide.at_rest(self.home)
        here: Z = tuple(float(x) for x in glide.at(sample))
        target = self._target(start, step, here)
        commands: list[Command] = []
        mode = step.mode or self.sequence.mode
        if step.hit and mode != self.mode:
            commands.append(Mode(mode))
            self.mode = mode
        jump = None
        glide_ms = self.sequence.glide_ms(step, start.seconds)
        if target is not None and glide_ms:
            if new:
                commands.append(SetZ(here, touch))
            through = tuple(self.points.z(Spec("point", name)) for name in step.through)
            move = Goto(target, glide_ms, step.curve, 0, step.path, through, touch)
            glide = glide.towards(
                target, sample, round(glide_ms * self.rate / 1000), step.curve, step.path, through
            )
            commands.append(move)
        elif target is not None:
            jump, here, glide = target, target, Glide.at_rest(target)
        elif new:
            jump = here
        self.glides[touch] = glide
        trigger = None
        if step.hit:
            level_db = LEVEL.clip(step.trigger.level_db + self.points.level_db(step.spec))
            hit = replace(step.trigger, z=jump, touch=touch, level_db=level_db)
            trigger = self._expressed(hit, here)
            commands.append(trigger)
        elif jump is not None:
            commands.append(SetZ(jump, touch))
        name = step.name or (step.spec.label if step.spec else "step")
        group = self.points.group(target or here)
        return Event(sample, tuple(commands), trigger, start.index, name, step.voice or "main", group, here)

    def _expressed(self, trigger: Trigger, here: Z) -> Trigger:
        """Return a hit whose `offset` in z is set, so that all stems of a mix use the same offset."""
        if not (trigger.dynamics or trigger.vary):
            return trigger
        self.expressed += 1
        settings = trigger.velocity, trigger.dynamics, trigger.vary
        seed = self.sequence.seed, self.expressed
        return replace(trigger, offset=self.expression.offset(here, *settings, seed))

    def _target(self, start: _Start, step: Step, here: Z) -> Z | None:
        """Return the z to which the step moves the point, or None."""
        target = self.points.z(step.spec) if step.spec else None
        if not step.walk:
            return target
        if target is not None and start.count == 0:
            self.walks[start.index] = target
            return target
        origin = here if target is None else self.walks.get(start.index, target)
        seed = self.sequence.seed if step.seed is None else step.seed
        draw = np.random.default_rng([seed, start.index, start.loop, start.count])
        moved = np.array(origin) + step.walk * self.spread * draw.standard_normal(len(origin))
        z = tuple(float(x) for x in np.clip(moved, self.low, self.high))
        self.walks[start.index] = z
        return z
