"""A plugin's trial, as a program of its own: `python -m realtime.plugin_trial PATH RATE BLOCK CHANNELS`.

Prints a `plugins.Trial` as JSON. Whatever the plugin does to this process, the server plays on.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import numpy as np

from realtime import priority

BLOCKS = 64


def trial(path: str, sample_rate: int, block_size: int, channels: int) -> dict[str, Any]:
    """Load, play some blocks of noise and silence, read all parameters, let go."""
    from pedalboard._pedalboard import load_plugin

    try:
        plugin: Any = load_plugin(path, initialization_timeout=10.0)
    except (ImportError, OSError, ValueError, RuntimeError) as error:
        return {"fault": f"it cannot be loaded: {str(error).splitlines()[0]}"}
    if not plugin.is_effect:
        return {"fault": "it is an instrument, not an effect"}
    noise = np.random.default_rng(0)
    mono = False
    for index in range(BLOCKS):
        level = 0.1 if index < BLOCKS // 2 else 0.0
        sound = (level * noise.standard_normal((channels, block_size))).astype(np.float32)
        try:
            played = _play(plugin, sound[:1] if mono else sound, sample_rate)
        except ValueError as error:
            if channels == 1:
                return {"fault": "it plays no single channel; `realtime render --channels 2` makes two"}
            if mono or index or "channel" not in str(error):
                return {"fault": f"it does not play: {error}"}
            mono = True
            played = _play(plugin, sound[:1], sample_rate)
        if not np.isfinite(played).all():
            return {"fault": "it gives something that is not a number"}
    for parameter in plugin.parameters.values():
        _ = parameter.raw_value
    return {"mono": mono}


def _play(plugin: Any, sound: Any, sample_rate: int) -> Any:
    return plugin.process(sound, sample_rate=sample_rate, buffer_size=sound.shape[1], reset=False)


if __name__ == "__main__":
    priority.ordinary()  # one that spins keeps no core from the server
    print(json.dumps(trial(sys.argv[1], *map(int, sys.argv[2:5]))), flush=True)
    os._exit(0)  # a plugin that cannot be let go of has still passed
