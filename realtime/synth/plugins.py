"""Effects after the mixer: VST3 (and on macOS AU) plugins, through pedalboard.

A plugin is machine code of others, within our process. So each is tried in a process of its own first:
`python -m realtime.synth.plugins PATH RATE BLOCK CHANNELS` loads it and plays some blocks. One that fails
there, or takes too long, is left out.

A plugin may also hang later. `Chain.watch`, on another thread, then gives it up while the render thread is
still inside. Each call into a plugin has a token; the thread that takes the token out goes on with the block:
the render thread when the plugin returns, or the watching thread. A thread that finds no token is too late.
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
from realtime.util import priority
from realtime.util.errors import ControlError, HungError, RealtimeError

Block = NDArray[np.float32]

MAX_PLUGINS = 32
TRIAL_BLOCKS = 64  # of noise, then silence, in a trial
TRIAL_S = 20.0  # for a plugin to load and to play; a second is usual
LOOKS = 5  # of the watch that find a plugin in the same block, before it is given up
TAIL = 64  # samples of silence at a time that bring the end of a sound out


class PluginError(RealtimeError):
    """A plugin that cannot be used here."""


def require(paths: Sequence[Path]) -> None:
    """Check that plugins can be used, before anything else starts.

    Raises:
        PluginError: pedalboard is missing, a file does not exist, or there are more than `MAX_PLUGINS`.
    """
    if paths and not find_spec("pedalboard"):
        raise PluginError("--plugin needs one more package (GPL-3): pip install pedalboard")
    if len(paths) > MAX_PLUGINS:
        raise PluginError(f"{len(paths)} plugins; {MAX_PLUGINS} are accepted")
    for path in paths:
        if not path.exists():
            raise PluginError(f"no such plugin: {path}")


@dataclass(frozen=True)
class Trial:
    """How a plugin did.

    Attributes:
        fault: what went wrong, in words; empty if nothing did.
        mono: it takes one channel only, so each channel gets an instance.
    """

    fault: str = ""
    mono: bool = False


def try_out(path: Path, sample_rate: int, block_size: int, channels: int, limit_s: float = TRIAL_S) -> Trial:
    """Load and play a plugin in another process."""
    shape = [str(sample_rate), str(block_size), str(channels)]
    command = [sys.executable, "-m", "realtime.synth.plugins", str(path.absolute()), *shape]
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit_s, check=False
        )
    except subprocess.TimeoutExpired:
        return Trial(f"it did not get through its trial within {limit_s:g} s")
    lines = [line for line in ended.stdout.splitlines() if line.startswith("{")]
    if ended.returncode == 0 and lines:
        return Trial(**json.loads(lines[-1]))
    if ended.returncode < 0:
        return Trial(f"it crashed in its trial (signal {-ended.returncode})")
    return Trial(f"it ended its trial with exit code {ended.returncode}")


class Plugin:
    """A plugin on the air. `process` is for the render thread, all else for one other thread.

    Args:
        path: of the plugin.
        mono: see `Trial`.
        channels: of the blocks.
        sample_rate: in Hz.
        block_size: the most samples in a block.
    """

    def __init__(self, path: Path, *, mono: bool, channels: int, sample_rate: int, block_size: int) -> None:
        from pedalboard._pedalboard import load_plugin

        count = channels if mono else 1
        self._instances: list[Any] = [load_plugin(str(path)) for _ in range(count)]
        self.sample_rate, self._size = sample_rate, block_size
        self._in = np.zeros((channels, block_size), np.float32)
        self._parameters = [dict(each.parameters) for each in self._instances]  # asked once: it takes a while
        self.path = path
        self.name = str(self._instances[0].name)
        self.fault = ""
        """Why it is bypassed; empty while it plays."""
        self.hangs = False
        """Whether a call into it has not come back: nothing in it is to be touched again."""
        self._inside: list[int] = []  # the token, which is the number of the call
        self._calls = self._seen = self._looks = 0
        self._play(self._in)  # so that the first block allocates nothing more
        for instance in self._instances:
            instance.reset()
        self.latency_samples = int(self._instances[0].reported_latency_samples)

    def _play(self, sound: Block) -> Block:
        rows = np.split(sound, len(self._instances))
        options = {"sample_rate": self.sample_rate, "buffer_size": self._size, "reset": False}
        played = [each.process(row, **options) for each, row in zip(self._instances, rows, strict=True)]
        return played[0] if len(played) == 1 else np.concatenate(played)

    def process(self, block: Block) -> None:
        """Play `block` [T, C] in place. A plugin that raises is bypassed from then on.

        Raises:
            HungError: `watch` has given it up meanwhile; the block is no longer ours.
        """
        if self.fault:
            return
        sound = self._in[:, : len(block)]
        np.copyto(sound, block.T)
        self._calls += 1
        self._inside.append(self._calls)
        try:
            played, fault = self._play(np.ascontiguousarray(sound)), ""
        except Exception as error:  # anything may come out of a plugin, and the sound has to go on
            played, fault = sound, f"it failed while playing: {error}"
        if not _take(self._inside):
            raise HungError
        if fault:
            self.fault = fault
            return
        peak = float(np.abs(played).max(initial=0.0))
        if not np.isfinite(peak):
            self.fault = "it gave something that is not a number"
            return
        missing = len(block) - played.shape[1]  # pedalboard holds the latency back at the beginning
        block[:missing] = 0.0
        block[missing:] = played.T

    def watch(self) -> bool:
        """Look whether it hangs, from another thread; True when it has just been given up."""
        call = max(self._inside, default=0)
        self._looks = self._looks + 1 if call and call == self._seen else 0
        self._seen = call
        if self._looks < LOOKS or not _take(self._inside):
            return False
        self.hangs, self.fault, self._looks = True, "it hung while playing", 0
        return True

    # ---- parameters

    def parameters(self) -> dict[str, tuple[float, float, float]]:
        """Name -> lowest, highest and present value, in the plugin's units; a choice or switch is 0..1."""
        found: dict[str, tuple[float, float, float]] = {}
        if self.hangs:
            return found
        for name, parameter in self._parameters[0].items():
            low, high = _ends(parameter)
            now = getattr(self._instances[0], name) if parameter.type is float else parameter.raw_value
            found[name] = low, high, float(now)
        return found

    def raw_values(self) -> dict[str, float]:
        """Name -> present value from 0 to 1, as the plugin keeps it; no meters, nothing of the host's."""
        own = {name: each for name, each in self._parameters[0].items() if each.is_automatable}
        return {name: float(each.raw_value) for name, each in own.items()}

    def turn(self, name: str, raw: float) -> None:
        """Set a parameter, if there is one of that name, to a value from 0 to 1. For the render thread.

        A plugin that raises is bypassed from then on.
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
        """What `turn` takes for a value in the parameter's unit; a text names one of its choices.

        Raises:
            ControlError: no such parameter, or a value out of its range.
        """
        if self.hangs:
            raise ControlError(f"{self.name} is bypassed: {self.fault}")
        known = self._parameters[0]
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "`/morph/get/plugins` tells them"
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


def _take(tokens: list[int]) -> bool:
    """Take the token out, if it is there: true for one thread only."""
    try:
        tokens.pop()
    except IndexError:
        return False
    return True


def _ends(parameter: Any) -> tuple[float, float]:
    low, high = (parameter.range or (None, None))[:2]
    if parameter.type is not float or low is None or high is None:
        return 0.0, 1.0
    return float(low), float(high)


def _raw(parameter: Any, value: float) -> float:
    return value if parameter.type is not float else float(parameter.get_raw_value_for(value))


class Chain:
    """Plugins one after the other, and a last look at what they give.

    Attributes:
        plugins: in order; those that are bypassed, too.
    """

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self.plugins = tuple(plugins)
        self._told: set[int] = set()

    @property
    def latency_samples(self) -> int:
        """What the plugins that play add, in samples."""
        return sum(plugin.latency_samples for plugin in self.plugins if not plugin.fault)

    def process(self, block: Block) -> None:
        """Play `block` [T, C] in place; never beyond full scale. For the render thread."""
        for plugin in self.plugins:
            plugin.process(block)
        if float(np.abs(block).max(initial=0.0)) > THRESHOLD:
            limit(block)

    def watch(self) -> bool:
        """Look after the plugins, some times a second and not on the render thread.

        Returns:
            True if the render thread hangs in one: that is bypassed now, and a new thread is wanted.
        """
        return any(plugin.watch() for plugin in self.plugins)

    def play(self, blocks: Iterable[Block], channels: int) -> Iterator[Block]:
        """Play whole sounds, block [T, C] by block, as long as they are: the latency is taken off.

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
        """Set a parameter, if there is such a plugin and it has one. For the render thread."""
        if tweak.plugin < len(self.plugins):
            self.plugins[tweak.plugin].turn(tweak.parameter, tweak.raw)

    def tweak(self, index: int, name: str, value: float | str) -> Tweak:
        """The command that sets a parameter of a plugin, counted from 0, to a value in its unit.

        Raises:
            ControlError: there is none, or the value is not accepted.
        """
        if index >= len(self.plugins):
            raise ControlError(f"there are {len(self.plugins)} plugins, counted from 0; not {index}")
        return Tweak(index, name, self.plugins[index].raw(name, value))

    def faults(self) -> list[str]:
        """What has gone wrong since the last call, in lines for the user."""
        new = [i for i, plugin in enumerate(self.plugins) if plugin.fault and i not in self._told]
        self._told.update(new)
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
    """Try each plugin, and put those that pass on the air; the others are told and left out.

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


# ---- the trial, in a process of its own; prints a `Trial` as JSON


def _trial(path: str, sample_rate: int, block_size: int, channels: int) -> dict[str, Any]:
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
    for index in range(TRIAL_BLOCKS):
        level = 0.1 if index < TRIAL_BLOCKS // 2 else 0.0
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
    print(json.dumps(_trial(sys.argv[1], *map(int, sys.argv[2:5]))), flush=True)
    os._exit(0)  # a plugin that cannot be let go of has still passed
