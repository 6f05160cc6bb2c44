"""The table of OSC addresses and their arguments, from which `make docs` also writes `docs/osc.md`.

"The point" here means the current z, the position in the model's latent space that the performer moves. A
touch, such as a finger or a track, has a point of its own. A hit is a request to play a sound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from realtime.control.latent_space import LatentSpace
from realtime.control.protocol import REPLY_ITEMS, Address, Argument, Message, Table
from realtime.control.protocol import number as _number
from realtime.control.requests import (
    Adopt,
    Asked,
    BeginTake,
    ChangeSetting,
    Delete,
    Encode,
    EndTake,
    Hit,
    InBeats,
    Load,
    Move,
    Nothing,
    Query,
    ReplyTo,
    SetParameter,
    Store,
    Subscribe,
    Undo,
)
from realtime.control.sequencing.addresses import PATTERN_QUESTIONS, SEQUENCER
from realtime.control.state.settings import Travel
from realtime.model.courses import WAYS
from realtime.synth import quantities
from realtime.synth.commands import (
    HIT_SETTINGS,
    MODES,
    PITCH,
    Gain,
    Goto,
    HitSetting,
    Mode,
    Panic,
    Press,
    SetDimension,
    Stop,
    most_through,
)
from realtime.synth.glide import CURVES
from realtime.util.errors import ControlError

HORIZON_S = 60.0  # maximum time from now to a time tag
PATHS = ("linear", "spherical")
DEFAULT_INTERVAL_MS = 200.0
MIDDLE_C = 60  # the MIDI note that plays a sound at its trained pitch

# ---- functions that turn checked arguments into requests; the number of a touch, if any, comes first


def _split_touch(values: tuple[Any, ...], count: int) -> tuple[int | None, tuple[Any, ...]]:
    """Return the touch's number, or None if there are only `count` values, and the `count` arguments."""
    return (None, values) if len(values) == count else (values[0], values[1:])


def _z(space: LatentSpace, values: tuple[Any, ...]) -> Move:
    """Move to z, given as one number for each dimension."""
    touch, (z,) = _split_touch(values, 1)
    dim = space.info.latent_dim
    if len(z) != dim:
        raise ControlError(f"takes {dim} numbers, one for each dimension of z; got {len(z)}")
    return Move(z, touch)


def _dimension(space: LatentSpace, values: tuple[Any, ...]) -> SetDimension:
    """Set one dimension of z."""
    index, value = values
    dim = space.info.latent_dim
    if index >= dim:
        raise ControlError(f"dimension is {index}, not 0 to {dim - 1}")
    return SetDimension(index, value)


def _xy(space: LatentSpace, values: tuple[Any, ...]) -> Move:
    """Move to a position on the map."""
    touch, (x, y) = _split_touch(values, 2)
    return Move(space.at(x, y), touch)


def _between(space: LatentSpace, values: tuple[Any, ...]) -> Move:
    """Move to a point between two named points."""
    z, level_db = space.between(*values)
    return Move(z, level_db=level_db)


def _weights(space: LatentSpace, values: tuple[Any, ...]) -> Move:
    """Move to a weighted mean of classes or named points."""
    touch, (words,) = _split_touch(values, 1)
    return Move(space.blend(words), touch)


def _goto(space: LatentSpace, values: tuple[Any, ...]) -> Goto:
    """Glide to a named point."""
    name, ms, curve, path = values
    return Goto(space.point(name), ms, curve, path=path)


def _path(space: LatentSpace, values: tuple[Any, ...]) -> Goto:
    """Glide through named points."""
    ms, names = values
    if len(names) - 1 > (most := most_through(space.info.latent_dim)):
        raise ControlError(f"takes up to {most + 1} names; got {len(names)}")
    *through, z = (space.point(name) for name in names)
    return Goto(z, ms, path="spline", through=tuple(through))


