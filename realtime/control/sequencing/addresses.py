"""The OSC addresses of the drum sequencer, as rows for the table in `realtime.control.addresses`.

A pattern consists of lanes. A lane is a row of steps that play one sound, or sounds between two named points
of the latent space. A lane without named points plays at the performer's current position.
"""

from __future__ import annotations

from typing import Any

from realtime.control.latent_space import LatentSpace
from realtime.control.pattern import MAX_LANES, MAX_PLACES, MAX_STEPS, ROWS, Pattern
from realtime.control.protocol import REPLY_ITEMS, Address, Argument, number
from realtime.control.requests import (
    AddLane,
    Asked,
    DeletePattern,
    Edit,
    Query,
    RecallPattern,
    StorePattern,
    UndoEdit,
)
from realtime.synth import quantities
from realtime.synth.commands import HIT_SETTINGS, SetBeat, StartSteps, StopSteps
from realtime.synth.quantities import Quantity
from realtime.util.errors import ControlError

_LANE = Argument("i", "int", "the lane, counted from 0", low=0, high=MAX_LANES - 1)
_STEP = Argument("s", "int", "the step, counted from 0", low=0, high=MAX_STEPS - 1)
_MORPH = "position between the lane's points: 0 is the point `from`, 1 the point `to`"
_ENDS = (
    Argument(
        "from",
        "text",
        "a class (its centre), a training sound (anchor) or a preset",
        default="",
        missing="the lane's hits play at the point and follow it",
        names="points",
    ),
    Argument("to", "text", "as for from", default=None, missing="the same as from", names="points"),
)
_NAME = Argument("name", "text", "the pattern's name")


def _ends(space: LatentSpace, start: str, end: str | None) -> tuple[str, str]:
    """Return the model's names for the ends of a lane; both are empty if the lane follows the point."""
    if not start and not end:
        return "", ""
    end = start if end is None else end
    return space.name(start), space.name(end)


def _add(space: LatentSpace, values: tuple[Any, ...]) -> AddLane:
    return AddLane(*_ends(space, *values))


def _sound(space: LatentSpace, values: tuple[Any, ...]) -> Edit:
    lane, *names = values
    start, end = _ends(space, *names)
    return Edit(lambda pattern: pattern.with_setting(lane, start=start, end=end))


def _step(space: LatentSpace, values: tuple[Any, ...]) -> Edit:
    lane, step, velocity, morph = values

    def change(pattern: Pattern) -> Pattern:
        changed = pattern.with_value(lane, "velocities", step, velocity)
        return changed if morph is None else changed.with_value(lane, "morphs", step, morph)

    return Edit(change)


def _morph(space: LatentSpace, values: tuple[Any, ...]) -> Edit:
    lane, step, morph = values
    return Edit(lambda pattern: pattern.with_value(lane, "morphs", step, morph))


def _path(space: LatentSpace, values: tuple[Any, ...]) -> Edit:
    given = values[0] or ()
    if len(given) % 2 or len(given) > 2 * MAX_PLACES:
        raise ControlError(f"takes x and y of up to {MAX_PLACES} positions; got {len(given)} numbers")
    if given and not len(space.map):
        raise ControlError("this model has no map: it contains no training sounds")
    path = tuple(zip(given[::2], given[1::2], strict=True))
    return Edit(lambda pattern: pattern.with_field("path", path))


def _pattern_field(field: str) -> Any:
    """Return a function that makes the request to set a field of the pattern."""
    return lambda space, values: Edit(lambda pattern: pattern.with_field(field, values[0]))


def _setting(
    name: str, summary: str, argument: str, quantity: Quantity, meaning: str
) -> Address[LatentSpace, Asked]:
    return Address(
        f"/morph/seq/lane/<i>/{name}",
        summary,
        lambda space, values: Edit(lambda pattern: pattern.with_setting(values[0], **{name: values[1]})),
        (number(argument, quantity, meaning),),
        placeholders=(_LANE,),
    )


def _row(name: str, summary: str, meaning: str) -> Address[LatentSpace, Asked]:
    return Address(
        f"/morph/seq/lane/<i>/{name}",
        summary,
        lambda space, values: Edit(lambda pattern: pattern.with_row(values[0], name, values[1])),
        (number(name, ROWS[name], meaning, many=True),),
        placeholders=(_LANE,),
    )


