"""A session of Ableton Link with two programs in one network namespace.

`python -m tests.system.link_session SECONDS` runs `realtime.surfaces.link` and starts the other program, a
peer (`… SECONDS peer`). The peer starts to play, changes its tempo halfway through, and stops. The output is
JSON: the errors of our beat, and all other messages to the sequencer.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from realtime.control.protocol import Message
from realtime.surfaces.link import BAR_BEATS, Link

TEMPOS = (100.0, 133.0)
WAIT_S = 20.0
EVERY_S = 0.01


async def peer(seconds: float) -> None:
    """Play for `seconds`; print the time, the beat and the tempo repeatedly, each time as a JSON list."""
    import aalink

    session = aalink.Link(TEMPOS[0])
    session.quantum = BAR_BEATS
    session.start_stop_sync_enabled = session.enabled = True
    end_s = time.monotonic() + WAIT_S
    while not session.num_peers and time.monotonic() < end_s:
        await asyncio.sleep(EVERY_S)
    session.tempo, session.playing = TEMPOS[0], True
    begin_s = time.monotonic()
    while (passed := time.monotonic() - begin_s) < seconds:
        if passed > seconds / 2 and session.tempo == TEMPOS[0]:
            session.tempo = TEMPOS[1]
        before_s, beat, tempo = time.monotonic(), session.beat, session.tempo
        if time.monotonic() - before_s < 0.0002:  # the process was not interrupted between these lines
            print(json.dumps([before_s, beat, tempo]), flush=True)
        await asyncio.sleep(EVERY_S)
    session.playing = False
    await asyncio.sleep(0.3)


def follow(seconds: float) -> dict[str, Any]:
    """Start a peer and follow it; return the errors of our beat in s at the peer's times, and other facts."""
    told: list[tuple[float, Message]] = []

    def handle(messages: Sequence[Message], due: float) -> None:
        told.extend((due, message) for message in messages)

    link = Link(handle, lambda line: None)
    link.start()
    command = [sys.executable, "-m", "tests.system.link_session", str(seconds), "peer"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    link.stop()
    theirs = [json.loads(line) for line in lines]
    ours = [(due, *message.arguments) for due, message in told if message.address == "/morph/seq/beat"]
    errors_s = []
    for at, beat, tempo in theirs:
        before = [each for each in ours if each[0] <= at]
        if before and abs(before[-1][2] - tempo) < 0.01:  # a new tempo is noticed only at the next poll
            due, our_beat, bpm = before[-1]
            off = our_beat + (at - due) * bpm / 60 - beat
            errors_s.append((off - BAR_BEATS * round(off / BAR_BEATS)) * 60 / tempo)
    rest = [message.address for _, message in told if message.address != "/morph/seq/beat"]
    return {
        "errors_s": errors_s,
        "seen": len(theirs),
        "told": rest,
        "tempos": sorted({bpm for _, _, bpm in ours}),
    }


if __name__ == "__main__":
    length_s = float(sys.argv[1])
    if sys.argv[2:] == ["peer"]:
        asyncio.run(peer(length_s))
    else:
        print(json.dumps(follow(length_s)))