def _in_beats(read: Callable[[LatentSpace, tuple[Any, ...]], Goto]) -> Callable[..., InBeats]:
    """Return a function like `read` that takes the duration of the glide in beats instead of ms."""

    def glide(space: LatentSpace, values: tuple[Any, ...]) -> InBeats:
        goto = read(space, values)
        return InBeats(goto, goto.ms)

    return glide


def _trigger(space: LatentSpace, values: tuple[Any, ...]) -> Hit:
    """Play a hit at the named point or, without a name, at the current point."""
    touch, (velocity, name) = _split_touch(values, 2)
    return Hit(velocity, None if name is None else space.point(name), touch)


def _note(space: LatentSpace, values: tuple[Any, ...]) -> Hit | Nothing:
    """Play a hit at the pitch of a MIDI note."""
    touch, (pitch, velocity) = _split_touch(values, 2)
    if velocity == 0:
        return Nothing()
    return Hit(velocity / 127.0, None, touch, semitones=float(pitch - MIDDLE_C))


def _drum(space: LatentSpace, values: tuple[Any, ...]) -> Hit | Nothing:
    """Play the drum of a General MIDI note; if the model lacks this drum, play at the note's pitch."""
    note, velocity = values
    if velocity == 0:
        return Nothing()
    if (found := space.drum(note)) is None:
        return _note(space, (note, velocity))
    z, drum = found
    return Hit(velocity / 127.0, z, note, drum.semitones, drum.choke)


def _recall(space: LatentSpace, values: tuple[Any, ...]) -> Goto | Move:
    """Move to a preset: glide for `ms` if that is given, otherwise use the default glide."""
    name, ms = values
    z = space.preset(name)
    return Move(z) if ms is None else Goto(z, ms)


# ---- arguments shared by several addresses

_NAME = "a class (its centre), a training sound (anchor) or a preset"


_Z = _number("z", quantities.COORDINATE, "one number for each dimension", many=True)
_COORDINATE = _number("value", quantities.COORDINATE, "the coordinate")
_XY = (
    _number("x", quantities.FRACTION, "0 is left, 1 is right"),
    _number("y", quantities.FRACTION, "0 is the bottom, 1 is the top"),
)
_WEIGHTS = Argument(
    "weights",
    "any",
    "one weight for each class, in order; or name weight name weight …",
    low=0.0,
    high=1e6,
    many=True,
)
_MS = _number("ms", quantities.TRAVEL_MS, "duration; 0 jumps")
_BEATS = _number("beats", quantities.TRAVEL_BEATS, "duration; 0 jumps")
_CURVE = Argument("curve", "text", "speed over time", choices=tuple(CURVES), default="linear")
_PATH = Argument("path", "text", "route through the latent space", choices=PATHS, default="linear")
_VELOCITY = _number("velocity", quantities.VELOCITY, "amplitude", default=quantities.VELOCITY.default)
_START = Argument("name", "text", _NAME, default=None, missing="the point stays", names="points")
_NOTE = (
    _number("pitch", quantities.MIDI_DATA, f"MIDI note; {MIDDLE_C} plays at the trained pitch"),
    _number("velocity", quantities.MIDI_DATA, "MIDI velocity; 0 is ignored"),
)
_TOUCH = _number("i", quantities.TOUCH, "the touch: a number for a finger or a track")
_INDEX = Argument("i", "int", "index, counted from 0", low=0, high=10**9)
_PRESET = Argument("name", "text", "the preset", names="presets")
_PORT = Argument("port", "int", "a UDP port on the sender's machine", low=1, high=65_535)


def _setting(row: HitSetting) -> Address[LatentSpace, Asked]:
    def change(space: LatentSpace, values: tuple[Any, ...]) -> ChangeSetting:
        if values[0] and (reason := space.lacks(row.name)):
            raise ControlError(reason)
        return ChangeSetting(row.name, values[0])

    return Address(
        f"/morph/{row.name}",
        row.effect.format(hits="new hits"),
        change,
        (_number(row.argument, row.quantity, row.meaning),),
    )


