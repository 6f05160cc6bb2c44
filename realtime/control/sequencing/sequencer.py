"""The drum sequencer between performers and the engine: edits in; commands, answers and news out."""

from __future__ import annotations

from collections.abc import Iterator

from realtime.control.latent_space import LatentSpace
from realtime.control.pattern import LANE_QUANTITIES, MAX_STEPS, Lane, Pattern, Patterns
from realtime.control.protocol import REPLY_ITEMS, Message
from realtime.control.replies import pairs
from realtime.control.requests import (
    AddLane,
    DeletePattern,
    Edit,
    PatternRequest,
    RecallPattern,
    StorePattern,
    UndoEdit,
)
from realtime.control.settings import History
from realtime.synth.commands import Command, SetClock, SetStep, StartSteps, Trigger, Z
from realtime.util.errors import ControlError

SETTLE_S = 0.1  # without an edit, until the sounds of a pattern are decoded ahead
MAX_PREPARED = 128  # points that are decoded ahead for a pattern


class Sequencer:
    """What performers ask of the sequencer that the engine has. For one thread; `adopt` comes first.

    Attributes:
        playing: whether it was started last, not stopped.
        revision: goes up with every change that `state` tells of.
    """

    def __init__(self) -> None:
        self.playing = False
        self.revision = -1
        self._told_revision = 0
        self._told: list[Message] = []

    def adopt(self, space: LatentSpace, patterns: Patterns) -> None:
        """Turn to a model, with the patterns kept for it; the engine is at rest, and knows nothing yet.

        Args:
            places: where the points of lanes are looked up.
            patterns: with the one that is edited.
        """
        self.playing = False
        self._space = space
        self._patterns = patterns
        self._history: History[Pattern] = History()
        self._name = ""
        self._edited_s = float("-inf")
        self._forget()

    def _forget(self) -> None:
        """Take note that the engine knows nothing."""
        self._sent: tuple[SetClock, list[tuple[Trigger, ...]]] = Pattern().clock, [()] * MAX_STEPS
        self._prepared: frozenset[Z] = frozenset()
        self.look_again()

    @property
    def pattern(self) -> Pattern:
        """The one that is edited, and played."""
        return self._patterns.grid

    def carry_out(self, request: PatternRequest, now: float) -> list[Message]:
        """Do what a message asks for at monotonic time `now`; the answers that can be given at once.

        Raises:
            ControlError: it cannot be done.
        """
        match request:
            case Edit(change):
                self._edit(change(self.pattern), now)
            case AddLane(start, end):
                self._edit(self.pattern.with_lane(Lane(start, end)), now)
                return [Message("/morph/done", ("/morph/seq/add", len(self.pattern.lanes) - 1))]
            case UndoEdit(again):
                history = self._history
                found = history.redo(self.pattern) if again else history.undo(self.pattern)
                if found is None:
                    raise ControlError(f"nothing to {'redo' if again else 'undo'}")
                self._set(found, now)
            case RecallPattern(name):
                self._edit(self._patterns[name], now)
                self._name = name
            case StorePattern(name):
                self._patterns.store(name)
                self._name = name
                self.revision += 1
            case DeletePattern(name):
                self._patterns.delete(name)
        return []

    def _edit(self, pattern: Pattern, now: float) -> None:
        if self._history.begins(now):
            self._history.keep(self.pattern)
        self._set(pattern, now)

    def _set(self, pattern: Pattern, now: float) -> None:
        self._patterns.grid = pattern
        self._name = ""
        self._edited_s = now
        self.look_again()

    def look_again(self) -> None:
        """Take note that named points may have changed."""
        self._stale = True  # what was sent may not be what is to be played
        self.revision += 1

    def note_playing(self, playing: bool) -> None:
        """Take note of a start or a stop."""
        self.revision += playing != self.playing
        self.playing = playing

    # ---- for the engine

    def commands(self) -> list[Command]:
        """Return what the engine has to be told since the last call."""
        if not self._stale:
            return []
        self._stale = False
        clock, steps = self.pattern.clock, self.pattern.hits(self._space)
        before_clock, before_steps = self._sent
        self._sent = clock, steps
        changed = [SetStep(i, hits) for i, hits in enumerate(steps) if hits != before_steps[i]]
        return [*([] if clock == before_clock else [clock]), *changed]

    def begin_anew(self) -> list[Command]:
        """Return what an engine has to be told that knows nothing yet."""
        self._forget()
        return [*self.commands(), *([StartSteps()] if self.playing else [])]

    def unprepared(self, now: float) -> tuple[Z, ...]:
        """Return the points to be decoded ahead, once no edit has come for a while."""
        if now - self._edited_s < SETTLE_S or self._stale:
            return ()
        points = dict.fromkeys(hit.point for hits in self._sent[1] for hit in hits if hit.point is not None)
        fresh = [point for point in points if point not in self._prepared]
        self._prepared = frozenset(points)
        return tuple(fresh[:MAX_PREPARED])

    # ---- for performers

    def patterns(self) -> list[Message]:
        """Return the names of the patterns that are kept, as many messages as they need."""
        names = list(self._patterns)
        parts = range(0, max(len(names), 1), REPLY_ITEMS)
        return [Message("/morph/patterns.reply", tuple(names[at : at + REPLY_ITEMS])) for at in parts]

    def state(self) -> list[Message]:
        """Return everything there is to be drawn, but for the playhead."""
        return [self._head(), *map(self._lane, range(len(self.pattern.lanes)))]

    def news(self) -> Iterator[Message]:
        """Return what has changed of `state` since the last call."""
        if self._told_revision == self.revision:
            return
        before, self._told = self._told, self.state()
        self._told_revision = self.revision
        yield from (message for message in self._told if message not in before)

    def _head(self) -> Message:
        pattern = self.pattern
        return pairs(
            "seq",
            {
                "revision": self.revision,
                "playing": int(self.playing),
                "tempo": pattern.tempo,
                "swing": pattern.swing,
                "steps": pattern.steps,
                "lanes": len(pattern.lanes),
                "pattern": self._name,
                "undo": int(self._history.undoable),
                "redo": int(self._history.redoable),
            },
        )

    def _lane(self, index: int) -> Message:
        pattern = self.pattern
        lane = pattern.lanes[index]
        ends = "from", lane.start, "to", lane.end
        settings = [x for name in LANE_QUANTITIES for x in (name, getattr(lane, name))]
        steps = zip(lane.velocities[: pattern.steps], lane.morphs[: pattern.steps], strict=True)
        missing = "missing", lane.missing(self._space)
        flat = [x for step in steps for x in step]
        return Message("/morph/seq/lane.reply", (index, *ends, *settings, *missing, "steps", *flat))
