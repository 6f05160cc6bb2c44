"""Runs long work, and work on uploaded files, in separate programs, which end with the server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from realtime.util.errors import RealtimeError

OWN_SESSION: dict[str, Any] = {} if sys.platform == "win32" else {"start_new_session": True}
"""Arguments of `create_subprocess_exec` for a program that Ctrl-C does not reach."""


async def run_module(module: str, *arguments: str, limit_s: float) -> Any:
    """Run a Python module and return the JSON that it prints; kill it after `limit_s` or if cancelled.

    Raises:
        RealtimeError: the module failed; the message is the last line of its output.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command(module, arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **OWN_SESSION,
        )
    except OSError as error:
        raise RealtimeError(f"cannot start a process: {error.strerror or error}") from None
    try:
        output, errors = await asyncio.wait_for(process.communicate(), limit_s)
    except (TimeoutError, asyncio.TimeoutError):
        raise RealtimeError(f"not done within {limit_s:g} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    if process.returncode:
        lines = errors.decode(errors="replace").strip().splitlines()
        ended = f"ended by {signal.Signals(-process.returncode).name}" if process.returncode < 0 else "failed"
        raise RealtimeError(lines[-1].removeprefix("realtime: ").removeprefix("error: ") if lines else ended)
    return json.loads(output)


def command(module: str, arguments: Sequence[str]) -> list[str]:
    """Return the command that runs a Python module."""
    return [sys.executable, "-m", module, *arguments]
