"""Effect plugins (VST3, on macOS also AU) that process the mix; the package pedalboard loads them.

A plugin is third-party machine code that runs inside our process. A trial in a separate process comes first:
`python -m realtime.synth.plugins PATH RATE BLOCK CHANNELS` loads the plugin and plays some blocks. A plugin
that fails its trial, or takes too long, is left out.

A plugin may also hang later. `Chain.hung`, called on another thread, detects this; the worker is then
restarted without plugins.
"""

from __future__ import annotations

import difflib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.synth.commands import Tweak
from realtime.synth.output import THRESHOLD, limit
from realtime.util import install, priority
from realtime.util.errors import ControlError, RealtimeError

Block = NDArray[np.float32]

MAX_PLUGINS = 32
TRIAL_BLOCKS = 64  # blocks in a trial: half noise, half silence
TRIAL_S = 20.0  # time limit of a trial; most trials take a second
CHECKS = 5  # a plugin counts as hung after this many calls of `hangs` in a row during the same block
TAIL = 64  # samples in each block of the silence that flushes the end of a sound


class PluginError(RealtimeError):
    """A plugin that cannot be used."""


def require(paths: Sequence[Path]) -> None:
    """Check that the plugins can be loaded, before anything else starts.

    Raises:
        PluginError: pedalboard is missing, a file does not exist, or there are more than `MAX_PLUGINS`.
    """
    if paths and not find_spec("pedalboard"):
        raise PluginError(
            f"--plugin needs an additional package (GPL-3): {install.command('soundmorph[plugins]')}"
        )
    if len(paths) > MAX_PLUGINS:
        raise PluginError(f"there are {len(paths)} plugins; at most {MAX_PLUGINS} are accepted")
    for path in paths:
        if not path.exists():
            raise PluginError(f"there is no such plugin: {path}")


@dataclass(frozen=True)
class Trial:
    """The result of a trial.

    Attributes:
        fault: description of the failure; empty if the plugin passed.
        mono: True if the plugin accepts only one channel; each channel then gets an instance of its own.
    """

    fault: str = ""
    mono: bool = False


def try_out(path: Path, sample_rate: int, block_size: int, channels: int, limit_s: float = TRIAL_S) -> Trial:
    """Load and play a plugin in a separate process, for at most `limit_s` seconds."""
    shape = [str(sample_rate), str(block_size), str(channels)]
    command = [sys.executable, "-m", "realtime.synth.plugins", str(path.absolute()), *shape]
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return Trial(f"it did not finish its trial within {limit_s:g} s")
    lines = [line for line in ended.stdout.splitlines() if line.startswith("{")]
    if ended.returncode == 0 and lines:
        return Trial(**json.loads(lines[-1]))
    if ended.returncode < 0:
        return Trial(f"it crashed in its trial (signal {-ended.returncode})")
    return Trial(f"it ended its trial with exit code {ended.returncode}")


@dataclass(frozen=True)
class PluginFacts:
    """The current state of a plugin; see `Plugin`."""

    name: str
    latency_samples: int
    sample_rate: int
    fault: str
    parameters: dict[str, tuple[float, float, float]]


