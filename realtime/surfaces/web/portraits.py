"""The pictures of sounds that the web page shows. Another process draws them when they are needed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from realtime.surfaces.web.programs import OWN_SESSION, command
from realtime.synth.commands import Z
from realtime.util.errors import RealtimeError

MODULE = "realtime.surfaces.web.portrait"
LIMIT_S = 120.0  # longest wait for an answer; long, because the machine may be busy
IDLE_S = 60.0  # time without a request after which the process ends
LINE = 2**20  # largest answer, in bytes


class Portraits:
    """Pictures of sounds of the current model, each drawn once. All pages share them."""

    def __init__(self) -> None:
        self._version = ""
        self._process: asyncio.subprocess.Process | None = None
        self._pictures: dict[Z, list[int]] = {}
        self._turns = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    async def pictures(self, path: Path, version: str, points: Sequence[Z]) -> list[list[int]]:
        """Return a picture of the sound at each point, as `portrait.picture` draws it.

        Args:
            path: the model file.
            version: digest of the model; a different version discards the pictures drawn so far.
            points: positions z [D] in the latent space.

        Raises:
            RealtimeError: the sounds cannot be decoded.
        """
        async with self._turns:
            self._select(version)
            if missing := [z for z in dict.fromkeys(points) if z not in self._pictures]:
                drawn = await self._ask(path, missing)
                self._pictures |= zip(missing, drawn, strict=True)
            return [self._pictures[z] for z in points]

    def end(self) -> None:
        """End the process."""
        if self._idle is not None:
            self._idle.cancel()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        self._process = None

    def _select(self, version: str) -> None:
        if version != self._version:
            self.end()
            self._version, self._pictures = version, {}

    async def _ask(self, path: Path, points: Sequence[Z]) -> list[list[int]]:
        """Return the pictures from the process, which is started if it is not running.

        Raises:
            RealtimeError: the process failed.
        """
        if self._idle is not None:
            self._idle.cancel()
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *command(MODULE, (str(path),)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                limit=LINE,
                **OWN_SESSION,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(points).encode() + b"\n")
            drawn: list[list[int]] = json.loads(
                await asyncio.wait_for(self._process.stdout.readline(), LIMIT_S)
            )
        except (OSError, ValueError, TimeoutError, asyncio.TimeoutError):
            self.end()
            raise RealtimeError("the sounds of this model cannot be decoded") from None
        except asyncio.CancelledError:
            self.end()  # a late answer must not be taken for the answer to the next question
            raise
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self.end)
        return drawn
