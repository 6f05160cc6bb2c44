"""The crossfade from the mixer of one model to the mixer of another.

`Crossfade` holds the current mixer with its sequencer, and earlier mixers while they fade out. Between two
blocks, it carries out the commands that a mixer cannot: changes of model and of plugin parameters. The
server and `realtime render` both use it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.synth.commands import Command, Panic, Sequencing, SetZ, Swap, Tweak
from realtime.synth.mixer import Mixer
from realtime.synth.sequencer import Played, Sequencer

Block = NDArray[np.float32]


class Effects(Protocol):
    """Effects that process every block after the mixer, in place, on the render thread."""

    @property
    def latency_samples(self) -> int: ...

    def process(self, block: Block) -> None: ...

    def carry_out(self, tweak: Tweak) -> None: ...


@dataclass(frozen=True)
class Change:
    """A request to continue with another mixer.

    Attributes:
        mixer: the new mixer, which may play any model.
        swap: the command for the log, or None.
        renewed: True if the new mixer plays another version of the same model. The point that voices follow
            and the sequencer's pattern then stay the same.
    """

    mixer: Mixer
    swap: Swap | None = None
    renewed: bool = False


class Crossfade:
    """Plays one mixer, and crossfades to another mixer on request.

    Attributes:
        mixer: the current mixer.
        sequencer: sends hits and moves of the point (the performer's position in the latent space) to the
            current mixer; empty and stopped after a switch to another model.
        fading: True while an earlier mixer is audible.
    """

    def __init__(self, mixer: Mixer, effects: Effects | None = None) -> None:
        self.mixer = mixer
        self.sequencer = Sequencer(mixer.sample_rate)
        self._effects = effects
        self._leaving: list[Mixer] = []
        self._scratch = np.zeros((0, mixer.channels), np.float32)

    @property
    def fading(self) -> bool:
        return bool(self._leaving)

    def submit(self, command: Command | Change, at_sample: int = 0) -> None:
        """Submit a command to the mixer or the sequencer; a `Change` or `Tweak` takes effect at once."""
        if isinstance(command, Change):
            self._change_to(command)
        elif isinstance(command, Tweak):
            if self._effects is not None:
                self._effects.carry_out(command)
            self._log(command)
        elif isinstance(command, Sequencing):
            self.sequencer.submit(command, at_sample)
        else:
            if isinstance(command, Panic):
                self.sequencer.submit(command, at_sample)
            self.mixer.submit(command, at_sample)

    def coming(self, samples: int) -> tuple[Played, ...]:
        """Return the hits and the first move of the sequencer's next step if it begins within `samples`."""
        return self.sequencer.coming(self.mixer.position + samples)

    def render(self, block: Block) -> None:
        """Write the next T samples, in the form that plugins receive: float32 [T, channels], within ±1."""
        begin = self.mixer.position
        for sample, played in self.sequencer.take(begin, begin + len(block)):
            self.mixer.submit(played, sample)
        self.mixer.render(block)
        if not self._leaving:
            return
        if len(self._scratch) < len(block):
            self._scratch = np.zeros_like(block)
        for mixer in list(self._leaving):
            tail = self._scratch[: len(block)]
            mixer.render(tail)
            block += tail
            np.clip(block, -1.0, 1.0, out=block)
            if mixer.silent:
                self._leaving.remove(mixer)

    def _change_to(self, change: Change) -> None:
        point = self.mixer.glide.at(self.mixer.position)
        change.mixer.take_over(self.mixer)
        self._leaving.append(self.mixer)
        self.mixer = change.mixer
        if change.swap is not None:
            self._log(change.swap)
        if change.renewed:
            self.mixer.submit(SetZ(tuple(point.tolist())))
        else:
            self.sequencer = Sequencer(change.mixer.sample_rate)

    def _log(self, command: Command) -> None:
        if self.mixer.tap is not None:
            self.mixer.tap(self.mixer.position, command)