SEQUENCER: tuple[Address[LatentSpace, Asked], ...] = (
    Address(
        "/morph/seq/start",
        "Play the sequencer's pattern from its first step, in a loop.",
        lambda space, values: StartSteps(),
    ),
    Address(
        "/morph/seq/stop",
        "Stop the sequencer; sounding hits play to their end.",
        lambda space, values: StopSteps(),
    ),
    Address(
        "/morph/seq/tempo",
        "Set the tempo, beginning with the next step. A step is a quarter of a beat.",
        _pattern_field("tempo"),
        (number("bpm", quantities.TEMPO_BPM, "rounded to 0.001"),),
    ),
    Address(
        "/morph/seq/beat",
        "Follow the beat of another program: send its position and tempo, valid now or at the time tag, at "
        "least every two seconds. Beat 0 is the first step of the pattern.",
        lambda space, values: SetBeat(*values),
        (
            number("beat", quantities.BEAT, "position"),
            number("bpm", quantities.TEMPO_BPM, "tempo"),
        ),
    ),
    Address(
        "/morph/seq/swing",
        "Set the swing, beginning with the next pair of steps.",
        _pattern_field("swing"),
        (
            number(
                "swing",
                quantities.SWING,
                "first step as a percentage of its pair, rounded to 0.1: 50 is straight, 66.7 is triplets",
            ),
        ),
    ),
    Address(
        "/morph/seq/steps",
        "Set the number of steps in the loop. Steps beyond its end are kept, in case the loop gets longer.",
        _pattern_field("steps"),
        (number("steps", quantities.STEPS, "16 make a bar of four beats"),),
    ),
    Address(
        "/morph/seq/path",
        "Move the point along a path on the map during each loop. Without arguments, the point is not moved.",
        _path,
        (
            number(
                "places",
                quantities.FRACTION,
                f"x y x y …, up to {MAX_PLACES} positions, with equal time between neighbours",
                many=True,
                default=None,
                missing="no path",
            ),
        ),
    ),
    Address(
        "/morph/seq/add",
        "Append a lane that plays a sound, or the sounds between two points.",
        _add,
        _ENDS,
        "`/morph/done /morph/seq/add i`",
    ),
    Address(
        "/morph/seq/clear",
        "Remove all lanes.",
        lambda space, values: Edit(lambda pattern: pattern.with_field("lanes", ())),
    ),
    Address("/morph/seq/undo", "Undo the latest edit of the pattern.", lambda p, v: UndoEdit()),
    Address("/morph/seq/redo", "Reverse the latest `/morph/seq/undo`.", lambda p, v: UndoEdit(again=True)),
    Address(
        "/morph/seq/lane/<i>/remove",
        "Remove a lane; the lanes after it move up.",
        lambda space, values: Edit(lambda pattern: pattern.without_lane(values[0])),
        placeholders=(_LANE,),
    ),
    Address("/morph/seq/lane/<i>/sound", "Set the sounds of a lane.", _sound, _ENDS, placeholders=(_LANE,)),
    Address(
        "/morph/seq/lane/<i>/step/<s>",
        "Set a step of a lane.",
        _step,
        (
            number("velocity", quantities.VELOCITY, "amplitude; 0 is no hit"),
            number("morph", quantities.FRACTION, _MORPH, default=None, missing="unchanged"),
        ),
        placeholders=(_LANE, _STEP),
    ),
    Address(
        "/morph/seq/lane/<i>/morph/<s>",
        "Set a lane's morph at one step.",
        _morph,
        (number("morph", quantities.FRACTION, _MORPH),),
        placeholders=(_LANE, _STEP),
    ),
    _row(
        "velocities",
        "Set the velocities of a lane, beginning with the first step; the remaining steps get 0.",
        "amplitude; 0 is no hit",
    ),
    _row(
        "morphs",
        "Set the morphs of a lane, beginning with the first step; the remaining steps get 0.",
        _MORPH,
    ),
    _setting("mute", "Silence a lane.", "mute", quantities.SWITCH, "1 is silent"),
    *(
        _setting(
            row.name, row.effect.format(hits="the hits of a lane"), row.argument, row.quantity, row.meaning
        )
        for row in HIT_SETTINGS.values()
    ),
    Address(
        "/morph/seq/store",
        "Store the pattern, with tempo and swing, in the preset file.",
        lambda space, values: StorePattern(*values),
        (_NAME,),
        "`/morph/done /morph/seq/store name`",
    ),
    Address(
        "/morph/seq/recall",
        "Load a stored pattern; a playing sequencer continues with the next step of this pattern.",
        lambda space, values: RecallPattern(*values),
        (_NAME,),
    ),
    Address(
        "/morph/seq/delete",
        "Delete a stored pattern.",
        lambda space, values: DeletePattern(*values),
        (_NAME,),
        "`/morph/done /morph/seq/delete name`",
    ),
)

PATTERN_QUESTIONS: tuple[Address[LatentSpace, Asked], ...] = (
    Address(
        "/morph/get/seq",
        "Give the pattern and the state of the sequencer.",
        lambda space, values: Query("seq"),
        reply="`/morph/seq.reply` key value …: revision, playing, tempo, swing, steps, lanes, path (its "
        "number of points), pattern (its name, empty after an edit), undo and redo (1 if possible); then for "
        f"each lane `/morph/seq/lane.reply` i key value …: from, to, mute, {', '.join(HIT_SETTINGS)}, "
        "missing (the name of a deleted point), and last `steps` velocity morph velocity morph …; then, if "
        "there is a path, `/morph/seq/path.reply` x y x y …",
    ),
    Address(
        "/morph/get/patterns",
        "List the stored patterns.",
        lambda space, values: Query("patterns"),
        reply=f"`/morph/patterns.reply` name …, at most {REPLY_ITEMS} a message",
    ),
)
