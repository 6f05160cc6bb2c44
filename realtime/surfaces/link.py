"""Ableton Link: our sequencer follows tempo, beat, start and stop of the other programs in a session."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from realtime.control.protocol import Message
from realtime.synth.quantities import TEMPO_BPM
from realtime.util import install
from realtime.util.errors import RealtimeError

PERIOD_S = 0.05  # interval between checks of the session
STOP_S = 0.5
BAR_BEATS = 4.0  # programs in a session agree on the position within a bar

Handle = Callable[[Sequence[Message], float], object]
"""Carries out messages at a monotonic time."""


def require() -> None:
    """Check that the package aalink is installed.

    Raises:
        RealtimeError: the package is missing.
    """
    if not find_spec("aalink"):
        raise RealtimeError(f"Ableton Link needs aalink (GPL): {install.command('soundmorph[link]')}")


class Link:
    """A member of the Link session of the local network; `start` joins it on a thread of its own.

    Args:
        handle: carries out the messages for our sequencer.
        say: called with one line when the number of other programs changes.
    """

    def __init__(self, handle: Handle, say: Callable[[str], None]) -> None:
        self._handle, self._say = handle, say
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)
        self._peers = 0
        self._playing = False

    def start(self) -> None:
        """Join the session."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the session."""
        self._closing.set()
        self._thread.join(STOP_S)

    def _run(self) -> None:
        asyncio.run(self._follow())

    async def _follow(self) -> None:
        import aalink

        session = aalink.Link(TEMPO_BPM.default)
        session.quantum = BAR_BEATS
        session.start_stop_sync_enabled = True
        session.enabled = True
        while not self._closing.is_set():
            self._check(session)
            await asyncio.sleep(PERIOD_S)
        session.enabled = False

    def _check(self, session: Any) -> None:
        peers = int(session.num_peers)
        if peers != self._peers:
            self._peers = peers
            self._say(f"Link: {peers} other {'program' if peers == 1 else 'programs'} in the session")
        if not peers:
            return
        bpm, now, beat = float(session.tempo), time.monotonic(), float(session.beat)
        messages = [Message("/morph/seq/beat", (beat, bpm))] if TEMPO_BPM.accepts(bpm) else []
        if bool(session.playing) != self._playing:
            self._playing = not self._playing
            messages.append(Message(f"/morph/seq/{'start' if self._playing else 'stop'}"))
        if messages:
            self._handle(messages, now)
