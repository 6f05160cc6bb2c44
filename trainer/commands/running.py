"""Train a model from the command line: start the processes, show the progress, handle interrupts."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning_fabric import Fabric

from trainer.commands import installed
from trainer.commands.signals import signals
from trainer.config import Config
from trainer.data import findings
from trainer.run import devices, fit, progress
from trainer.run.checkpoint import Checkpoint
from trainer.run.state import State
from trainer.run.steps import Display


def train(
    config: Config, data: Path, out: Path, saved: Checkpoint | None, base: Checkpoint | None = None
) -> int:
    """Start a run, from the weights of `base` if it is given, or continue the run of `saved`.

    Returns:
        The exit code: 0, or 128 + the number of the signal after which the run was saved and stopped.
    """
    fabric = devices.make(config.fit)
    fabric.launch()  # with several devices, the other processes run this command too
    if not fabric.is_global_zero:
        devices.end_with_parent()
        with signals() as caught:
            state = _state(config, data, saved, base, fabric)
            fabric.barrier()
            fit.run(state, out, progress.Silent(), stop=lambda: bool(caught))
        return 0
    bars = progress.Bars(config.fit.epochs)
    with signals() as caught, bars.live():

        def reading(done: int, total: int) -> None:
            if caught:
                raise KeyboardInterrupt  # there is nothing to save yet
            bars.reading(done, total)

        state = _state(config, data, saved, base, fabric, reading)
        findings.show(findings.brief(state.sounds), sys.stderr)
        classes = ", ".join(state.sounds.classes)
        times = f" x {fabric.world_size}" if fabric.world_size > 1 else ""
        bars.note(
            f"{state.parts} | {config.model.architecture} on {state.device}{times} | classes: {classes}"
        )
        if base is not None:
            bars.note(
                f"starts from a base model trained on {', '.join(base.classes)} (--from none: random weights)"
            )
        if saved is None:
            out.mkdir(parents=True, exist_ok=True)
            fit.clear(out)
        fabric.barrier()
        with _displays(state, out, bars) as display:
            done = fit.run(state, out, display, stop=lambda: bool(caught))
    quoted, trainer = shlex.quote(str(out)), installed.program("trainer")
    if not done:
        steps = f"{state.step} of {state.steps} steps"
        print(f"stopped after {steps}; continue with: {trainer} fit --resume {quoted}")
        return 128 + caught[0] if caught else 130
    if state.epoch < config.fit.epochs:
        print(f"ended after {state.epoch} of {config.fit.epochs} epochs: the validation loss stopped falling")
    print(f"done: {quoted}; next: {trainer} export {quoted} -o {shlex.quote(f'{data.resolve().name}.onnx')}")
    return 0


@contextmanager
def _displays(state: State, out: Path, bars: Display) -> Iterator[Display]:
    """Yield a display that shows the bars, and writes TensorBoard's files if the configuration says so."""
    if not state.config.fit.tensorboard:
        yield bars
        return
    from trainer.run import board

    written = board.Board(state, out / fit.TENSORBOARD)
    try:
        yield progress.Several(bars, written)
    finally:
        written.close()


def _state(
    config: Config,
    data: Path,
    saved: Checkpoint | None,
    base: Checkpoint | None,
    fabric: Fabric,
    reading: Callable[[int, int], None] | None = None,
) -> State:
    if saved is None:
        return fit.start(config, data, reading, fabric=fabric, base=base)
    return fit.resume(saved, config, data, reading, fabric)
