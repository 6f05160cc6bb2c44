"""The command that installs a missing package into the environment of the program."""

from __future__ import annotations

import sys
from pathlib import Path


def command(packages: str) -> str:
    """Return the command that installs packages into the running environment, from the current folder.

    Args:
        packages: as pip takes them, such as "soundmorph[cpu]" or "--force-reinstall sounddevice".
    """
    python = Path(sys.executable)
    here = Path.cwd()
    program = str(python.relative_to(here) if python.is_relative_to(here) else python)
    program = f'"{program}"' if " " in program else program
    packages = f'"{packages}"' if "[" in packages else packages  # a shell may take brackets for a pattern
    return f"{program} -m pip install {packages}"
