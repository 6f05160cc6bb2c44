"""Starts and ends the learner, the process that trains the model and writes the files for the server."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from export.errors import ExportError
from realtime.util.errors import RealtimeError
from realtime.util.recordings import lock_file
from trainer.commands.signals import signals
from trainer.errors import TrainerError

if TYPE_CHECKING:
    from export.play.job import Job

CHECK_S = 0.2
"""Longest time between two values of `Learner.versions`, in seconds."""
WAIT_S = 0.5
"""Time in seconds between two checks whether another training of the run has ended."""
ENDING = {signal.SIGINT, signal.SIGTERM}
"""The signals on which the learner saves the run and ends."""


class Learner:
    """The learner process. The constructor starts it."""

    def __init__(self, job: Job) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_main, args=(job, theirs), name="learner")
        with _blocked(ENDING):  # the new process unblocks the signals once it has handlers for them
            self._process.start()
        theirs.close()

    def versions(self) -> Iterator[bool]:
        """Yield True for each new version of the model file, until the process ends.

        Yields False after each `CHECK_S` seconds without a new version.
        """
        with contextlib.suppress(EOFError, OSError):
            while True:
                new = self._connection.poll(CHECK_S)
                if new:
                    self._connection.recv()
                yield new
        self._process.join()

    @property
    def code(self) -> int:
        """Exit code of the ended process; 128 + the signal's number if a signal killed the process."""
        code = self._process.exitcode
        assert code is not None
        return 128 - code if code < 0 else code

    def close(self) -> None:
        """Ask the process to save the run and end, and wait until it has ended."""
        if self._process.exitcode is None:
            self._process.terminate()
        self._process.join()
        self._connection.close()


@contextlib.contextmanager
def _blocked(numbers: set[signal.Signals]) -> Iterator[None]:
    """Block signals within the `with` block; they are also blocked in a process that starts in the block."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its start would unblock the signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _main(job: Job, connection: Connection) -> None:
    """Train, and end the process with an exit code."""
    with signals() as caught:
        sys.exit(_learn(job, lambda: _tell(connection), caught))


@contextlib.contextmanager
def _ending_at_once(job: Job) -> Iterator[None]:
    """Unblock the signals; within the `with` block, a signal ends the process at once."""

    def end(number: int, frame: FrameType | None) -> None:
        _report_nothing(job)
        os._exit(128 + number)

    before = {number: signal.signal(number, end) for number in ENDING}
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(connection: Connection) -> None:
    with contextlib.suppress(OSError):  # the other process has ended
        connection.send(None)


def _learn(job: Job, published: Callable[[], None], caught: list[int]) -> int:
    try:
        with _ending_at_once(job):
            _lock(job.out)
            from export.play.learning import learn
        return learn(job, published, caught)
    except ModuleNotFoundError as error:
        from realtime.util import install

        return fail(f"{error.name} is not installed: {install.command('soundmorph[cpu,learn]')}")
    except (ExportError, TrainerError, RealtimeError) as error:
        return fail(str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return fail(f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        _report_nothing(job)
        return 130
    finally:
        with contextlib.suppress(OSError):
            job.out.rmdir()  # if nothing is in it


def _lock(out: Path) -> None:
    """Lock the folder of a run until this process ends; first wait until no other training has locked it."""

    def locked() -> bool:
        out.mkdir(parents=True, exist_ok=True)
        return sys.platform == "win32" or lock_file(out) is not None

    if locked():
        return
    print(f"another `trainer play` is already training {out}; waiting for it to end ...", flush=True)
    parent = multiprocessing.parent_process()
    while not locked():
        if parent is not None and not parent.is_alive():
            raise KeyboardInterrupt
        time.sleep(WAIT_S)


def _report_nothing(job: Job) -> None:
    """Print that nothing was saved, and how to play the model if the run has one already."""
    later = f"; to play the model: {job.serve_command}" if job.model.exists() else ""
    print(f"no new version was saved{later}", flush=True)


def fail(text: str) -> int:
    """Print an error; return the exit code for user errors."""
    print(f"trainer play: error: {text}", file=sys.stderr)
    return 2
