"""How everything is at one moment, for surfaces that show it."""

from __future__ import annotations

from typing import Any

from realtime.control.dispatcher import Control

Snapshot = dict[str, Any]


def snapshot(control: Control) -> Snapshot:
    """Return the status, the point, the settings and the presets, as JSON can hold them.

    Raises:
        RealtimeError: nobody plays at the moment.
    """
    z, settings, places = control.where(), control.settings(), control.space
    return {
        "status": control.status(),
        "xy": places.on_map(z),
        "macros": places.macros(z),
        "probabilities": places.probabilities(z),
        "settings": {
            "pitch": settings.pitch,
            "pan": settings.pan,
            "decay": settings.decay_ms,
            "reverse": settings.reverse,
            "choke": settings.choke,
            "glide": settings.travel[0],
        },
        "presets": [[name, *places.on_map(point)] for name, point in control.presets.items()],
    }