class Plugin:
    """A loaded plugin.

    Call `process` and `turn` on the render thread, and all other methods on one other thread.

    Args:
        path: path of the plugin.
        mono: see `Trial`.
        channels: number of channels of a block.
        sample_rate: in Hz.
        block_size: maximum number of samples in a block.
    """

    def __init__(self, path: Path, *, mono: bool, channels: int, sample_rate: int, block_size: int) -> None:
        from pedalboard._pedalboard import load_plugin

        count = channels if mono else 1
        self._instances: list[Any] = [load_plugin(str(path)) for _ in range(count)]
        self.sample_rate, self._size = sample_rate, block_size
        self._in = np.zeros((channels, block_size), np.float32)
        self._parameters = [dict(each.parameters) for each in self._instances]  # slow to read
        self.path = path
        self.name = str(self._instances[0].name)
        self.fault = ""
        """Reason for the bypass; empty while the plugin is in use."""
        self._begun = self._done = 0  # numbers of blocks
        self._seen = self._checks = 0
        self._play(self._in)  # makes the plugin allocate memory now, not in the first block
        for instance in self._instances:
            instance.reset()
        self.latency_samples = int(self._instances[0].reported_latency_samples)

    def _play(self, sound: Block) -> Block:
        rows = np.split(sound, len(self._instances))
        options = {"sample_rate": self.sample_rate, "buffer_size": self._size, "reset": False}
        played = [each.process(row, **options) for each, row in zip(self._instances, rows, strict=True)]
        return played[0] if len(played) == 1 else np.concatenate(played)

    def process(self, block: Block) -> None:
        """Process `block` [T, C] in place.

        If the plugin raises an exception or returns samples that are not finite, it is bypassed from then on.
        """
        if self.fault:
            return
        sound = self._in[:, : len(block)]
        np.copyto(sound, block.T)
        self._begun += 1
        try:
            played, fault = self._play(np.ascontiguousarray(sound)), ""
        except Exception as error:  # a plugin may raise anything, and the sound must continue
            played, fault = sound, f"it failed while playing: {error}"
        self._done = self._begun
        if fault:
            self.fault = fault
            return
        peak = float(np.abs(played).max(initial=0.0))
        if not np.isfinite(peak):
            self.fault = "it returned samples that are not finite"
            return
        missing = len(block) - played.shape[1]  # at first, pedalboard returns fewer samples
        block[:missing] = 0.0
        block[missing:] = played.T

    def hangs(self) -> bool:
        """Return True if the plugin is hanging. Call this a few times a second, from another thread."""
        begun = self._begun
        self._checks = self._checks + 1 if begun == self._seen and begun > self._done else 0
        self._seen = begun
        return self._checks >= CHECKS

    # ---- parameters

    def parameters(self) -> dict[str, tuple[float, float, float]]:
        """Return name -> (low, high, current value) in the plugin's units; choices and switches are 0..1."""
        found: dict[str, tuple[float, float, float]] = {}
        for name, parameter in self._parameters[0].items():
            low, high = _ends(parameter)
            now = getattr(self._instances[0], name) if parameter.type is float else parameter.raw_value
            found[name] = low, high, float(now)
        return found

    def raw_values(self) -> dict[str, float]:
        """Return name -> raw value, 0 to 1, of the parameters that can be automated (meters cannot)."""
        own = {name: each for name, each in self._parameters[0].items() if each.is_automatable}
        return {name: float(each.raw_value) for name, each in own.items()}

    def turn(self, name: str, raw: float) -> None:
        """Set a parameter to a raw value, 0 to 1; ignore unknown names. For the render thread.

        If the plugin raises an exception, it is bypassed from then on.
        """
        if self.fault:
            return
        try:
            for known in self._parameters:
                if name in known:
                    known[name].raw_value = raw
        except Exception as error:  # as in `process`
            self.fault = f"it failed while {name} was set: {error}"

    def raw(self, name: str, value: float | str) -> float:
        """Convert a value in the parameter's unit, or the name of a choice, to the raw value for `turn`.

        Raises:
            ControlError: the parameter does not exist, or does not accept the value.
        """
        known = self._parameters[0]
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "`/morph/get/plugins` lists them"
            raise ControlError(f"{self.name} has no parameter {name!r}: {hint}")
        parameter = known[name]
        if isinstance(value, str):
            choices = [str(choice) for choice in parameter.valid_values] if parameter.type is str else []
            if value not in choices:
                takes = f"one of {', '.join(choices[:20])}" if choices else "a number"
                raise ControlError(f"{name} is {value!r}, not {takes}")
            return float(parameter.get_raw_value_for(value))
        low, high = _ends(parameter)
        if not low <= value <= high:
            raise ControlError(f"{name} is {value:g}, not a number from {low:g} to {high:g}")
        return _raw(parameter, value)


def _ends(parameter: Any) -> tuple[float, float]:
    low, high = (parameter.range or (None, None))[:2]
    if parameter.type is not float or low is None or high is None:
        return 0.0, 1.0
    return float(low), float(high)


def _raw(parameter: Any, value: float) -> float:
    return value if parameter.type is not float else float(parameter.get_raw_value_for(value))


