"""Tests for drawings of z's path on the map of sounds, as a picture and as a self-contained page.

"Point" means the current z, the position in latent space that the performer moves. A touch has its own point.
"""

from __future__ import annotations

import re
import subprocess
import sys
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile

from realtime.__main__ import main
from realtime.model.decoder import Decoder
from realtime.offline.morphology import follow, on_map
from realtime.synth.commands import Command, Goto, Mode, SetDimension, SetZ, Trigger
from realtime.util import install

SEQUENCE = """
[[step]]
time = 0
point = "kick"
velocity = 0.2
repeat = 3
every = 0.1
[[step]]
time = 0.4
point = "snare"
glide = 50
velocity = 0.2
"""


def test_trace_contains_every_hit_and_glide(decoder: Decoder) -> None:
    a, b = (0.0, 0.0, 0.0, 0.0), (1.0, 0.0, -1.0, 0.0)
    trace = follow(
        [(0, Mode("live")), (0, SetZ(a)), (10, Trigger()), (20, Goto(b, 100.0)), (70, Trigger(1.0))],
        decoder.info,
        1000,
    )
    np.testing.assert_allclose(trace.seconds[trace.hits], [0.01, 0.07])
    np.testing.assert_allclose(trace.z[trace.hits], [a, [0.5, 0.0, -0.5, 0.0]])
    np.testing.assert_allclose(trace.z[-1], b)


def test_path_follows_the_point_and_hits_of_touches_are_drawn_at_their_own_positions(
    decoder: Decoder,
) -> None:
    a, b, c = (0.0, 0.0, 0.0, 0.0), (1.0, 0.0, -1.0, 0.0), (0.0, 2.0, 0.0, 2.0)
    commands: list[tuple[int, Command]] = [
        (0, SetZ(a)),
        (10, SetZ(c, touch=3)),
        (20, Goto(c, 100.0, touch=3)),
        (30, Trigger(touch=3)),
        (40, SetDimension(1, 0.5)),
        (50, Trigger()),
        (60, Trigger(point=b)),
        (70, Trigger(offset=b)),
    ]
    trace = follow(commands, decoder.info, 1000)
    aside = (0.0, 0.5, 0.0, 0.0)
    np.testing.assert_allclose(trace.z[trace.hits], np.array([c, aside, b, np.add(aside, b)]))
    assert {tuple(z) for z in trace.z[trace.path].tolist()} == {a, aside}


def test_glide_is_drawn_until_another_glide_interrupts_it(decoder: Decoder) -> None:
    a, b = (0.0, 0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)
    trace = follow([(0, SetZ(a)), (0, Goto(b, 100.0)), (50, Goto(a, 50.0))], decoder.info, 1000)
    assert trace.z[:, 0].max() == pytest.approx(0.5)
    assert trace.z[-1, 0] == 0.0
    assert trace.seconds[-1] == pytest.approx(0.1)


def test_training_sounds_are_projected_to_their_positions_on_the_map(decoder: Decoder) -> None:
    anchors = decoder.info.anchors[::9]
    where = on_map(np.array([each.z for each in anchors]), decoder.info)
    np.testing.assert_allclose(where, [each.xy for each in anchors], atol=1e-3)


def test_morphology_writes_a_picture_and_a_self_contained_page(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from matplotlib.image import imread

    source = tmp_path / "seq.toml"
    source.write_text(SEQUENCE)
    command = ["morphology", str(source), "--model", str(tiny_model)]
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / f"seq.{kind}") for kind in ("png", "html")]
    picture = imread(tmp_path / "seq.png")
    assert min(picture.shape[:2]) > 400
    assert picture[..., :3].std() > 0.1
    page = (tmp_path / "seq.html").read_text()
    assert page.count("<button") == 4
    assert not re.findall(r"(?:src|href)=.(?!data:)", page)
    (player,) = re.findall(r"data:audio/flac;base64,([^\"]+)", page)
    sound, rate = soundfile.read(BytesIO(b64decode(player)))
    assert len(sound) / rate == pytest.approx(0.4 + 4096 / 22050, abs=0.01)
    assert np.abs(sound).max() > 0.01
    assert {path.name for path in tmp_path.iterdir()} == {"seq.toml", "seq.png", "seq.html"}
    assert main(command) == 2
    assert "seq.png exists; choose another name, or --force to replace it" in capsys.readouterr().err


WITHOUT = """
import sys
sys.modules["matplotlib"] = None
from realtime.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def test_without_matplotlib_the_error_states_the_command_that_installs_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT, "morphology", str(tmp_path / "seq.toml")]
    done = subprocess.run(command, capture_output=True, text=True)
    wanted = f"realtime: error: drawing needs matplotlib: {install.command('soundmorph[offline]')}\n"
    assert (done.returncode, done.stderr) == (2, wanted)
