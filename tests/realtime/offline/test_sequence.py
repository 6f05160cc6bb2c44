"""Tests for sequence files: their events, and error messages that name the table, key and accepted values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.__main__ import main
from realtime.model.decoder import Decoder
from realtime.model.schema import CourseInfo
from realtime.offline.score import Event, Points, events
from realtime.offline.sequence import STEP_KEYS, TOP_KEYS, SequenceError, read
from realtime.synth.commands import Goto, Mode, SetZ, Trigger

Play = Callable[..., list[Event]]
STEP = '[[step]]\nbeat = 0\npoint = "kick"\n'


@pytest.fixture
def play(decoder: Decoder, tmp_path: Path) -> Play:
    """Return a function that reads a sequence from a string and returns its events at a rate of 1,000 Hz."""

    def run(text: str, **more: object) -> list[Event]:
        path = tmp_path / "seq.toml"
        path.write_text(text)
        sequence = read(path)
        points = Points(sequence, decoder.info, **more)  # type: ignore[arg-type]
        assert not points.mistakes()
        return list(events(sequence, points, 1000))

    return run


def test_beats_follow_tempo_changes_and_loops(play: Play) -> None:
    happened = play(
        "tempo = [[0, 60], [2, 120]]\nloops = 2\nlength = 4\n"
        + STEP
        + '[[step]]\nbeat = 1\npoint = "snare"\nrepeat = 3\nevery = 1\n'
        + '[[step]]\ntime = 0.25\npoint = "hihat"\n'
    )
    assert [event.sample for event in happened] == [0, 250, 1000, 2000, 2500, 3000, 3250, 3500, 4000, 4500]
    assert [event.name for event in happened[:3]] == ["kick", "hihat", "snare"]


def test_step_sets_the_parameters_of_its_hit(decoder: Decoder, play: Play) -> None:
    (event,) = play(
        "[defaults]\nvelocity = 0.5\npan = -0.5\n"
        + STEP
        + "pitch = -7\npan = 0.25\ndecay = 90\nreverse = true\nchoke = 2\nmode = 'live'\nvoice = 'v'\n"
    )
    z = decoder.info.point("kick")
    trigger = Trigger(0.5, z, 0, -7.0, 0.25, 90.0, True, 2)
    assert event.commands == (Mode("live"), trigger)
    assert (event.voice, event.group, event.point) == ("v", "kick", z)


def test_hit_without_a_point_plays_the_point_that_glides(decoder: Decoder, play: Play) -> None:
    kick, snare = (np.array(decoder.info.point(name)) for name in ("kick", "snare"))
    happened = play(
        "tempo = 60\n"
        + STEP
        + "hit = false\n"
        + '[[step]]\nbeat = 1\npoint = "snare"\nglide = 1000\ncurve = "in"\nhit = false\n'
        + "[[step]]\nbeat = 1.5\n"
    )
    assert happened[0].commands == (SetZ(tuple(kick)),)
    assert happened[1].commands == (Goto(tuple(snare), 1000.0, "in"),)
    assert happened[2].commands == (Trigger(),)
    np.testing.assert_allclose(happened[2].point, kick + 0.25 * (snare - kick))


def test_glide_in_beats_follows_the_changes_of_tempo(play: Play) -> None:
    move = 'point = "snare"\nglide_beats = 3\nhit = false\n'
    happened = play(
        "tempo = [[0, 120], [2, 60]]\n"
        + STEP
        + f"[[step]]\nbeat = 1\n{move}[[step]]\ntime = 2\n{move}[[step]]\nbeat = 9\n{move}"
    )
    glides = [command for event in happened for command in event.commands if isinstance(command, Goto)]
    assert [glide.ms for glide in glides] == pytest.approx([2500.0, 3000.0, 3000.0])


def test_random_walks_depend_only_on_the_seed_and_the_position_in_the_file(play: Play) -> None:
    walk = '[[step]]\nbeat = 0\npoint = "kick"\nwalk = 0.4\nrepeat = 5\nevery = 1\n'
    first = [event.point for event in play("seed = 4\n" + walk)]
    assert (
        first
        == [event.point for event in play("seed = 4\n" + walk + '[[step]]\nbeat=9\npoint="snare"\n')][:5]
    )
    other = [event.point for event in play("seed = 5\n" + walk)]
    assert other[0] == first[0]
    assert all(a != b for a, b in zip(other[1:], first[1:], strict=True))


def test_points_may_be_mixes_names_numbers_presets_and_sound_files(
    decoder: Decoder, play: Play, tmp_path: Path
) -> None:
    asked: list[Path] = []

    def encode(path: Path) -> tuple[float, ...]:
        asked.append(path)
        return 4.0, 3.0, 2.0, 1.0

    happened = play(
        '[points]\nmid = { between = ["kick", "snare"], t = 0.25 }\nsame = { point = "mid" }\n'
        '[[step]]\nbeat = 0\npoint = "same"\n[[step]]\nbeat = 1\nz = [1, 2, 3, 4.5]\n'
        '[[step]]\nbeat = 2\npreset = "mine"\n[[step]]\nbeat = 3\nwav = "hit.wav"\n',
        presets={"mine": (0.0, 0.0, 0.0, 1.0)},
        encode=encode,
    )
    kick, snare = (np.array(decoder.info.point(name)) for name in ("kick", "snare"))
    np.testing.assert_allclose(happened[0].point, 0.75 * kick + 0.25 * snare)
    assert [event.point for event in happened[1:]] == [
        (1.0, 2.0, 3.0, 4.5),
        (0.0, 0.0, 0.0, 1.0),
        (4.0, 3.0, 2.0, 1.0),
    ]
    assert asked == [tmp_path / "hit.wav"]


FIRST = "step 1 (beat 0)"
# Each entry is the content of a file, the table with the error, and the beginning of the message.
MISTAKES = [
    ("tempo = \n", "", "not TOML: Invalid value (at line 1"),
    ("", "", "no [[step]]"),
    (STEP + "velocty = 1\n", FIRST, "a step has no key 'velocty': did you mean velocity?"),
    (STEP + "zzz = 1\n", FIRST, "a step has no key 'zzz': its keys are beat, time, point"),
    ("templo = 9\n" + STEP, "", "the file has no key 'templo': did you mean tempo?"),
    ("tempo = 0\n" + STEP, "", "tempo is 0, not beats per minute, 1 to 1000, or a list of [beat"),
    ("tempo = [[1, 120]]\n" + STEP, "", "tempo is a list, not beats per minute"),
    (STEP + "velocity = 1.5\n", FIRST, "velocity is 1.5, not a number from 0 to 1"),
    (STEP + "velocity = true\n", FIRST, "velocity is True, not a number"),
    (STEP + "velocity = nan\n", FIRST, "velocity is nan, not a number"),
    (STEP + 'pitch = "up"\n', FIRST, "pitch is 'up', not a number from -48 to 48 semitones"),
    (STEP + "pan = 2\n", FIRST, "pan is 2, not a number from -1 to 1"),
    (STEP + "choke = 17\n", FIRST, "choke is 17, not a whole number from 0 to 16"),
    (STEP + "reverse = 1\n", FIRST, "reverse is 1, not true or false"),
    (STEP + 'mode = "loud"\n', FIRST, "mode is 'loud', not one of live, latch"),
    (STEP + 'curve = "bent"\n', FIRST, "curve is 'bent', not one of linear, smooth, in, out"),
    (STEP + 'path = "round"\n', FIRST, "path is 'round', not one of linear, spherical, spline"),
    (STEP + "time = 1\n", FIRST, "a step needs either beat or time (s)"),
    ('[[step]]\npoint = "kick"\n', "step 1", "a step needs either beat or time (s)"),
    (STEP + "z = [1, 2, 3, 4]\n", FIRST, "point and z both set the point: give only one"),
    (STEP + "t = 0.5\n", FIRST, "t needs between"),
    (STEP + "repeat = 4\n", FIRST, "repeat needs every"),
    ("loops = 2\n" + STEP, "", "loops needs length"),
    (
        "length = 4\n" + STEP + '[[step]]\nbeat = 4\npoint = "kick"\n',
        "step 2 (beat 4)",
        "beat is 4, not below length 4",
    ),
    ("[[step]]\nbeat = 0\nglide = 100\n", FIRST, "glide needs a point to go to"),
    (
        "[[step]]\nbeat = 0\nhit = false\n",
        FIRST,
        "a step with hit = false needs a point to move to",
    ),
    (STEP + 'through = ["snare"]\n', FIRST, "through needs glide"),
    (STEP + "glide = 1\nglide_beats = 1\n", FIRST, "glide and glide_beats both set the duration"),
    ("[points]\nx = 3\n" + STEP, "", "point x is 3, not a table such as"),
    ("[points]\nx = {}\n" + STEP, "", "point x is empty"),
    ("[points.x]\nz = [\n1, 'a']\n" + STEP, "point x", "z is a list, not a list of numbers"),
    (
        '[[step]]\nbeat = 0\n\npoint = "kik"\n',
        FIRST,
        "point: model 'tiny' has no point named 'kik': did you mean kick",
    ),
    ("[[step]]\nbeat = 0\nz = [1]\n", FIRST, "z: z has 1 numbers; the model has 4 dimensions"),
    ('[[step]]\nbeat = 0\npreset = "x"\n', FIRST, "preset: no preset 'x'"),
    (
        '[points]\na = { point = "a" }\n' + STEP,
        "point a",
        "point: the points refer to each other in a circle",
    ),
    (
        '[[step]]\nbeat = 0\nbetween = ["kick"]\n',
        FIRST,
        "between is a list, not two names of points",
    ),
    ("step = 3\n", "", "step is 3, not tables [[step]]"),
]


@pytest.mark.parametrize(("text", "table", "complaint"), MISTAKES)
def test_each_error_is_reported_with_its_table(
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    table: str,
    complaint: str,
) -> None:
    path = tmp_path / "seq.toml"
    path.write_text(text)
    presets = str(tmp_path / "presets.json")
    command = ["render", "--check", str(path), "--model", str(tiny_model), "--presets", presets]
    assert main(command) == 2
    told = capsys.readouterr().err.splitlines()[0]
    place = f"{table}: " if table else ""
    assert told.startswith(f"realtime: error: {path}: {place}{complaint}")


def test_option_check_lists_all_errors_and_rendering_only_the_first(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "seq.toml"
    dark = "[points]\ndark = { between = 3 }\n"
    named = "".join(f'[[step]]\nbeat = 1\npoint = "{name}"\nbat = 2\n' for name in ("dark", "kik"))
    path.write_text(dark + STEP + "pan = 3\npitch = 99\n" + named)
    assert main(["render", "--check", str(path), "--model", str(tiny_model)]) == 2
    told = [line.removeprefix(f"realtime: error: {path}: ") for line in capsys.readouterr().err.splitlines()]
    assert [(line.split(": ")[0], line.split(": ")[1].split()[0]) for line in told] == [
        ("point dark", "between"),
        ("step 1 (beat 0)", "pan"),
        ("step 1 (beat 0)", "pitch"),
        ("step 2 (beat 1)", "a"),
        ("step 3 (beat 1)", "a"),
        ("step 3 (beat 1)", "point"),
    ]
    assert main(["render", str(path), "--model", str(tiny_model), "-o", str(tmp_path / "x.wav")]) == 2
    assert "(and 5 more" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]


def test_option_check_prints_the_numbers_of_steps_events_and_hits(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "seq.toml"
    path.write_text("tempo = 60\n" + STEP + "repeat = 3\nevery = 0.5\n")
    assert main(["render", "--check", str(path), "--model", str(tiny_model)]) == 0
    facts = "1 steps, 3 events, 3 hits; the last event begins at 1.00 s; no errors"
    assert capsys.readouterr().out == f"{path}: {facts}\n"


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="[]{}=,.\"'\n#ab1 \\", max_size=60))
def test_random_text_is_rejected_without_a_crash(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text)
    with pytest.raises(SequenceError):  # these characters cannot form a complete table [[step]]
        read(path)


def test_documentation_lists_every_key() -> None:
    page = (Path(__file__).parents[3] / "docs" / "render.md").read_text()
    for keys in (TOP_KEYS, STEP_KEYS):
        for name, key in keys.items():
            assert f"`{name}`" in page, name
            assert key.accepted in page or not key.accepted.startswith(("a number", "a whole")), name


def test_way_even_follows_the_measured_course_of_the_model_and_changes_the_level(
    decoder: Decoder, tmp_path: Path
) -> None:
    info = replace(decoder.info, courses=(CourseInfo(0, 1, (0.0, 0.25, 1.0), (0.0, 6.0, 0.0)),))
    between = '{ between = ["kick", "snare"], t = 0.5'
    steps = [f"[[step]]\nbeat = {at}\nlevel = -1\npoint = '{name}'\n" for at, name in enumerate(("a", "b"))]
    path = tmp_path / "seq.toml"
    path.write_text(f'[points]\na = {between}, way = "even" }}\nb = {between} }}\n' + "".join(steps))
    sequence = read(path)
    even, straight = events(sequence, Points(sequence, info), 1000)
    kick, snare = (np.array(each.centroid) for each in info.classes[:2])
    assert even.point == pytest.approx(0.75 * kick + 0.25 * snare)
    assert straight.point == pytest.approx((kick + snare) / 2)
    assert [each.trigger.level_db for each in (even, straight) if each.trigger] == [5.0, -1.0]


def test_key_way_needs_key_between(tmp_path: Path) -> None:
    path = tmp_path / "seq.toml"
    path.write_text('[[step]]\nbeat = 0\npoint = "kick"\nway = "even"\n')
    with pytest.raises(SequenceError, match="way needs between"):
        read(path)
