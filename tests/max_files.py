"""Read the bundled Max patches and the Max for Live device."""

from __future__ import annotations

import json
from typing import Any

from max_patches.source.__main__ import FOLDER

HEAD = 32  # bytes before the JSON content in the file of a device


def patcher(name: str) -> dict[str, Any]:
    """Return the content of the file of a patch or device."""
    content = (FOLDER / name).read_bytes()
    loaded: dict[str, Any] = json.loads(content[HEAD:] if name.endswith(".amxd") else content)
    return loaded["patcher"]


def boxes(name: str) -> list[dict[str, Any]]:
    """Return the boxes of a patch: its objects, messages and comments."""
    return [entry["box"] for entry in patcher(name)["boxes"]]
