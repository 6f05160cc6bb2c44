"""Runs `trainer play`: starts the learner and the server, each in a separate process.

    learner ── model files ──► server

The learner trains the model and, from time to time, replaces the model files with a closer version. Then this
process tells the server (`realtime serve`) to load the files. The server keeps playing if the learner is
killed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import closing

from export.play.job import Job
from export.play.learner import ENDING, Learner
from export.play.server import Server
from realtime.util.errors import over_progress
from trainer.commands.signals import signals

SHOW_CURSOR = "\x1b[?25h"
"""Makes the terminal's cursor visible again, which a killed progress bar leaves hidden."""


def play(job: Job, options: Sequence[str]) -> int:
    """Train on the sounds of a folder while the server is playing the model, until Ctrl-C.

    If an earlier run has left a model file, the server plays that model at once.

    Args:
        job: the folders and settings.
        options: further options of `realtime serve`.

    Returns:
        The exit code: 0, also after Ctrl-C once the server has played a model; 128 + the number of the signal
        that ended the training before that; 2 after an error; or the exit code of the server if the server
        ended first.
    """
    with (
        signals() as caught,
        closing(Server(job.model, options)) as server,
        closing(Learner(job)) as learner,
    ):

        def stop() -> bool:
            return bool(caught)

        earlier = job.model.exists()
        start = (
            "playing the version of an earlier run" if earlier else "the first version takes up to a minute"
        )
        print(f"learning {job.data}; {start} ...", flush=True)
        if earlier:
            server.play(stop)
        for new in learner.versions():
            if stop() or server.ended:
                if caught:
                    _say_stopping()
                    server.close()  # now, to print the server's summary before the learner's last lines
                learner.close()
                return _saved(server, learner) if caught else server.wait()
            if new:
                server.play(stop)
        if not server.started or caught:
            return _saved(server, learner)
        if learner.code:
            print(_ended(job, learner.code), file=sys.stderr, flush=True)
        else:
            print(f"learnt; playing until Ctrl-C. To play the model later: {job.serve_command}", flush=True)
        code = server.wait(stop) or learner.code
        if caught:
            server.close()  # now, to print the server's summary before the next line
        if caught and not learner.code:
            print(f"to play the model later: {job.serve_command}", flush=True)
        return code


def _saved(server: Server, learner: Learner) -> int:
    """Return the exit code after Ctrl-C: 0 if the server has played a model and the learner has saved."""
    return 0 if server.started and learner.code - 128 in ENDING else learner.code


def learn(job: Job) -> int:
    """Train on the sounds of a folder without starting a server; return the learner's exit code."""
    with signals() as caught, closing(Learner(job)) as learner:
        for _ in learner.versions():
            if caught:
                _say_stopping()
                learner.close()
    return learner.code


def _say_stopping() -> None:
    print(over_progress("stopping (interrupt again to quit without saving) ...", sys.stdout), flush=True)


def _ended(job: Job, code: int) -> str:
    """Return a line that reports the end of a learner with this exit code."""
    why = f" ({signal.Signals(code - 128).name})" if code > 128 else ""
    cursor = SHOW_CURSOR if os.isatty(sys.stderr.fileno()) else ""
    return (
        f"{cursor}trainer play: the training has ended{why}; the last version keeps playing until Ctrl-C. "
        f"To continue the training: {job.continue_command}"
    )
