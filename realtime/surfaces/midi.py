"""Converts MIDI messages to OSC messages by the rules of a MIDI map, without ports or a clock.

A controller for MIDI Polyphonic Expression (MPE) sends the messages of each finger on a channel of its own.
Pickup means that a knob has no effect until it passes the current value, to prevent a jump of the value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import mido

from realtime.control.general_midi import DRUMS
from realtime.control.protocol import Message
from realtime.surfaces.midi_map import CURVES, FINGER, Knob, MapError, MidiMap, Mpe, Notes, Program

TIMBRE = 74  # controller number of MPE's third dimension
PANIC = (120, 123)  # controller numbers: all sound off, all notes off
GRABBED = 64  # lowest aftertouch that ends the sound of a cymbal, like a hand that grabs the cymbal
FRESH_S = 0.5  # time after a knob's move during which the server's value is ignored


@dataclass
class _Held:
    """The known state of a value that one or more knobs set."""

    value: float | None = None  # the current value, if known
    sent_s: float = float("-inf")


@dataclass
class _Finger:
    """The state of a finger on an MPE controller, each dimension 0..1."""

    bend: float = 0.5
    timbre: float = 0.5
    pressure: float = 0.0
    note: float = 60 / 127
    velocity: float = 0.0
    down: bool = False


class Mapper:
    """Converts MIDI messages to OSC messages. Keeps only the state of knobs, fingers and channel pressures.

    Args:
        midi_map: the rules.
    """

    def __init__(self, midi_map: MidiMap) -> None:
        self.map = midi_map
        self._held: dict[tuple[str, tuple[float | str, ...], str], _Held] = {}
        self._at: dict[Knob, float] = {}  # latest position of the knob, in the target's units
        self._picked_up: set[Knob] = set()
        self._coarse: dict[tuple[int, int], int] = {}
        self._pressures: dict[int, int] = {}  # latest channel pressure
        self._fingers = {c: _Finger() for c in range(1, 17) if midi_map.mpe and midi_map.mpe.has(c)}
        self._chokes = any(rule.choke for rule in midi_map.notes)

    def feed(self, message: mido.Message, now: float) -> tuple[Message, ...]:
        """Convert a MIDI message to OSC messages that take effect together; none if no rule matches.

        Args:
            message: a message of any type.
            now: monotonic time in seconds.
        """
        if not hasattr(message, "channel"):
            return ()
        channel = message.channel + 1
        if message.type == "control_change" and message.control in PANIC:
            return (Message("/morph/stop"),)
        if (mpe := self.map.mpe) and channel in self._fingers:
            moved = self._finger(mpe, channel, message)
            if moved is not None:
                return moved
        match message.type:
            case "note_on" if message.velocity:
                return self._note(channel, message.note, message.velocity)
            case "polytouch" if message.value >= GRABBED:
                return self._grab(channel, message.note)
            case "aftertouch" if not self._has_pressure_knob(channel):
                return self._grab_all(channel, message.value)
            case "program_change":
                return self._program(channel, message.program)
            case "control_change" | "pitchwheel" | "aftertouch":
                return tuple(self._knobs(channel, message, now))
        return ()

    # ---- notes and programs

    def _note(self, channel: int, note: int, velocity: int) -> tuple[Message, ...]:
        rule = self._rule(channel, note)
        if rule is None:
            return ()
        choke = (Message("/morph/choke", (rule.choke,)),) if self._chokes else ()
        return (*choke, _hit(rule, note, velocity))

    def _grab(self, channel: int, note: int) -> tuple[Message, ...]:
        """End the sound of a cymbal that a hand grabs."""
        rule, drum = self._rule(channel, note), DRUMS.get(note)
        grabbed = rule is not None and rule.target == "/morph/drum" and drum is not None and drum.grabbed
        return (Message(f"/morph/touch/{note}/stop"),) if grabbed else ()

    def _grab_all(self, channel: int, pressure: int) -> tuple[Message, ...]:
        """End the sounds of all cymbals of a channel when its pressure rises to `GRABBED`."""
        before, self._pressures[channel] = self._pressures.get(channel, 0), pressure
        if not before < GRABBED <= pressure:
            return ()
        return tuple(each for note in DRUMS for each in self._grab(channel, note))

    def _has_pressure_knob(self, channel: int) -> bool:
        knobs = self.map.knobs
        return any(knob.source == "pressure" and knob.channel in (0, channel) for knob in knobs)

    def _rule(self, channel: int, note: int) -> Notes | None:
        rules = (r for r in self.map.notes if r.channel in (0, channel) and r.low <= note <= r.high)
        return next(rules, None)

    def _program(self, channel: int, number: int) -> tuple[Message, ...]:
        for rule in self.map.programs:
            if rule.channel in (0, channel) and rule.number == number:
                ms = () if rule.ms < 0.0 else (rule.ms,)
                return (Message("/morph/preset/recall", (rule.preset, *ms)),)
        return ()

    # ---- knobs

    def _knobs(self, channel: int, message: mido.Message, now: float) -> Iterator[Message]:
        """Yield at most one message, for the first knob that matches."""
        for knob in self.map.knobs:
            if knob.channel not in (0, channel):
                continue
            share = self._share(knob, channel, message)
            if share is not None:
                if share >= 0.0:
                    yield from self._turn(knob, knob.low + share * (knob.high - knob.low), now)
                return

    def _share(self, knob: Knob, channel: int, message: mido.Message) -> float | None:
        """Return the knob's new position, 0..1; -1 if half the value is missing; None for other messages."""
        match knob.source, message.type:
            case "bend", "pitchwheel":
                return _bend(message.pitch)
            case "pressure", "aftertouch":
                return float(message.value / 127)
            case "cc", "control_change" if knob.bits == 7 and message.control == knob.cc:
                return float(message.value / 127)
            case "cc", "control_change" if knob.bits == 14 and message.control == knob.cc:
                self._coarse[channel, knob.cc] = message.value
                return -1.0  # the fine half follows
            case "cc", "control_change" if knob.bits == 14 and message.control == knob.cc + 32:
                coarse = self._coarse.get((channel, knob.cc))
                return -1.0 if coarse is None else (coarse * 128 + message.value) / 16_383
        return None

    def _turn(self, knob: Knob, value: float, now: float) -> Iterator[Message]:
        held = self._held.setdefault(_key(knob), _Held())
        before = self._at.get(knob)
        self._at[knob] = value
        if knob.pickup and knob.source == "cc" and knob not in self._picked_up:
            if held.value is None and _is_reported(knob):
                return  # the server has not reported the value yet
            held_at = value if held.value is None else held.value
            step = abs(knob.high - knob.low) / (16_383 if knob.bits == 14 else 127)
            near = abs(value - held_at) <= 0.5 * step * (1 + 1e-9)
            passed = before is not None and (before - held_at) * (value - held_at) <= 0.0
            if not (near or passed):
                return
        self._release(_key(knob))
        self._picked_up.add(knob)
        held.value, held.sent_s = value, now
        yield Message(knob.target, knob.fill(value, self._others(knob)))

    def _others(self, knob: Knob) -> Sequence[float | str]:
        """Return the other arguments of the knob's address, with current values for those that knobs set."""
        if not knob.argument:
            return knob.arguments
        names = [a.name for a in knob.arguments_of_target() if a.name != knob.argument]
        others = list(knob.arguments)
        for at, name in enumerate(names[: len(others)]):
            for held, each in ((self._held.get(_key(k)), k) for k in self.map.knobs):
                if held and held.value is not None and (each.target, each.argument) == (knob.target, name):
                    others[at] = held.value
        return others

    def _release(self, key: tuple[str, tuple[float | str, ...], str]) -> None:
        self._picked_up = {knob for knob in self._picked_up if _key(knob) != key}

    # ---- replies from the server

    @property
    def questions(self) -> tuple[Message, ...]:
        """The questions whose replies `receive` needs for pickup."""
        waiting = {k.target.rpartition("/")[0] for k in self.map.knobs if k.pickup and k.source == "cc"}
        gain = any(k.target == "/morph/gain" and k.pickup for k in self.map.knobs)
        wanted = {
            "/morph/get/z": "/morph/z" in waiting,
            "/morph/get/macros": "/morph/macro" in waiting,
            "/morph/get/status": gain,
        }
        return tuple(Message(address) for address, asked in wanted.items() if asked)

    def receive(self, answer: Message, now: float) -> None:
        """Update the current values of the knobs' targets from a reply by the server."""
        match answer.address:
            case "/morph/z.reply":
                self._learn("/morph/z", answer.arguments, now)
            case "/morph/macros.reply":
                self._learn("/morph/macro", answer.arguments, now)
            case "/morph/status.reply":
                facts = dict(zip(answer.arguments[::2], answer.arguments[1::2], strict=False))
                if "gain_db" in facts:
                    self._found("/morph/gain", facts["gain_db"], now)

    def _learn(self, target: str, values: Sequence[float], now: float) -> None:
        for index, value in enumerate(values):
            self._found(f"{target}/{index}", value, now)

    def _found(self, target: str, value: float, now: float) -> None:
        for knob in self.map.knobs:
            if knob.target != target:
                continue
            held = self._held.setdefault(_key(knob), _Held())
            if now - held.sent_s < FRESH_S:
                continue
            if held.value is None or abs(held.value - value) > 1e-3 * abs(knob.high - knob.low):
                held.value = value
                self._release(_key(knob))

    # ---- fingers on an MPE controller

    def _finger(self, mpe: Mpe, channel: int, message: mido.Message) -> tuple[Message, ...] | None:
        """Convert a message about a finger; return None for messages of other kinds."""
        finger, touch = self._fingers[channel], f"/morph/touch/{channel}"
        source = ""
        match message.type:
            case "note_on" if message.velocity:
                finger.note, finger.velocity, finger.down = message.note / 127, message.velocity / 127, True
                choke = (Message("/morph/choke", (0,)),) if self._chokes else ()
                note = Message(f"{touch}/note", (message.note, message.velocity))
                return (*choke, self._place(mpe, channel), note)
            case "note_on" | "note_off":
                down, finger.down = finger.down, False
                return (Message(f"{touch}/stop"),) if down and mpe.release == "stop" else ()
            case "pitchwheel":
                source, finger.bend = "bend", _bend(message.pitch)
            case "aftertouch":
                source, finger.pressure = "pressure", message.value / 127
            case "control_change" if message.control == TIMBRE:
                source, finger.timbre = "timbre", message.value / 127
            case _:
                return None
        if not finger.down:
            return ()
        if source in (mpe.x, mpe.y):
            return (self._place(mpe, channel),)
        # pressure below the velocity of the strike does not change the sound
        pressed = Message(f"{touch}/pressure", (max(finger.velocity, finger.pressure),))
        return (pressed,) if source == "pressure" else ()

    def _place(self, mpe: Mpe, channel: int) -> Message:
        finger = self._fingers[channel]
        where = {name: float(getattr(finger, name)) for name in FINGER}
        return Message(f"/morph/touch/{channel}/xy", (where[mpe.x], where[mpe.y]))


