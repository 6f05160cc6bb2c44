"""The SuperCollider class SoundMorph, in a real sclang, controls a server and reads its sound classes."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.system.rig import ROOT, Process, Server, program
from tests.system.tap import Tap
from tests.system.test_pd import flat

FOLDER = ROOT / "max_patches" / "SuperCollider"
ENV = {  # no window is opened; the second variable lets sclang's help browser run as root
    "QT_QPA_PLATFORM": "offscreen",
    "QTWEBENGINE_DISABLE_SANDBOX": "1",
}
LIBRARY = "includePaths:\n    - {folder}\nexcludePaths: []\npostInlineWarnings: false\n"

PLAYS = r"""
fork {
    var m = SoundMorph("127.0.0.1", %d);
    m.onReply = { |x| (x[0] == '/morph/done').if { "done: %%".format(x).postln } };
    { m.classes.isNil or: { m.p99.isNil } }.while { 0.05.wait };
    "there: %% %% %%".format(m.alive, m.classes.join(" "), m.p99).postln;
    m.trigger(0.5, m.classes[1]);
    m.note(64, 90);
    m.goto(\snare, 10);
    m.between(\kick, \hihat, 0.25);
    m.xy(0.5, 0.25);
    m.weights([1, 0, 1]);
    m.macro(1, -2);
    m.zAt(3, 0.5);
    m.z([0, 0, 0, 1]);
    m.gain(-6);
    m.store("dark");
    m.recall("dark", 20);
    m.stop;
    m.panic;
};
"""

WATCHES = r"""
fork {
    var m = SoundMorph("127.0.0.1", %d);
    var shown;
    loop { (m.classes != shown).if { shown = m.classes; "plays: %%".format(shown).postln }; 0.05.wait };
};
"""

ASKED = [
    ("/morph/trigger", 0.5, "snare"),
    ("/morph/note", 64.0, 90.0),
    ("/morph/goto", "snare", 10.0, "linear"),
    ("/morph/between", "kick", "hihat", 0.25),
    ("/morph/xy", 0.5, 0.25),
    ("/morph/weights", 1.0, 0.0, 1.0),
    ("/morph/macro/1", -2.0),
    ("/morph/z/3", 0.5),
    ("/morph/z", 0.0, 0.0, 0.0, 1.0),
    ("/morph/gain", -6.0),
    ("/morph/preset/store", "dark"),
    ("/morph/preset/recall", "dark", 20.0),
    ("/morph/stop",),
    ("/morph/panic",),
]


def sclang(folder: Path) -> list[str]:
    """Return the command that runs sclang with the class SoundMorph in its library."""
    (folder / "library.yaml").write_text(LIBRARY.format(folder=FOLDER))
    port = 20_000 + os.getpid() % 20_000
    return [program("sclang"), "-D", "-u", str(port), "-l", str(folder / "library.yaml")]


def test_methods_of_the_class_send_their_messages(tiny_model: Path, tmp_path: Path) -> None:
    with Server(tiny_model, "--null", "--presets", str(tmp_path / "presets.json")) as server:
        with Tap(server.port) as tap:
            (tmp_path / "plays.scd").write_text(PLAYS % tap.port)
            with Process([*sclang(tmp_path), str(tmp_path / "plays.scd")], ENV) as client:
                assert client.wait_for("^there: (.*)")[1].startswith("true kick snare hihat ")
                heard = tap.wait_for(len(ASKED))
                client.wait_for("^done: .*store.*dark")
        assert flat(heard) == ASKED
        assert server.status()["refused"] == 0
    assert "ERROR" not in client.output, client.output


def test_class_has_the_class_names_of_the_new_model_after_a_change(
    tiny_model: Path, other_model: Path, tmp_path: Path
) -> None:
    with Server(tiny_model, "--null", "--library", str(other_model.parent)) as server:
        (tmp_path / "watches.scd").write_text(WATCHES % server.port)
        with Process([*sclang(tmp_path), str(tmp_path / "watches.scd")], ENV) as client:
            client.wait_for(r"^plays: \[ *kick, snare")
            assert server.ask("/morph/model", other_model.name)[0] == "/morph/done"
            client.wait_for(r"^plays: \[ *low, high")


def test_each_public_method_has_help() -> None:
    source, help_file = (FOLDER / name for name in ("SoundMorph.sc", "HelpSource/Classes/SoundMorph.schelp"))
    public = source.read_text().split("// private")[0]
    methods = set(re.findall(r"^\t(\w+) \{", public, re.MULTILINE)) - {"init"}
    assert methods == set(re.findall(r"^METHOD:: (\w+)", help_file.read_text(), re.MULTILINE)) - {
        "new",
        "alive",
        "p99",
        "classes",
        "server",
        "onReply",
    }
