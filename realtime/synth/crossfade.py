"""The mixer that plays, those it has taken over from while they fade, and the plugins behind them.

What is not one mixer's own is carried out here, between two blocks: a change of model, and a parameter of a
plugin. The server's engine and `realtime render` use the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.synth.commands import Command, Swap, Tweak
from realtime.synth.mixer import Mixer

Block = NDArray[np.float32]


class Effects(Protocol):
    """What every block passes after the mixer, in place and on the render thread.

    `process` raises `HungError` on a thread that hung in it and has been given up meanwhile.
    """

    @property
    def latency_samples(self) -> int: ...

    def process(self, block: Block) -> None: ...

    def carry_out(self, tweak: Tweak) -> None: ...


@dataclass(frozen=True)
class Change:
    """Play on with `mixer`, of any model; `swap` tells what a log is to keep of it."""

    mixer: Mixer
    swap: Swap | None = None


class Crossfade:
    """Plays a mixer, and others in its place.

    Attributes:
        mixer: the one that plays now.
        fading: whether one that played before can still be heard.
    """

    def __init__(self, mixer: Mixer, effects: Effects | None = None) -> None:
        self.mixer = mixer
        self._effects = effects
        self._leaving: list[Mixer] = []
        self._scratch = np.zeros((0, mixer.channels), np.float32)

    @property
    def fading(self) -> bool:
        return bool(self._leaving)

    def submit(self, command: Command | Change, at_sample: int = 0) -> None:
        """As `Mixer.submit`; a `Change` and a `Tweak` are carried out at once, whatever the sample."""
        if isinstance(command, Change):
            self._change_to(command)
        elif isinstance(command, Tweak):
            if self._effects is not None:
                self._effects.carry_out(command)
            self._tell(command)
        else:
            self.mixer.submit(command, at_sample)

    def render(self, block: Block) -> None:
        """Write the next T samples: float32 [T, channels], within ±1. The plugins have not been there yet."""
        self.mixer.render(block)
        if not self._leaving:
            return
        if len(self._scratch) < len(block):
            self._scratch = np.zeros_like(block)
        for mixer in list(self._leaving):
            faded = self._scratch[: len(block)]
            mixer.render(faded)
            block += faded
            np.clip(block, -1.0, 1.0, out=block)
            if mixer.silent:
                self._leaving.remove(mixer)

    def _change_to(self, change: Change) -> None:
        change.mixer.take_over(self.mixer)
        self._leaving.append(self.mixer)
        self.mixer = change.mixer
        if change.swap is not None:
            self._tell(change.swap)

    def _tell(self, command: Command) -> None:
        if self.mixer.tap is not None:
            self.mixer.tap(self.mixer.position, command)