class Chain:
    """Plugins in series, followed by `output.limit`, which compresses loud samples into the range ±1.

    Attributes:
        plugins: the plugins in order, including bypassed plugins.
    """

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self.plugins = tuple(plugins)
        self._reported: set[int] = set()

    @property
    def latency_samples(self) -> int:
        """Total latency of the plugins in use, in samples."""
        return sum(plugin.latency_samples for plugin in self.plugins if not plugin.fault)

    def process(self, block: Block) -> None:
        """Process `block` [T, C] in place, within ±1. For the render thread."""
        for plugin in self.plugins:
            plugin.process(block)
        if float(np.abs(block).max(initial=0.0)) > THRESHOLD:
            limit(block)

    def hung(self) -> str:
        """Return the name of the plugin in which the render thread is hanging, or ""; see `Plugin.hangs`."""
        return next((plugin.name for plugin in self.plugins if plugin.hangs()), "")

    def play(self, blocks: Iterable[Block], channels: int) -> Iterator[Block]:
        """Process a complete sound in blocks [T, C], and remove the latency: the length stays the same.

        Raises:
            PluginError: a plugin fails.
        """
        early = self.latency_samples
        silence = np.zeros((early, channels), np.float32)
        parts = (silence[at : at + TAIL] for at in range(0, early, TAIL))
        for block in chain(blocks, parts):
            self.process(block)
            if faults := self.faults():
                raise PluginError(faults[0])
            kept = block[early:]
            early -= len(block) - len(kept)
            if len(kept):
                yield kept

    def carry_out(self, tweak: Tweak) -> None:
        """Set a plugin parameter; ignore unknown plugins and parameters. For the render thread."""
        if tweak.plugin < len(self.plugins):
            self.plugins[tweak.plugin].turn(tweak.parameter, tweak.raw)

    def facts(self) -> list[PluginFacts]:
        """Return the current state of each plugin, in order."""
        return [
            PluginFacts(each.name, each.latency_samples, each.sample_rate, each.fault, each.parameters())
            for each in self.plugins
        ]

    def tweak(self, index: int, name: str, value: float | str) -> Tweak:
        """Return the command that sets a parameter of plugin `index` (from 0) to a value in its unit.

        Raises:
            ControlError: the plugin or parameter does not exist, or the value is not accepted.
        """
        if not self.plugins:
            raise ControlError("there are no plugins; `realtime serve --plugin` loads them")
        if index >= len(self.plugins):
            raise ControlError(f"plugin is {index}, not a whole number from 0 to {len(self.plugins) - 1}")
        return Tweak(index, name, self.plugins[index].raw(name, value))

    def faults(self) -> list[str]:
        """Return the faults since the last call, as lines for the user."""
        new = [i for i, plugin in enumerate(self.plugins) if plugin.fault and i not in self._reported]
        self._reported.update(new)
        return [f"plugin {i} ({self.plugins[i].name}) is bypassed: {self.plugins[i].fault}" for i in new]


def load(
    paths: Sequence[Path],
    *,
    sample_rate: int,
    block_size: int,
    channels: int,
    say: Callable[[str], None],
    limit_s: float = TRIAL_S,
) -> Chain | None:
    """Try each plugin, and load the plugins that pass their trials; report the others with `say`.

    Raises:
        PluginError: see `require`.
    """
    require(paths)
    plugins = []
    for path in paths:
        trial = try_out(path, sample_rate, block_size, channels, limit_s)
        if trial.fault:
            say(f"plugin {path.name} is left out: {trial.fault}")
            continue
        plugins.append(
            Plugin(path, mono=trial.mono, channels=channels, sample_rate=sample_rate, block_size=block_size)
        )
    return Chain(plugins) if plugins else None


# ---- the trial, in a separate process; prints a `Trial` as JSON


def _trial(path: str, sample_rate: int, block_size: int, channels: int) -> dict[str, Any]:
    """Load a plugin, play noise and silence through it, and read all parameters."""
    from pedalboard._pedalboard import load_plugin

    try:
        plugin: Any = load_plugin(path, initialization_timeout=10.0)
    except (ImportError, OSError, ValueError, RuntimeError) as error:
        return {"fault": f"it cannot be loaded: {str(error).splitlines()[0]}"}
    if not plugin.is_effect:
        return {"fault": "it is an instrument, not an effect"}
    noise = np.random.default_rng(0)
    mono = False
    for index in range(TRIAL_BLOCKS):
        level = 0.1 if index < TRIAL_BLOCKS // 2 else 0.0
        sound = (level * noise.standard_normal((channels, block_size))).astype(np.float32)
        try:
            played = _play(plugin, sound[:1] if mono else sound, sample_rate)
        except ValueError as error:
            if channels == 1:
                return {"fault": "it does not play a single channel; use `realtime render --channels 2`"}
            if mono or index or "channel" not in str(error):
                return {"fault": f"it does not play: {error}"}
            mono = True
            played = _play(plugin, sound[:1], sample_rate)
        if not np.isfinite(played).all():
            return {"fault": "it returns samples that are not finite"}
    for parameter in plugin.parameters.values():
        _ = parameter.raw_value
    return {"mono": mono}


def _play(plugin: Any, sound: Any, sample_rate: int) -> Any:
    return plugin.process(sound, sample_rate=sample_rate, buffer_size=sound.shape[1], reset=False)


if __name__ == "__main__":
    priority.ordinary()  # a plugin in an endless loop must not take a core from the server
    print(json.dumps(_trial(sys.argv[1], *map(int, sys.argv[2:5]))), flush=True)
    os._exit(0)  # unload nothing: a plugin that fails to unload has still passed