def _key(knob: Knob) -> tuple[str, tuple[float | str, ...], str]:
    return knob.target, () if knob.argument else knob.arguments, knob.argument


def _is_reported(knob: Knob) -> bool:
    """Return True if the server reports the value that a knob sets."""
    return knob.target == "/morph/gain" or knob.target.rpartition("/")[0] in ("/morph/z", "/morph/macro")


def _hit(rule: Notes, note: int, velocity: int) -> Message:
    share = (velocity / 127) ** CURVES[rule.curve]
    if rule.target == "/morph/trigger":
        return Message(rule.target, (share, *((rule.name,) if rule.name else ())))
    return Message(rule.target, (note, max(1, round(127 * share))))


def _bend(pitch: int) -> float:
    """Convert a pitch bend of -8192..8191 to 0..1, with its middle at exactly 0.5."""
    return 0.5 + pitch / (16_384 if pitch < 0 else 16_382)


# ---- MIDI learn


def learn(midi_map: MidiMap, moved: Sequence[mido.Message], target: str) -> MidiMap:
    """Return the map with a new rule for a moved control; the rule replaces earlier rules for that control.

    Args:
        midi_map: the map so far.
        moved: the controller's messages, at least one.
        target: for a knob, an address and its fixed arguments, such as "/morph/z/0" or "/morph/between kick
            snare". For a note, an address such as "trigger kick" or "note". The leading "/morph/" may be left
            out. For a program change, the name of a preset, which a glide time in ms may follow.

    Raises:
        MapError: no message can be learnt, or the target does not fit.
    """
    words = target.split()
    if not words:
        raise MapError("no target; examples: z/0, macro/1, between kick snare, trigger kick, gain")
    address = words[0] if words[0].startswith("/") else f"/morph/{words[0]}"
    first = next((m for m in moved if can_learn(m)), None)
    if first is None:
        raise MapError("nothing to learn; move a knob, play a note or change the program")
    channel = first.channel + 1
    match first.type:
        case "note_on":
            notes = Notes(address, channel, first.note, first.note, " ".join(words[1:]))
            same = channel, first.note, first.note
            kept = tuple(n for n in midi_map.notes if (n.channel, n.low, n.high) != same)
            return replace(midi_map, notes=(notes, *kept))
        case "program_change":
            has_ms = len(words) > 1 and words[-1].replace(".", "", 1).isdigit()
            name = " ".join(words[:-1] if has_ms else words)
            program = Program(first.program, name, float(words[-1]) if has_ms else -1.0, channel)
            others = (p for p in midi_map.programs if (p.channel, p.number) != (channel, first.program))
            return replace(midi_map, programs=(program, *others))
    knob = _learn_knob(first, moved, address, words[1:])
    mine = knob.source, knob.channel, knob.cc
    rest = tuple(k for k in midi_map.knobs if (k.source, k.channel, k.cc) != mine)
    return replace(midi_map, knobs=(knob, *rest))


LEARNT = ("note_on", "program_change", "control_change", "pitchwheel", "aftertouch")


def _learn_knob(first: mido.Message, moved: Sequence[mido.Message], address: str, words: list[str]) -> Knob:
    arguments = tuple(_word(word) for word in words)
    channel = first.channel + 1
    if first.type != "control_change":
        source = "bend" if first.type == "pitchwheel" else "pressure"
        return Knob(address, source=source, channel=channel, arguments=arguments)
    seen = {m.control for m in moved if m.type == "control_change" and m.channel == first.channel}
    coarse = first.control - 32 if 32 <= first.control < 64 else first.control
    fine = coarse < 32 and {coarse, coarse + 32} <= seen
    cc = coarse if fine else first.control
    return Knob(address, cc=cc, channel=channel, bits=14 if fine else 7, arguments=arguments)


def can_learn(message: mido.Message) -> bool:
    """Return True if a rule can be made for a message; note-offs and notes of velocity 0 are excluded."""
    return message.type in LEARNT and (message.type != "note_on" or message.velocity > 0)


def _word(word: str) -> float | str:
    try:
        return float(word)
    except ValueError:
        return word
