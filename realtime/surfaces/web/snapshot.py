"""A snapshot of the server's state, which the web page displays."""

from __future__ import annotations

from typing import Any

from realtime.control.dispatcher import Control

Snapshot = dict[str, Any]


def snapshot(control: Control) -> Snapshot:
    """Return the state as JSON-compatible values.

    The state consists of the status, the performer's position in the latent space, settings and presets.

    Raises:
        RealtimeError: no engine is running at the moment.
    """
    z, settings, space = control.where(), control.settings(), control.space
    return {
        "status": control.status(),
        "xy": space.on_map(z),
        "macros": space.macros(z),
        "probabilities": space.probabilities(z),
        "settings": {
            **settings.hit.settings,
            "glide": settings.travel.ms(control.tempo),
            "glide_beats": settings.travel.beats,
        },
        "presets": [[name, *space.on_map(point)] for name, point in control.presets.items()],
    }
