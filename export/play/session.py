"""Plays a folder of sounds while it is learnt: the stage and the learner, each a process of its own.

    learner ── files of the model ──► stage      this process starts both, and announces new files

So the stage keeps playing if the learner is killed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import closing

from export.play.job import Job
from export.play.learner import ENDING, Learner
from export.play.stage import Stage
from realtime.util.errors import over_progress
from trainer.commands.signals import signals

SHOW_CURSOR = "\x1b[?25h"
"""Shows the cursor, which a killed progress bar leaves hidden."""


def play(job: Job, options: Sequence[str]) -> int:
    """Learn the sounds of a folder while the stage plays them, until Ctrl-C.

    A model from an earlier run of the folder plays at once.

    Args:
        options: options of `realtime serve`.

    Returns:
        0, also after Ctrl-C if a model played; 128 + the signal that ended the learning before that; 2 after
        a mistake; or the exit code of a server that ended first.
    """
    Stage.check(options)
    with (
        signals() as caught,
        closing(Stage(job.model, options)) as stage,
        closing(Learner(job)) as learner,
    ):

        def stop() -> bool:
            return bool(caught)

        earlier = job.model.exists()
        start = "the version of an earlier run plays" if earlier else "the first version takes up to a minute"
        print(f"learns {job.data}; {start} ...", flush=True)
        if earlier:
            stage.play(stop)
        for new in learner.versions():
            if stop() or stage.ended:
                if caught and stage.started:
                    print(
                        over_progress("saving (interrupt again to quit without saving)", sys.stdout),
                        flush=True,
                    )
                    stage.close()  # prints its summary before the lines of the learner
                learner.close()
                return _saved(stage, learner) if caught else stage.wait()
            if new:
                stage.play(stop)
        if not stage.started or caught:
            return _saved(stage, learner)
        if learner.code:
            print(_ended(job, learner.code), file=sys.stderr, flush=True)
        else:
            print(f"learnt; plays until Ctrl-C. Later: {job.serve_command}", flush=True)
        code = stage.wait(stop) or learner.code
        if caught:
            stage.close()  # prints its summary before the next line
        if caught and not learner.code:
            print(f"to play the model later: {job.serve_command}", flush=True)
        return code


def _saved(stage: Stage, learner: Learner) -> int:
    """Return the exit code after Ctrl-C: 0 if the model of the run has played and the learner has saved."""
    return 0 if stage.started and learner.code - 128 in ENDING else learner.code


def learn(job: Job) -> int:
    """Learn the sounds of a folder for a server that already runs; return 0, 2, or 128 + a signal."""
    with signals() as caught, closing(Learner(job)) as learner:
        for _ in learner.versions():
            if caught:
                learner.close()
    return learner.code


def _ended(job: Job, code: int) -> str:
    """Return a line about a learner that ended with this exit code."""
    why = f" ({signal.Signals(code - 128).name})" if code > 128 else ""
    cursor = SHOW_CURSOR if os.isatty(sys.stderr.fileno()) else ""
    return (
        f"{cursor}trainer play: the learning has ended{why}; the last version plays until Ctrl-C. "
        f"To continue the learning: {job.continue_command}"
    )
