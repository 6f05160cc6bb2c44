"""Write constraints.txt and locked.txt from the installed packages: `python -m tools.pins`.

The command needs uv and a network. locked.txt has the checksums of all files of each release, for every
system, as published by the package index.
"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEFT_OUT = r"(soundmorph|pip|torch|triton|nvidia-.*|cuda-.*)$"
"""Packages without a pin: indexes offer different builds of torch, each with its own Triton and CUDA."""
EVERYWHERE = ("mypy", "ruff")
"""Packages that are pinned on every version of Python."""
PYTHON = "3.11.5"
"""The lowest version of Python that all pinned versions accept."""


def normal(name: str) -> str:
    """Return the normal form of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, str]:
    """Return the installed version of each package to pin, by the normal name of the package."""
    found = {normal(each.metadata["Name"]): each.version for each in importlib.metadata.distributions()}
    return {name: found[name] for name in sorted(found) if not re.match(LEFT_OUT, name)}


def main() -> None:
    """Write constraints.txt and locked.txt."""
    found = installed()
    head = (ROOT / "constraints.txt").read_text(encoding="utf-8").split("# Everything else", 1)
    lines = [f"{name}=={version}" for name, version in found.items()]
    marked = [
        f"{line} ; python_full_version >= '{PYTHON}'"
        for line in lines
        if line.split("==")[0] not in EVERYWHERE
    ]
    note = "# Everything else" + head[1].split("\n", 1)[0]
    (ROOT / "constraints.txt").write_text("\n".join([head[0] + note, *marked, ""]), encoding="utf-8")
    options = ["--no-deps", "--universal", "--python-version", PYTHON, "--generate-hashes"]
    command = ["uv", "pip", "compile", "-", *options, "--no-header", "--no-annotate", "--quiet"]
    text = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=True).stdout
    (ROOT / "locked.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