def _query(what: str, summary: str, reply: str) -> Address[LatentSpace, Asked]:
    return Address(f"/morph/get/{what}", summary, lambda space, values: Query(what), reply=reply)


ADDRESSES: tuple[Address[LatentSpace, Asked], ...] = (
    # the point
    Address("/morph/z", "Move the point to these coordinates.", _z, (_Z,)),
    Address(
        "/morph/z/<i>",
        "Set one coordinate of the point, without a glide; the other coordinates stay.",
        _dimension,
        (_COORDINATE,),
        placeholders=(_INDEX,),
    ),
    Address("/morph/xy", "Move the point to a position on the map of the training sounds.", _xy, _XY),
    Address(
        "/morph/weights",
        "Move the point to a weighted mean of class centres or named points.",
        _weights,
        (_WEIGHTS,),
    ),
    Address(
        "/morph/between",
        "Move the point onto the straight line between two named points. Between classes whose course was "
        "measured (`trainer export --courses`), as in the bundled drums, the point moves in steps that sound "
        "equal, and the loudness of hits is evened out.",
        _between,
        (
            Argument("a", "text", _NAME, names="points"),
            Argument("b", "text", _NAME, names="points"),
            _number("t", quantities.FRACTION, "fraction of the way: 0 is a, 1 is b"),
            Argument(
                "way",
                "text",
                "even: steps that sound equal; straight: equal steps in z",
                choices=WAYS,
                default="even",
            ),
        ),
    ),
    Address(
        "/morph/macro/<i>",
        "Set the point's position along a principal axis of the training sounds, without a glide. Axis 0 has "
        "the most variance.",
        lambda space, values: space.macro(*values),
        (_number("value", quantities.AXIS, "distance from the mean of the training sounds"),),
        placeholders=(_INDEX,),
    ),
    Address(
        "/morph/glide",
        "Set how z, xy, weights, between, recall, undo and redo move the point from now on.",
        lambda space, values: ChangeSetting("travel", Travel(*values)),
        (_MS, _CURVE, _PATH),
    ),
    Address(
        "/morph/glide/beats",
        "Like `/morph/glide`, but with the duration in beats, at the tempo of the sequencer "
        "(`/morph/seq/tempo`) or of the external beat that the sequencer follows (`/morph/seq/beat`).",
        lambda space, values: ChangeSetting("travel", replace(Travel(*values), in_beats=True)),
        (_BEATS, _CURVE, _PATH),
    ),
    Address(
        "/morph/goto",
        "Glide to a named point.",
        _goto,
        (Argument("name", "text", _NAME, names="points"), _MS, _CURVE, _PATH),
        "`/morph/done /morph/goto name` on arrival; no reply if another move comes first",
    ),
    Address(
        "/morph/goto/beats",
        "Like `/morph/goto`, but with the duration in beats, at the tempo when the glide begins.",
        _in_beats(_goto),
        (Argument("name", "text", _NAME, names="points"), _BEATS, _CURVE, _PATH),
        "`/morph/done /morph/goto/beats name` on arrival; no reply if another move comes first",
    ),
    Address(
        "/morph/path",
        "Glide through named points along a spline, with equal time between neighbours.",
        _path,
        (_MS, Argument("name", "text", _NAME, many=True, names="points")),
        "`/morph/done /morph/path name` on arrival at the last point",
    ),
    Address(
        "/morph/path/beats",
        "Like `/morph/path`, but with the duration in beats, at the tempo when the glide begins.",
        _in_beats(_path),
        (_BEATS, Argument("name", "text", _NAME, many=True, names="points")),
        "`/morph/done /morph/path/beats name` on arrival at the last point",
    ),
    Address(
        "/morph/undo",
        "Undo the latest gesture of the point, a series of moves less than 0.5 s apart.",
        lambda p, v: Undo(),
    ),
    Address("/morph/redo", "Reverse the latest undo.", lambda p, v: Undo(again=True)),
    # sounds
    Address(
        "/morph/trigger",
        "Play a sound at the point. With a name, the point jumps there first, as with `/morph/goto name 0`.",
        _trigger,
        (_VELOCITY, _START),
    ),
    Address(
        "/morph/note",
        f"Play a sound at the pitch of a MIDI note, transposed by at most {PITCH.high:g} semitones, and at a "
        "MIDI velocity, 0 to 127.",
        _note,
        _NOTE,
    ),
    Address(
        "/morph/drum",
        "Play the drum of a General MIDI note (36 kick, 38 snare, 42 closed hat, 46 open hat …) at a MIDI "
        "velocity, 0 to 127. Each drum has a touch of its own, with the note's number; a closed hat ends the "
        "open hat. A model without that drum plays as `/morph/note` does.",
        _drum,
        (_number("note", quantities.MIDI_DATA, "MIDI note"), _NOTE[1]),
    ),
    Address("/morph/stop", "Fade out all sounds within 5 ms.", lambda space, values: Stop()),
    Address(
        "/morph/panic",
        "Silence everything within 2 ms and drop all scheduled messages.",
        lambda space, values: Panic(),
    ),
    *map(_setting, HIT_SETTINGS.values()),
    # touches
    Address(
        "/morph/touch/<i>/trigger",
        "Play a sound that follows the touch's own point. With a name, that point jumps there first.",
        _trigger,
        (_VELOCITY, _START),
        placeholders=(_TOUCH,),
    ),
    Address(
        "/morph/touch/<i>/note",
        "Play a sound that follows the touch's own point, at the pitch of a MIDI note.",
        _note,
        _NOTE,
        placeholders=(_TOUCH,),
    ),
    Address(
        "/morph/touch/<i>/z",
        "Like `/morph/z`, but for the touch's own point.",
        _z,
        (_Z,),
        placeholders=(_TOUCH,),
    ),
    Address(
        "/morph/touch/<i>/xy",
        "Like `/morph/xy`, but for the touch's own point.",
        _xy,
        _XY,
        placeholders=(_TOUCH,),
    ),
    Address(
        "/morph/touch/<i>/weights",
        "Like `/morph/weights`, but for the touch's own point.",
        _weights,
        (_WEIGHTS,),
        placeholders=(_TOUCH,),
    ),
    Address(
        "/morph/touch/<i>/pressure",
        "Change the timbre of the touch's sounds to that of a hit with this velocity. Each sound uses the "
        "value that `/morph/dynamics` had when the sound began.",
        lambda space, values: Press(*values),
        (_number("velocity", quantities.VELOCITY, "0 is the softest hit, 1 the hardest"),),
        placeholders=(_TOUCH,),
    ),
    Address(
        "/morph/touch/<i>/stop",
        "Fade out the sounds of the touch within 5 ms.",
        lambda space, values: Stop(*values),
        placeholders=(_TOUCH,),
    ),
    # the whole instrument
    Address(
        "/morph/gain",
        "Change the output gain over 5 ms.",
        lambda space, values: Gain(*values),
        (_number("gain", quantities.GAIN_DB, "0 leaves the level unchanged"),),
    ),
    Address(
        "/morph/mode",
        "Choose whether new hits follow the point (`live`) or keep the point at which they began (`latch`).",
        lambda space, values: Mode(*values),
        (Argument("mode", "text", "the mode of new hits", choices=MODES),),
    ),
    Address(
        "/morph/preset/store",
        "Store the point as a preset; the preset file keeps it for the next start.",
        lambda space, values: Store(*values),
        (Argument("name", "text", "the preset's name"),),
        "`/morph/done /morph/preset/store name`",
    ),
    Address(
        "/morph/preset/recall",
        "Move the point to a preset.",
        _recall,
        (
            _PRESET,
            _number(
                "ms",
                quantities.TRAVEL_MS,
                "duration",
                default=None,
                missing="the default glide (`/morph/glide`)",
            ),
        ),
        "with ms, `/morph/done /morph/preset/recall name` on arrival",
    ),
    Address(
        "/morph/preset/delete",
        "Delete a preset.",
        lambda space, values: Delete(*values),
        (_PRESET,),
        "`/morph/done /morph/preset/delete name`",
    ),
    Address(
        "/morph/preset/list",
        "List the presets.",
        lambda space, values: Query("presets"),
        reply=f"`/morph/presets.reply` name …, at most {REPLY_ITEMS} a message",
    ),
    Address(
        "/morph/preset/adopt",
        "Take over the presets of another model with the same name. These presets keep their coordinates, at "
        "which this model may play different sounds. Existing presets stay.",
        lambda space, values: Adopt(*values),
        (
            Argument(
                "checksum",
                "text",
                "the other model's checksum, as in the preset file",
                default=None,
                missing="the model whose presets were saved last",
            ),
        ),
        "`/morph/done /morph/preset/adopt checksum`; if no model fits, an error that lists the checksums",
    ),
    Address(
        "/morph/encode",
        "Encode a sound file and store its point as a preset. This needs the model's encoder.",
        lambda space, values: Encode(*values),
        (
            Argument("file", "text", "a sound file in the library folder"),
            Argument("name", "text", "the preset's name", default=None, missing="the file's name"),
        ),
        "`/morph/done /morph/encode name` when the preset is stored",
    ),
    Address(
        "/morph/model",
        "Switch to another model. Sounding hits fade out, and scheduled messages are dropped.",
        lambda space, values: Load(*values),
        (Argument("file", "text", "a model file in the library folder, or the name of a bundled model"),),
        "`/morph/done /morph/model file` when the new model is playing",
    ),
    Address(
        "/morph/record/start",
        "Begin a take: record the sound as WAV and the commands as a log, into the folder of `--takes`.",
        lambda space, values: BeginTake(*values),
        (Argument("name", "text", "the files' name", default=None, missing="the date and time"),),
        "`/morph/done /morph/record/start name`",
    ),
    Address(
        "/morph/record/stop",
        "End the take.",
        lambda space, values: EndTake(),
        reply="`/morph/done /morph/record/stop name` when the files are complete",
    ),
    *SEQUENCER,
    # plugins
    Address(
        "/morph/plugin/<n>/<param>",
        "Set a parameter of a plugin (`--plugin`) at once; a time tag in the future is refused.",
        lambda space, values: SetParameter(*values),
        (
            Argument(
                "value", "any", "in the parameter's own unit, or the name of a choice", low=-1e9, high=1e9
            ),
        ),
        placeholders=(
            Argument("n", "int", "index of the plugin, counted from 0", low=0, high=31),
            Argument("param", "text", "the parameter's name"),
        ),
    ),
    _query(
        "plugins",
        "List the plugins and their parameters.",
        "`/morph/plugins.reply` n total name latency_ms state, then parameter low high value …, "
        f"at most {REPLY_ITEMS} parameters a message; state is `on`, or the reason for the bypass",
    ),
    # questions
    _query(
        "info",
        "Describe the current model.",
        "`/morph/info.reply` key value …: name, architecture, sample_rate, latent_dim, length_ms, "
        "classes and anchors (both as counts), dynamics (1: velocity can change the timbre)",
    ),
    _query("classes", "List the classes.", "`/morph/classes.reply` name …"),
    _query(
        "anchors",
        "List the training sounds (anchors) with their classes.",
        f"`/morph/anchors.reply` first total name class name class …, at most {REPLY_ITEMS} sounds a message",
    ),
    _query(
        "map",
        "List the positions of the training sounds on the map, each coordinate 0 to 1.",
        f"`/morph/map.reply` first total name x y name x y …, at most {REPLY_ITEMS} sounds a message",
    ),
    _query(
        "places",
        "Give the positions of the class centres on the map, each coordinate 0 to 1.",
        "`/morph/places.reply` name x y name x y …; no positions if the model has no map",
    ),
    _query(
        "dimensions",
        "Give the range of the training sounds in each dimension of z.",
        "`/morph/dimensions.reply` first total low high low high …: 5th and 95th percentile of each, "
        f"at most {REPLY_ITEMS} dimensions a message",
    ),
    _query("z", "Give the point's coordinates.", "`/morph/z.reply` one number for each dimension"),
    _query(
        "xy",
        "Give the point's position on the map.",
        "`/morph/xy.reply` x y, each 0 to 1; no numbers if the model has no map",
    ),
    _query(
        "macros",
        "Give the point's position along the principal axes.",
        "`/morph/macros.reply` one number for each axis, in standard deviations",
    ),
    _query(
        "axes",
        "Name the ends of the principal axes by the features that change most, such as `darker` and "
        "`brighter`. "
        "The first reply for a model takes seconds, because the server measures sounds along the axes.",
        "`/morph/axes.reply` low high low high …, for each of the first eight axes",
    ),
    _query(
        "probabilities",
        "Give the probability of each class at the point.",
        "`/morph/probabilities.reply` name p name p …; the sum is 1",
    ),
    _query(
        "settings",
        "Give the settings of new hits and the default glide.",
        f"`/morph/settings.reply` key value …: {', '.join(HIT_SETTINGS)}, glide (ms), glide_beats (0 "
        "if it is set in ms), curve, path",
    ),
    _query("presets", "List the presets, like `/morph/preset/list`.", "as for `/morph/preset/list`"),
    _query(
        "latency",
        "Give the latency from a message to its sound as a sum of named components.",
        "`/morph/latency.reply` name ms name ms …: the components for a hit, their `total`, the measured "
        "`p99`; then, for a move, the components that differ (`coordinate_…`) and `coordinate_total`",
    ),
    _query(
        "status",
        "Give the state of the engine.",
        "`/morph/status.reply` key value …: voices, hits since the start, late blocks, peak and RMS levels, "
        "…, `model` (the model's name), `model_id` (a number that identifies the model), `seq_step` (the "
        "sequencer's current step; -1 when stopped), `seq_revision` (rises with every edit) and "
        "`take_seconds` (the length of the take that is being recorded; -1: none)",
    ),
    *PATTERN_QUESTIONS,
    Address(
        "/morph/subscribe",
        "Send the status at regular intervals, and every edit of the sequencer, to a port of the sender's "
        "machine. The subscription ends with `/morph/unsubscribe`, or when that machine has sent no message "
        "for an hour.",
        lambda space, values: Subscribe(*values),
        (
            _PORT,
            Argument(
                "interval",
                "float",
                "time between two messages",
                "ms",
                20.0,
                60_000.0,
                default=DEFAULT_INTERVAL_MS,
            ),
        ),
        "`/morph/status.reply` to that port, at once and then after each interval; `/morph/seq.reply` and "
        "the changed `/morph/seq/lane.reply` with every edit",
    ),
    Address(
        "/morph/unsubscribe",
        "Stop sending the status to a port.",
        lambda space, values: Subscribe(values[0], None),
        (_PORT,),
    ),
    Address(
        "/morph/reply",
        "Send replies to a different port of the sender's machine from now on, for programs such as Max that "
        "do not listen on the port from which they send.",
        lambda space, values: ReplyTo(*values),
        (_PORT,),
        "`/morph/done /morph/reply port`, to that port",
    ),
    Address(
        "/ping", "Ask whether the server is running.", lambda space, values: Query("ping"), reply="`/pong`"
    ),
    Address("/wek/outputs", "Like `/morph/z`; the program Wekinator sends this message.", _z, (_Z,)),
)

TABLE = Table(ADDRESSES)


def parse(message: Message, space: LatentSpace) -> Asked:
    """Return the request that a message makes.

    Raises:
        RealtimeError: the address is not in the table, or the arguments are not accepted.
    """
    return TABLE.parse(message, space)
