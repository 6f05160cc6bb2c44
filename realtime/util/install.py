"""Shell commands to suggest to the user, which install packages or run programs in this environment."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path


def command(packages: str) -> str:
    """Return the command that installs packages into the running environment, for use in the current folder.

    Args:
        packages: as pip takes them, such as "soundmorph[cpu]" or "--force-reinstall sounddevice".
    """
    python = Path(sys.executable)
    here = Path.cwd()
    program = str(python.relative_to(here) if python.is_relative_to(here) else python)
    program = f'"{program}"' if " " in program else program
    packages = f'"{packages}"' if "[" in packages else packages  # a shell may take brackets for a pattern
    return f"{program} -m pip install {packages}"


def program(name: str) -> str:
    """Return the command for a program of the running environment: its name, or its file if not on PATH."""
    here, path = Path.cwd(), Path(sys.executable).parent / name
    if (found := shutil.which(name)) is not None and Path(found).parent == path.parent:
        return name
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
