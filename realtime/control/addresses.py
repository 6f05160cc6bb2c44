"""The OSC addresses: one table, from which parsing, checks, error texts, answers and `docs/osc.md` come.

`python -m realtime.control.osc_page` prints the page.
"""

from __future__ import annotations

from typing import Any

from realtime.control.latent_space import LatentSpace
from realtime.control.protocol import Address, Argument, Message, Table
from realtime.control.requests import (
    Asked,
    ChangeSetting,
    Delete,
    Encode,
    Hit,
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
from realtime.synth import quantities
from realtime.synth.commands import MODES, Gain, Goto, Mode, Panic, SetDimension, Stop
from realtime.synth.glide import CURVES
from realtime.synth.quantities import Quantity
from realtime.util.errors import ControlError

HORIZON_S = 60.0  # furthest a time tag may lie ahead
REPLY_ITEMS = 32  # names in one datagram of an answer that may be long
PATHS = ("linear", "spherical")
DEFAULT_INTERVAL_MS = 200.0
MIDDLE_C = 60  # the MIDI note at which a sound is played as it was trained

# ---- from checked arguments to requests; where an address exists for a touch too, its number comes first


def _split_touch(values: tuple[Any, ...], count: int) -> tuple[int | None, tuple[Any, ...]]:
    """The number of the touch, if one stands before the `count` arguments, and the arguments."""
    return (None, values) if len(values) == count else (values[0], values[1:])


def _z(space: LatentSpace, values: tuple[Any, ...]) -> Move:
    """z, one number a dimension."""
    touch, (z,) = _split_touch(values, 1)
    dim = space.info.latent_dim
    if len(z) != dim:
        raise ControlError(f"takes {dim} numbers, one a dimension of z; got {len(z)}")
    return Move(z, touch)


def _dimension(space: LatentSpace, values: tuple[Any, ...]) -> SetDimension:
    """A dimension and its value."""
    index, value = values
    dim = space.info.latent_dim
    if index >= dim:
        raise ControlError(f"z has dimensions 0 to {dim - 1}, not {index}")
    return SetDimension(index, value)


def _xy(space: LatentSpace, values: tuple[Any, ...]) -> Move:
    """A place of the map."""
    touch, (x, y) = _split_touch(values, 2)
    return Move(space.at(x, y), touch)


def _weights(space: LatentSpace, values: tuple[Any, ...]) -> Move:
    """Weights, of classes or of named points."""
    touch, (words,) = _split_touch(values, 1)
    return Move(space.blend(words), touch)


def _goto(space: LatentSpace, values: tuple[Any, ...]) -> Goto:
    """A name, a time, a curve, a path."""
    name, ms, curve, path = values
    return Goto(space.point(name), ms, curve, path=path)


def _path(space: LatentSpace, values: tuple[Any, ...]) -> Goto:
    """A time and names."""
    ms, names = values
    *through, z = (space.point(name) for name in names)
    return Goto(z, ms, path="spline", through=tuple(through))


def _trigger(space: LatentSpace, values: tuple[Any, ...]) -> Hit:
    """A velocity and perhaps a name."""
    touch, (velocity, name) = _split_touch(values, 2)
    return Hit(velocity, None if name is None else space.point(name), touch)


def _note(space: LatentSpace, values: tuple[Any, ...]) -> Hit | Nothing:
    """A MIDI note and velocity."""
    touch, (pitch, velocity) = _split_touch(values, 2)
    if velocity == 0:
        return Nothing()
    return Hit(velocity / 127.0, None, touch, semitones=float(pitch - MIDDLE_C))


def _recall(space: LatentSpace, values: tuple[Any, ...]) -> Goto | Move:
    """A preset's name and perhaps a time."""
    name, ms = values
    if name not in space.presets:
        raise ControlError(f"no preset named {name!r}; `/morph/preset/list` tells which there are")
    z = space.presets[name]
    return Move(z) if ms is None else Goto(z, ms)


# ---- arguments that several addresses take

_NAME = "a class, for its centre, a training sound (anchor), or a preset"


def _number(name: str, quantity: Quantity, summary: str, **more: Any) -> Argument:
    """An argument that takes the numbers of a quantity."""
    kind = "int" if quantity.whole else "float"
    return Argument(name, kind, summary, quantity.unit, quantity.low, quantity.high, **more)


_Z = _number("z", quantities.COORDINATE, "one number a dimension", many=True)
_COORDINATE = _number("value", quantities.COORDINATE, "the coordinate")
_XY = (
    _number("x", quantities.FRACTION, "from left to right"),
    _number("y", quantities.FRACTION, "from bottom to top"),
)
_WEIGHTS = Argument(
    "weights", "any", "a weight a class, in order, or name weight name weight …", low=0.0, high=1e6, many=True
)
_MS = _number("ms", quantities.TRAVEL_MS, "how long it takes; 0 is at once")
_CURVE = Argument("curve", "text", "the course it takes in time", choices=tuple(CURVES), default="linear")
_PATH = Argument("path", "text", "the way it takes in space", choices=PATHS, default="linear")
_VELOCITY = _number("velocity", quantities.VELOCITY, "amplitude", default=quantities.VELOCITY.default)
_START = Argument("name", "text", _NAME, default=None, missing="the point stays", names="points")
_NOTE = (
    _number("pitch", quantities.MIDI_DATA, f"MIDI note; {MIDDLE_C} plays as trained"),
    _number("velocity", quantities.MIDI_DATA, "MIDI velocity; 0 is ignored"),
)
_TOUCH = _number("i", quantities.TOUCH, "a finger or a track")
_INDEX = Argument("i", "int", "counted from 0", low=0, high=10**9)
_PRESET = Argument("name", "text", "of the preset", names="presets")
_PORT = Argument("port", "int", "UDP port on the sender's machine", low=1, high=65_535)


def _setting(name: str) -> Any:
    return lambda space, values: ChangeSetting(name, values[0])


def _query(what: str, summary: str, reply: str) -> Address[LatentSpace, Asked]:
    return Address(f"/morph/get/{what}", summary, lambda space, values: Query(what), reply=reply)


ADDRESSES: tuple[Address[LatentSpace, Asked], ...] = (
    # where the point is
    Address("/morph/z", "Bring the point to these coordinates.", _z, (_Z,)),
    Address(
        "/morph/z/<i>",
        "Put the point in one dimension, counted from 0, at once.",
        _dimension,
        (_COORDINATE,),
        placeholders=(_INDEX,),
    ),
    Address("/morph/xy", "Bring the point to a place of the map of the training sounds.", _xy, _XY),
    Address("/morph/weights", "Bring the point to a mixture of named points.", _weights, (_WEIGHTS,)),
    Address(
        "/morph/between",
        "Bring the point to the line from one named point to another.",
        lambda space, values: Move(space.between(*values)),
        (
            Argument("a", "text", _NAME, names="points"),
            Argument("b", "text", _NAME, names="points"),
            _number("t", quantities.FRACTION, "0 is a, 1 is b"),
        ),
    ),
    Address(
        "/morph/macro/<i>",
        "Put the point along one principal axis of the training sounds, most variance first, at once.",
        lambda space, values: space.macro(*values),
        (_number("value", quantities.AXIS, "from their mean"),),
        placeholders=(_INDEX,),
    ),
    Address(
        "/morph/glide",
        "How z, xy, weights, between, recall and undo travel from now on.",
        lambda space, values: ChangeSetting("travel", values),
        (_MS, _CURVE, _PATH),
    ),
    Address(
        "/morph/goto",
        "Glide to a named point.",
        _goto,
        (Argument("name", "text", _NAME, names="points"), _MS, _CURVE, _PATH),
        "`/morph/done /morph/goto name` on arrival; nothing if another move comes first",
    ),
    Address(
        "/morph/path",
        "Glide through named points on a smooth curve (a spline), at equal times.",
        _path,
        (_MS, Argument("name", "text", _NAME, many=True, names="points")),
        "`/morph/done /morph/path name` at the last one",
    ),
    Address("/morph/undo", "Go back to where the point was before the latest gesture.", lambda p, v: Undo()),
    Address("/morph/redo", "Take the latest undo back.", lambda p, v: Undo(again=True)),
    # sounds
    Address(
        "/morph/trigger",
        "Play a sound. With a name, the point jumps there first, as by `/morph/goto name 0`.",
        _trigger,
        (_VELOCITY, _START),
    ),
    Address(
        "/morph/note",
        f"Play a sound at the pitch of a MIDI note, up to {quantities.PITCH.high:g} semitones off.",
        _note,
        _NOTE,
    ),
    Address("/morph/stop", "Fade all sounds out (5 ms).", lambda space, values: Stop()),
    Address(
        "/morph/panic",
        "Silence within 2 ms; messages still waiting for their time are forgotten.",
        lambda space, values: Panic(),
    ),
    # how the sounds to come are played
    Address(
        "/morph/pitch",
        "Transpose the sounds to come, by faster or slower playing.",
        _setting("pitch"),
        (_number("semitones", quantities.PITCH, "upwards"),),
    ),
    Address(
        "/morph/pan",
        "Place the sounds to come.",
        _setting("pan"),
        (_number("pan", quantities.PAN, "-1 is left, 1 is right"),),
    ),
    Address(
        "/morph/decay",
        "Let the sounds to come die away.",
        _setting("decay_ms"),
        (_number("ms", quantities.DECAY_MS, "to fall by 60 dB; 0 leaves them as they are"),),
    ),
    Address(
        "/morph/reverse",
        "Play the sounds to come from their end.",
        _setting("reverse"),
        (Argument("reverse", "int", "1 is backwards", low=0, high=1),),
    ),
    Address(
        "/morph/choke",
        "Put the sounds to come into a group, of which only the latest sounds.",
        _setting("choke"),
        (_number("group", quantities.CHOKE, "0 is none"),),
    ),
    # a finger's or a track's own point
    Address(
        "/morph/touch/<i>/trigger",
        "Play a sound with a point of its own; with a name, it starts there.",
        _trigger,
        (_VELOCITY, _START),
        placeholders=(_TOUCH,),
    ),
    Address(
        "/morph/touch/<i>/note",
        "Play a sound with a point of its own, at the pitch of a MIDI note.",
        _note,
        _NOTE,
        placeholders=(_TOUCH,),
    ),
    Address("/morph/touch/<i>/z", "As `/morph/z`, for that point.", _z, (_Z,), placeholders=(_TOUCH,)),
    Address("/morph/touch/<i>/xy", "As `/morph/xy`, for that point.", _xy, _XY, placeholders=(_TOUCH,)),
    Address(
        "/morph/touch/<i>/weights",
        "As `/morph/weights`, for that point.",
        _weights,
        (_WEIGHTS,),
        placeholders=(_TOUCH,),
    ),
    Address(
        "/morph/touch/<i>/stop",
        "Fade the sounds of that touch out (5 ms).",
        lambda space, values: Stop(*values),
        placeholders=(_TOUCH,),
    ),
    # the whole instrument
    Address(
        "/morph/gain",
        "Set the output gain, reached in 5 ms.",
        lambda space, values: Gain(*values),
        (_number("gain", quantities.GAIN_DB, "0 leaves the sound as it is"),),
    ),
    Address(
        "/morph/mode",
        "`live`: the point moves what is sounding. `latch`: a sound keeps the point it was started at.",
        lambda space, values: Mode(*values),
        (Argument("mode", "text", "for sounds that start from now on", choices=MODES),),
    ),
    Address(
        "/morph/preset/store",
        "Name the place where the point is. It is kept in a file, and there at the next start.",
        lambda space, values: Store(*values),
        (Argument("name", "text", "of the preset"),),
        "`/morph/done /morph/preset/store name`",
    ),
    Address(
        "/morph/preset/recall",
        "Bring the point to a preset.",
        _recall,
        (
            _PRESET,
            _number(
                "ms",
                quantities.TRAVEL_MS,
                "how long it takes",
                default=None,
                missing="as `/morph/glide` says",
            ),
        ),
        "with ms, `/morph/done /morph/preset/recall name` on arrival",
    ),
    Address(
        "/morph/preset/delete",
        "Forget a preset.",
        lambda space, values: Delete(*values),
        (_PRESET,),
        "`/morph/done /morph/preset/delete name`",
    ),
    Address(
        "/morph/preset/list",
        "Which presets are there?",
        lambda space, values: Query("presets"),
        reply=f"`/morph/presets.reply` name …, {REPLY_ITEMS} a message",
    ),
    Address(
        "/morph/encode",
        "Make a preset of a sound file: the point whose sound is most like it. Needs the model's encoder.",
        lambda space, values: Encode(*values),
        (
            Argument("file", "text", "of the library"),
            Argument("name", "text", "of the preset", default=None, missing="that of the file"),
        ),
        "`/morph/done /morph/encode name` when it is there",
    ),
    Address(
        "/morph/model",
        "Play on with another model; what sounds fades, and the new one takes over.",
        lambda space, values: Load(*values),
        (Argument("file", "text", "of the library, or a bundled model's name"),),
        "`/morph/done /morph/model file` when it plays",
    ),
    # plugins
    Address(
        "/morph/plugin/<n>/<param>",
        "Set a parameter of a plugin, at once; see `--plugin`.",
        lambda space, values: SetParameter(*values),
        (Argument("value", "any", "in the plugin's own unit, or the name of a choice", low=-1e9, high=1e9),),
        placeholders=(
            Argument("n", "int", "the plugin, counted from 0", low=0, high=31),
            Argument("param", "text", "the parameter's name"),
        ),
    ),
    _query(
        "plugins",
        "Which plugins are there, and what can be set?",
        "`/morph/plugins.reply` n total name latency_ms state, then parameter low high value …, "
        f"{REPLY_ITEMS} parameters a message; state is `on`, or why it is bypassed",
    ),
    # questions
    _query(
        "info",
        "What is playing?",
        "`/morph/info.reply` key value …: name, architecture, sample_rate, latent_dim, length_ms, "
        "number of classes and anchors",
    ),
    _query("classes", "Which classes are there?", "`/morph/classes.reply` name …"),
    _query(
        "anchors",
        "Which training sounds are there?",
        f"`/morph/anchors.reply` first total name class name class …, {REPLY_ITEMS} sounds a message",
    ),
    _query(
        "map",
        "Where are they on the map, each coordinate 0 to 1?",
        f"`/morph/map.reply` first total name x y name x y …, {REPLY_ITEMS} sounds a message",
    ),
    _query(
        "dimensions",
        "Between where and where do the training sounds lie?",
        "`/morph/dimensions.reply` first total low high low high …: 5th and 95th percentile a dimension, "
        f"{REPLY_ITEMS} dimensions a message",
    ),
    _query("z", "Where is the point?", "`/morph/z.reply` one number a dimension"),
    _query(
        "xy", "Where on the map is the point?", "`/morph/xy.reply` x y, each 0 to 1; nothing without a map"
    ),
    _query(
        "macros",
        "Where is the point along the principal axes?",
        "`/morph/macros.reply` one number an axis, in standard deviations",
    ),
    _query(
        "probabilities",
        "Of which class is the point?",
        "`/morph/probabilities.reply` name p name p …, adding up to 1",
    ),
    _query(
        "settings",
        "How are the sounds to come played?",
        "`/morph/settings.reply` key value …: pitch, pan, decay, reverse, choke, glide (ms), curve, path",
    ),
    _query("presets", "As `/morph/preset/list`.", "as there"),
    _query(
        "latency",
        "How long from a message to its sound?",
        "`/morph/latency.reply` name ms name ms …: the parts for a hit, their `total`, `p99` as measured; "
        "those for a move that differ, and their `coordinate_total`",
    ),
    _query(
        "status",
        "How is the engine?",
        "`/morph/status.reply` key value …: voices, hits since the start, late blocks, peak and RMS, … and "
        "`model`, the name of what plays, and `model_id`, a number that changes with it",
    ),
    Address(
        "/morph/subscribe",
        "Send the status regularly, until told to stop, or nobody listens at the port.",
        lambda space, values: Subscribe(*values),
        (
            _PORT,
            Argument("interval", "float", "between two", "ms", 20.0, 60_000.0, default=DEFAULT_INTERVAL_MS),
        ),
        "`/morph/status.reply` to that port, at once and then every interval",
    ),
    Address(
        "/morph/unsubscribe",
        "Send it no more.",
        lambda space, values: Subscribe(values[0], None),
        (_PORT,),
    ),
    Address(
        "/morph/reply",
        "Send answers to another port of the sender's machine from now on: for Max and others that do not "
        "listen where they send from.",
        lambda space, values: ReplyTo(*values),
        (_PORT,),
        "`/morph/done /morph/reply port`, to that port",
    ),
    Address("/ping", "Is anyone there?", lambda space, values: Query("ping"), reply="`/pong`"),
    Address("/wek/outputs", "As `/morph/z`: what Wekinator sends.", _z, (_Z,)),
)

TABLE = Table(ADDRESSES)


def parse(message: Message, space: LatentSpace) -> Asked:
    """What a message asks for.

    Raises:
        RealtimeError: an address that is not in the table, or arguments that are not accepted.
    """
    return TABLE.parse(message, space)
