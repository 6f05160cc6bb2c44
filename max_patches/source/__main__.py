"""`python -m max_patches.source` writes the Max patches and the layouts for tablets to max_patches/."""

from __future__ import annotations

from pathlib import Path

from max_patches.source import client, device, morph, openstagecontrol, touchosc

FOLDER = Path(__file__).resolve().parent.parent


def files() -> dict[str, bytes]:
    """Return the content of each Max file, by name."""
    return {
        "morph.maxpat": morph.patch().text().encode(),
        "morph.client.maxpat": client.patch().text().encode(),
        "morph.client.maxhelp": client.help_patch().text().encode(),
        "morph.amxd": device.patch().device("midi effect"),
    }


if __name__ == "__main__":
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)
    (FOLDER / "morph.tosc").write_bytes(touchosc.content())
    (FOLDER / "morph.open-stage-control.json").write_bytes(openstagecontrol.content())
