"""The server (`realtime serve`) runs on a machine without the packages that training needs."""

from __future__ import annotations

from pathlib import Path

from tests.system.rig import Server

# This program runs a command of `realtime` as if the packages in `names` were not installed.
WITHOUT_TRAINING = """\
import sys

class Absent:
    names = {"torch", "librosa", "safetensors", "rich", "tomli", "tomllib", "trainer", "export"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from realtime.__main__ import main

sys.exit(main(sys.argv[1:]))
"""


def test_serve_runs_without_the_packages_of_the_trainer(tiny_model: Path) -> None:
    with Server(tiny_model, "--null", program=("-c", WITHOUT_TRAINING)) as server:
        assert server.ask("/ping") == ("/pong", [])
        assert server.ask("/morph/goto", "snare", 0.0) == ("/morph/done", ["/morph/goto", "snare"])
        server.send("/morph/trigger", 1.0)
        server.wait_until(hits=1)
        assert server.stop() == 0
    assert "Traceback" not in server.output
