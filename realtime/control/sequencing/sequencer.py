"""Applies edits to the drum sequencer's pattern; produces commands for the engine, and replies."""

from __future__ import annotations

from collections.abc import Iterator

from realtime.control.latent_space import LatentSpace
from realtime.control.pattern import MAX_STEPS, Lane, Pattern, Patterns
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
from realtime.control.state.history import History
from realtime.synth.commands import Command, SetClock, SetStep, StartSteps, Z
from realtime.util.errors import ControlError

SETTLE_S = 0.1  # time without an edit before a pattern's sounds are decoded in advance
AUDIBLE_BPM = 0.06  # smaller changes in the tempo of an external beat are not displayed
MAX_PREPARED = 128  # maximum number of points whose sounds are decoded in advance for a pattern


class Sequencer:
    """The editable state of the engine's sequencer. Not thread-safe; call `adopt` first.

    Attributes:
        playing: True between start and stop.
        revision: rises with every change to the messages that `state` returns.
    """

    def __init__(self) -> None:
        self.playing = False
        self.revision = -1
        self._reported_revision = 0
        self._reported: list[Message] = []

    def adopt(self, space: LatentSpace, patterns: Patterns) -> None:
        """Switch to a model and its patterns. Record the engine's sequencer as stopped and empty.

        Args:
            space: resolves the names of points. A lane (row of steps) plays sounds between two points.
            patterns: the model's patterns, current and stored.
        """
        self.playing = False
        self._space = space
        self._patterns = patterns
        self._history: History[Pattern] = History()
        self._name = ""
        self._edited_s = float("-inf")
        self._forget()

    def _forget(self) -> None:
        """Reset the record of the commands that the engine has received."""
        empty = [SetStep(step, ()) for step in range(MAX_STEPS)]
        self._sent: tuple[SetClock, list[SetStep]] = Pattern().clock, empty
        self._ways: tuple[object, list[tuple[Z, ...]]] = None, [()] * MAX_STEPS
        self._prepared: frozenset[Z] = frozenset()
        self.mark_stale()

    def renew(self, space: LatentSpace) -> None:
        """Switch to another version of the same model. The engine's sequencer continues."""
        self._space = space
        self._ways = None, [()] * MAX_STEPS
        self.mark_stale()

    @property
    def pattern(self) -> Pattern:
        """The current pattern, which is edited and played."""
        return self._patterns.grid

    @property
    def tempo(self) -> float:
        """Tempo in beats per minute, of the pattern or of the external beat that the engine follows."""
        return self.pattern.tempo

    def carry_out(self, request: PatternRequest, now: float) -> list[Message]:
        """Carry out a request at monotonic time `now`; return the replies that are ready at once.

        Raises:
            ControlError: the request cannot be carried out.
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
        self.mark_stale()

    def mark_stale(self) -> None:
        """Record that the pattern or a named point may have changed."""
        self._stale = True  # the engine's hits may be out of date
        self.revision += 1

    def note_playing(self, playing: bool) -> None:
        """Record a start or a stop of the sequencer."""
        self.revision += playing != self.playing
        self.playing = playing

    def note_tempo(self, bpm: float) -> None:
        """Show the tempo of an external beat that the engine follows; undo ignores this change."""
        if abs(bpm - self.pattern.tempo) > AUDIBLE_BPM:
            self._patterns.grid = self.pattern.with_field("tempo", round(bpm, 1))
            self.mark_stale()

    # ---- for the engine

    def commands(self) -> list[Command]:
        """Return the commands for the changes to the pattern since the last call."""
        if not self._stale:
            return []
        self._stale = False
        pattern = self.pattern
        drawn = pattern.path, pattern.steps
        if self._ways[0] != drawn:
            self._ways = drawn, pattern.ways(self._space)
        hits, ways = pattern.hits(self._space), self._ways[1]
        clock = pattern.clock
        steps = [SetStep(i, *step) for i, step in enumerate(zip(hits, ways, strict=True))]
        before_clock, before_steps = self._sent
        self._sent = clock, steps
        changed = [step for step, before in zip(steps, before_steps, strict=True) if step != before]
        return [*([] if clock == before_clock else [clock]), *changed]

    def resync(self) -> list[Command]:
        """Return the commands that bring a restarted engine up to date."""
        self._forget()
        return [*self.commands(), *([StartSteps()] if self.playing else [])]

    def unprepared(self, now: float) -> tuple[Z, ...]:
        """Return the new points of the pattern's hits, whose sounds should be decoded in advance.

        A point z is a position in the latent space, [D]. Return no points within `SETTLE_S` of an edit.
        """
        if now - self._edited_s < SETTLE_S or self._stale:
            return ()
        hits = [hit for step in self._sent[1] for hit in step.hits]
        points = dict.fromkeys(hit.point for hit in hits if hit.point is not None)
        fresh = [point for point in points if point not in self._prepared]
        self._prepared = frozenset(points)
        return tuple(fresh[:MAX_PREPARED])

    # ---- for performers

    def patterns(self) -> list[Message]:
        """Return the names of the stored patterns, in as many messages as necessary."""
        names = list(self._patterns)
        parts = range(0, max(len(names), 1), REPLY_ITEMS)
        return [Message("/morph/patterns.reply", tuple(names[at : at + REPLY_ITEMS])) for at in parts]

    def state(self) -> list[Message]:
        """Return messages with all that clients display of the sequencer, except the step that is playing."""
        places = tuple(x for place in self.pattern.path for x in place)
        path = [Message("/morph/seq/path.reply", places)] if places else []
        return [self._head(), *map(self._lane, range(len(self.pattern.lanes))), *path]

    def news(self) -> Iterator[Message]:
        """Yield the messages of `state` that have changed since the last call."""
        if self._reported_revision == self.revision:
            return
        before, self._reported = self._reported, self.state()
        self._reported_revision = self.revision
        yield from (message for message in self._reported if message not in before)

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
                "path": len(pattern.path),
                "pattern": self._name,
                "undo": int(self._history.undoable),
                "redo": int(self._history.redoable),
            },
        )

    def _lane(self, index: int) -> Message:
        pattern = self.pattern
        lane = pattern.lanes[index]
        ends = "from", lane.start, "to", lane.end
        settings = [x for pair in {"mute": lane.mute, **lane.hit.settings}.items() for x in pair]
        steps = zip(lane.velocities[: pattern.steps], lane.morphs[: pattern.steps], strict=True)
        missing = "missing", lane.missing(self._space)
        flat = [x for step in steps for x in step]
        return Message("/morph/seq/lane.reply", (index, *ends, *settings, *missing, "steps", *flat))
