"""Turns OSC messages into commands for the engine, and produces the replies.

    message ─► addresses: request ─► Control ─► commands ─► engine
                                       │ └────► jobs in the background: files, models
                                       └─► replies

The module `addresses` defines the messages. The package `state` holds settings for new hits, and the point:
the position z in the model's latent space that the performer moves. `senders.subscriptions` holds the
receivers of replies and of the status.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, TypeVar

import numpy as np

from realtime.control import replies
from realtime.control.addresses import parse
from realtime.control.background import Jobs
from realtime.control.latent_space import LatentSpace
from realtime.control.pattern import Patterns
from realtime.control.presets import Last, PresetError, PresetFile, Presets, listed
from realtime.control.protocol import NOBODY, Message, Sender
from realtime.control.remarks import Remarks
from realtime.control.requests import (
    Adopt,
    Asked,
    BeginTake,
    ChangeSetting,
    Delete,
    DeletePattern,
    Edit,
    Encode,
    EndTake,
    Hit,
    InBeats,
    Load,
    Move,
    Nothing,
    PatternRequest,
    Query,
    ReplyTo,
    SetParameter,
    Store,
    StorePattern,
    Subscribe,
    Undo,
)
from realtime.control.senders.arrivals import Arrivals
from realtime.control.senders.axis_names import AxisNames
from realtime.control.senders.subscriptions import Subscriptions
from realtime.control.sequencing.sequencer import Sequencer
from realtime.control.state.point import TrackedPoint, moved
from realtime.control.state.settings import Settings, SettingsSchedule, duration_ms
from realtime.control.state.standing import StandingCommands
from realtime.model.schema import ModelInfo
from realtime.synth.commands import (
    LEVEL,
    Command,
    Gain,
    Goto,
    Mode,
    Panic,
    Prepare,
    SetAxis,
    SetBeat,
    SetDimension,
    SetZ,
    StartSteps,
    StopSteps,
    Trigger,
    Z,
)
from realtime.synth.player import InstrumentWork, Player, PluginChain, TakeWork
from realtime.synth.plugins import Chain
from realtime.util.errors import ControlError, RealtimeError

MAX_PREPARED = 64  # maximum number of points whose sounds the mixer decodes in advance
IDLE_S, BUSY_S = 0.1, 0.01  # seconds between two calls of `news`: when idle, and while a sender is waiting

_MODEL_CHANGED = "the model has changed in the meantime"
_LOAD, _RECORD, _NAME = "load files", "record takes", "name axes"

T = TypeVar("T")


class Control:
    """Carries out the messages of many senders on one engine. Not thread-safe.

    Args:
        info: metadata of the current model.
        player: the engine.
        preset_file: the preset file; by default, presets stay in memory.
        instruments: encodes sounds, loads models and names axes; without it, messages that request such work
            are refused.
        takes: records parts of a performance (takes); without it, `/morph/record/…` is refused.
        effects: the audio plugins after the mixer.
        clock: returns monotonic time in seconds.

    Attributes:
        refused: number of messages answered with an error.
        refusals: the latest refused messages and malformed datagrams.
        finished: the latest messages whose background work is done, such as the storing of a preset.
        malformed: number of datagrams that were not OSC or whose handling failed; the server counts them.
        ignored: number of datagrams dropped unread; the server counts them.
    """

    def __init__(
        self,
        info: ModelInfo,
        player: Player,
        *,
        preset_file: PresetFile | None = None,
        instruments: InstrumentWork | None = None,
        takes: TakeWork | None = None,
        effects: PluginChain = Chain(()),  # noqa: B008  empty
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.player = player
        self.refused = 0
        self.refusals, self.finished = Remarks(), Remarks()
        self.malformed = 0
        self.ignored = 0
        self._preset_file = preset_file or PresetFile(None)
        self._instruments, self._takes = instruments, takes
        self._effects = effects
        self._clock = clock
        self._jobs = Jobs()
        self._axis_names, self._arrivals = AxisNames(), Arrivals()
        self._subscriptions = Subscriptions()
        self._schedule = SettingsSchedule()
        self._sequencer = Sequencer()
        self._standing = StandingCommands()
        self._adopt(info)

    def _describe(self, info: ModelInfo) -> None:
        self.info = info
        self._axis_names.forget()
        # 24 bits fit into a 32-bit float, the only number type of clients such as Pure Data
        self._model: replies.Facts = {"model": info.name, "model_id": int(info.digest[:6], 16)}

    def _adopt(self, info: ModelInfo) -> None:
        self._describe(info)
        self.presets: Presets = self._preset_file.open(info)
        self.space = LatentSpace(info, self.presets, self.presets.elsewhere)
        self._point = TrackedPoint(self._player_z)
        self._standing.adopt(info.classes[0].centroid)
        self._sequencer.adopt(self.space, self.presets.patterns)
        self._prepare()
        self._send_edits()

    def _renew(self, info: ModelInfo) -> None:
        """Switch to another version of the same model; keep presets, point and sequencer."""
        self._describe(info)
        before, self.presets = self.presets, Presets(info, self.presets, self.presets.last)
        self.presets.patterns, self.presets.elsewhere = before.patterns, before.elsewhere
        self.space = LatentSpace(info, self.presets, self.presets.elsewhere)
        self._sequencer.renew(self.space)
        self._forget_scheduled()
        self._prepare()
        self._send_edits()

    def _prepare(self) -> None:
        """Have the engine decode sounds in advance: those of class centres, their hardest hits, and presets.

        A class is a kind of sound, such as kick; its centre is a mean or typical position of its sounds.
        """
        points = [c.centroid for c in self.info.classes]
        dynamics, expression = self.settings().hit.dynamics, self.space.expression
        if dynamics and expression.knows_velocity:
            hardest = [expression.offset(z, 1.0, dynamics, 0.0, ()) for z in points]
            points += [tuple(np.add(z, offset).tolist()) for z, offset in zip(points, hardest, strict=True)]
        points += list(self.presets.values())[::-1]
        self.player.submit([Prepare(tuple(points[:MAX_PREPARED]))])

    def restore(self) -> bool:
        """Restore point, gain and mode of this model's last session; return False if there was no session."""
        if (last := self.presets.last) is None:
            return False
        self._submit([SetZ(last.z), Gain(last.gain_db), Mode(last.mode)], None)
        return True

    def resume(self, info: ModelInfo) -> None:
        """Bring a restarted engine to the state of the previous engine.

        Glides, sounding hits and scheduled commands are lost. If a different model is playing now, the point
        is lost, too.

        Args:
            info: metadata of the model that is playing now.
        """
        self._arrivals.forget()
        if info != self.info:
            self._adopt(info)
        self._pass_time(self._clock())
        self._forget_scheduled()
        if standing := self._standing.commands():
            self.player.submit(standing)
        self._prepare()
        if commands := self._sequencer.resync():
            self.player.submit(commands)

    def _pass_time(self, now: float) -> None:
        """Update the tracked state with the scheduled moves and commands that are due."""
        self._point.pass_time(now)
        self._standing.pass_time(now)

    def _forget_scheduled(self) -> None:
        self._point.forget_scheduled()
        self._standing.forget_scheduled()

    # ---- messages

    def handle(
        self, messages: Sequence[Message], sender: Sender, due: float | None = None, at: int | None = None
    ) -> list[Message]:
        """Carry out messages, all at the same time. An invalid message does not stop the others.

        Args:
            messages: one message, or the messages of a bundle.
            sender: receives later replies, such as `/morph/done`.
            due: monotonic time in seconds at which the effect is to be heard; None means now.
            at: instead of `due`, the sample at which the messages take effect, counted by the audio device; a
                sample of one of the next blocks.

        Returns:
            The replies to the sender.
        """
        commands: list[Command] = []
        replies: list[Message] = []
        now = self._clock()
        self._subscriptions.note_message(sender[0], now)
        self._pass_time(now)
        self._point.expect(alone=len(messages) == 1)
        for message in messages:
            replies += self._take(message, sender, commands, due, now)
        try:
            self._send_edits()
            if commands and not self._submit(commands, due, at):
                raise ControlError("too many commands are waiting")
        except RealtimeError as error:
            replies += [self.refuse(m, str(error)) for m in messages]
        return replies

    def _submit(self, commands: Sequence[Command], due: float | None, at: int | None = None) -> bool:
        """Submit commands to the engine; return False if the engine's queue is full.

        If the commands begin a gesture (a series of moves that is undone as a whole), store the point from
        before the gesture, which the engine returns.

        Raises:
            RealtimeError: no engine is running.
        """
        ahead = due is not None and due > self._clock()
        for command in commands:
            self._standing.note(command, due if ahead else None)
        if not self._point.needs_before:
            return self.player.submit(commands, due, at)
        taken, z = self.player.submit_from(commands, due, at)
        self._point.keep_before(self._of_this_model(z))
        return taken

    def refuse(self, message: Message, text: str) -> Message:
        """Count a message that is not carried out; return the error reply."""
        self.refused += 1
        self.refusals.add(message.address, text)
        return Message("/morph/error", (message.address, text))

    def _take(
        self, message: Message, sender: Sender, commands: list[Command], due: float | None, now: float
    ) -> list[Message]:
        """Append a message's commands to `commands`; return the replies that are ready at once."""
        try:
            asked = parse(message, self.space)
            return self._carry_out(asked, message, sender, commands, due, now)
        except RealtimeError as error:
            return [self.refuse(message, str(error))]

    def _carry_out(
        self,
        asked: Asked,
        message: Message,
        sender: Sender,
        commands: list[Command],
        due: float | None,
        now: float,
    ) -> list[Message]:
        match asked:
            case Query("plugins"):
                return list(replies.plugins(self._effects))
            case SetParameter(plugin, name, value):
                if due is not None and due > now:
                    raise ControlError("plugin parameters take effect at once; send them without a time tag")
                commands.append(self._effects.tweak(plugin, name, value))
            case Query("seq"):
                return self._sequencer.state()
            case Query("axes"):
                find = _given(self._instruments, _NAME).name_axes
                return self._axis_names.ask(find, sender, lambda error: self.refuse(message, str(error)))
            case Query("patterns"):
                return self._sequencer.patterns()
            case Query("settings"):
                return [replies.settings(self._schedule.at(None, now), self._sequencer.tempo)]
            case Query(what):
                return replies.answer(what, self.space, self.player, self._player_z(), self._facts())
            case Nothing():
                pass
            case ChangeSetting():
                if not self._schedule.set(asked, due):
                    raise ControlError("too many scheduled settings")
                if asked.name == "dynamics":
                    self._prepare()
            case Move():
                commands.append(self._move(asked, due, now))
            case Hit():
                if asked.z is not None and asked.touch is None:
                    self._point.note_move(asked.z, due, now)
                commands.append(self._levelled(self._schedule.at(due, now).trigger(asked)))
            case Undo(again):
                z = self._point.undo(again, due, now)
                commands.append(self._schedule.at(due, now).move(Move(z), self._sequencer.tempo))
            case InBeats(glide, beats):
                glide = replace(glide, ms=duration_ms(beats, self._sequencer.tempo))
                return self._carry_out(glide, message, sender, commands, due, now)
            case Goto():
                name = message.arguments[-1 if asked.path == "spline" else 0]
                self._point.note_move(asked.z if asked.ms == 0.0 else None, due, now)
                reply = Message("/morph/done", (message.address, name))
                commands.append(self._arrivals.with_ticket(asked, reply, sender))
            case SetDimension() | SetAxis():
                self._point.note_move(moved(self._point.at(now, due), asked), due, now)
                commands.append(asked)
            case Store(name):
                if self.space.of_model(name):
                    raise ControlError(_taken(name))
                self._store(name, self._point.at(now), message.address, sender)
            case Delete(name):
                self._jobs.require_room()
                self.presets.delete(name)
                self._sequencer.mark_stale()
                self._save(message.address, name, sender)
            case Adopt(checksum):
                self._adopt_presets(checksum, message.address, sender)
            case Encode(file, name):
                self._encode(file, name, sender)
            case Load(file):
                self._load(file, sender)
            case BeginTake(name):
                self._begin_take(name, sender)
            case EndTake():
                self._work(_given(self._takes, _RECORD).end, _nothing, "/morph/record/stop", None, sender)
            case Subscribe(port, interval_ms):
                self._subscriptions.subscribe((sender[0], port), interval_ms, now)
            case ReplyTo(port):
                self._subscriptions.redirect(sender, (sender[0], port))
                return [Message("/morph/done", (message.address, port))]
            case PatternRequest():
                return self._edit_pattern(asked, sender, due, now)
            case SetBeat():
                self._sequencer.note_tempo(asked.bpm)
                commands.append(asked)
            case StartSteps() | StopSteps():
                self._sequencer.note_playing(isinstance(asked, StartSteps))
                commands.append(asked)
            case Panic():
                self._schedule.forget()
                self._sequencer.note_playing(False)
                self._forget_scheduled()
                commands.append(asked)
            case _:
                commands.append(asked)
        return []

    def keep(self, name: str, z: Z) -> None:
        """Store a point as a preset, and save it in the background.

        Raises:
            ControlError: z does not have this model's dimensions, the name is not accepted, or there are too
                many presets or background jobs.
        """
        if len(z) != self.info.latent_dim:
            raise ControlError(_MODEL_CHANGED)
        if self.space.of_model(name):
            raise ControlError(_taken(name))
        self._store(name, z, "/morph/preset/store", NOBODY)

    def adopt(self, points: Mapping[str, Z], patterns: Patterns) -> None:
        """Add presets and stored patterns, which replace those of the same names; set the current pattern.

        Save all of them in the background.

        Raises:
            ControlError: a preset's name is not accepted, or there are too many presets or background jobs.
        """
        if taken := [name for name in points if self.space.of_model(name)]:
            raise ControlError(_taken(taken[0]))
        self._jobs.require_room()
        for name, z in points.items():
            self.presets.store(name, z)
        self.presets.patterns.named = {**self.presets.patterns.named, **patterns.named}
        if patterns.grid != self._sequencer.pattern:
            self._sequencer.carry_out(Edit(lambda _: patterns.grid), self._clock())
        self._sequencer.mark_stale()
        self._prepare()
        self._send_edits()
        self._save("/morph/preset/store", "", NOBODY)

    def status(self) -> replies.Facts:
        """Return the contents of the reply to `/morph/get/status`.

        Raises:
            RealtimeError: no engine is running at the moment.
        """
        return {**self.player.status(), **self._facts()}

    def settings(self) -> Settings:
        """Return the settings for new hits, and the default glide."""
        return self._schedule.at(None, self._clock())

    @property
    def tempo(self) -> float:
        """Tempo of the sequencer, in beats per minute."""
        return self._sequencer.tempo

    def where(self) -> Z:
        """Return the engine's point z [D]."""
        return self._player_z()

    def _facts(self) -> replies.Facts:
        counts = {"refused": self.refused, "malformed": self.malformed, "ignored": self.ignored}
        return {**counts, **self._model, "seq_revision": self._sequencer.revision}

    # ---- the point

    def _player_z(self) -> Z:
        """Return the mixer's point or, during a switch to another model, the first class's centre."""
        return self._of_this_model(self.player.z())

    def _of_this_model(self, point: Sequence[float]) -> Z:
        z = tuple(point)
        return z if len(z) == self.info.latent_dim else self.info.classes[0].centroid

    def _move(self, move: Move, due: float | None, now: float) -> Command:
        command = self._schedule.at(due, now).move(move, self._sequencer.tempo)
        if move.touch is None:
            self._point.note_move(move.z if isinstance(command, SetZ) else None, due, now)
            self._point.level_db = move.level_db
        return command

    def _levelled(self, hit: Trigger) -> Trigger:
        """Return `hit`; if it belongs to no touch, add the level of the point."""
        level_db = self._point.level_db
        if hit.touch is not None or not level_db:
            return hit
        return replace(hit, level_db=LEVEL.clip(hit.level_db + level_db))

    # ---- the sequencer

    def _send_edits(self) -> None:
        """Send the engine the changes to the pattern.

        Raises:
            RealtimeError: no engine is running; the next engine gets the entire pattern.
        """
        if commands := self._sequencer.commands():
            self.player.submit(commands)

    def _edit_pattern(
        self, asked: PatternRequest, sender: Sender, due: float | None, now: float
    ) -> list[Message]:
        if due is not None and due > now:
            raise ControlError("sequencer edits take effect at once; send them without a time tag")
        if isinstance(asked, (StorePattern, DeletePattern)):
            self._jobs.require_room()
        answers = self._sequencer.carry_out(asked, now)
        match asked:
            case StorePattern(name):
                self._save("/morph/seq/store", name, sender)
            case DeletePattern(name):
                self._save("/morph/seq/delete", name, sender)
        return answers

    # ---- files

    def _store(self, name: str, z: Z, address: str, sender: Sender) -> None:
        self._jobs.require_room()
        self.presets.store(name, z)
        self._sequencer.mark_stale()
        self._prepare()
        self._save(address, name, sender)

    def _adopt_presets(self, checksum: str | None, address: str, sender: Sender) -> None:
        info = self.info

        def keep(earlier: Mapping[str, Mapping[str, Z]]) -> None:
            if info is not self.info:
                raise ControlError(_MODEL_CHANGED)
            if not earlier:
                raise ControlError(f"no other model named {info.name!r} has presets that fit")
            chosen = [*earlier][-1] if checksum is None else checksum
            if chosen not in earlier:
                raise ControlError(f"checksum is {chosen!r}, not one of {listed(earlier)}")
            self.presets.adopt(earlier[chosen])
            self._prepare()
            self._save(address, chosen, sender)

        self._work(lambda: self._preset_file.earlier(info), keep, address, "", sender, last=False)

    def _save(self, address: str, name: str, sender: Sender) -> None:
        presets = self.presets
        self._work(lambda: self._preset_file.save(presets), _nothing, address, name, sender)

    def _encode(self, file: str, name: str | None, sender: Sender) -> None:
        instruments, info = _given(self._instruments, _LOAD), self.info
        label = PurePosixPath(file).stem if name is None else name

        def keep(z: Z) -> None:
            if info is not self.info:
                raise ControlError(_MODEL_CHANGED)
            self._store(label, z, "/morph/encode", sender)

        if self.space.of_model(label):
            raise ControlError(_taken(label))
        self._work(lambda: instruments.encode(file), keep, "/morph/encode", label, sender, last=False)

    def _begin_take(self, name: str | None, sender: Sender) -> None:
        takes = _given(self._takes, _RECORD)
        take = time.strftime("take-%Y%m%d-%H%M%S") if name is None else name
        self._work(lambda: takes.begin(take), _nothing, "/morph/record/start", take, sender)

    def _load(self, file: str, sender: Sender) -> None:
        instruments, presets = _given(self._instruments, _LOAD), self.presets

        def build() -> Any:
            with suppress(PresetError):  # presets that cannot be saved must not block the switch
                self._preset_file.save(presets)
            return instruments.build(file)

        def take_over(instrument: Any) -> None:
            instruments.install(instrument)
            if instrument.info.renews(self.info):
                self._renew(instrument.info)
            else:
                self._adopt(instrument.info)

        self._work(build, take_over, "/morph/model", file, sender)

    def _work(
        self,
        work: Callable[[], object],
        use: Callable[..., None],
        address: str,
        name: str | None,
        sender: Sender,
        last: bool = True,
    ) -> None:
        """Run `work` in the background, then call `use` with the result on this thread.

        If this is the `last` work for a message, then reply `/morph/done` with `name`, or with the result if
        `name` is None. Otherwise, `use` starts further work, which replies.
        """

        def finish(result: object) -> list[tuple[Sender, Message]]:
            try:
                if isinstance(result, RealtimeError):
                    raise result
                use(result)
            except RealtimeError as error:
                return [(sender, self.refuse(Message(address), str(error)))]
            if not last:
                return []
            detail = str(result) if name is None else name
            self.finished.add(address, detail)
            return [(sender, Message("/morph/done", (address, detail)))]

        self._jobs.require_room()
        self._jobs.submit(work, finish)

    # ---- news: later replies, and regular reports

    def receiver(self, sender: Sender) -> Sender:
        """Return the address to which replies for a sender go."""
        return self._subscriptions.receiver(sender)

    def news_interval_s(self) -> float:
        """Return the time in seconds until `news` must be called again."""
        if self._arrivals.expected or self._jobs.busy:
            return BUSY_S
        now = self._clock()
        due = self._subscriptions.next_due(otherwise=now + IDLE_S)
        return min(max(due - now, 0.001), IDLE_S)

    def news(self) -> Iterator[tuple[Sender, Message]]:
        """Yield (receiver, message) for replies and reports that have become due since the last call.

        They concern glides that have arrived, finished jobs, names of axes, edits of the pattern, and the
        status.
        """
        arrived: Iterable[int] = ()
        with suppress(RealtimeError):  # no engine is running at the moment
            arrived = self.player.arrivals() if self._arrivals.expected else ()
        yield from self._arrivals.replies(arrived)
        for finish, result in self._jobs.finished():
            yield from finish(result)
        yield from self._axis_names.replies()
        now = self._clock()
        changes = list(self._sequencer.news())
        yield from ((receiver, change) for receiver in self._subscriptions.subscribers for change in changes)
        with suppress(RealtimeError):  # no engine is running at the moment
            self._send_edits()
            if points := self._sequencer.unprepared(now):
                self.player.submit([Prepare(points)])
        self._subscriptions.drop_silent(now)
        for receiver in self._subscriptions.take_due(now):
            with suppress(RealtimeError):  # no engine is running at the moment
                yield receiver, replies.status(self.player, self._facts())

    def close(self) -> None:
        """Stop background jobs; save the presets together with the current point, gain and mode.

        Raises:
            RealtimeError: saving failed.
        """
        self._axis_names.close()
        self._jobs.close()
        with suppress(RealtimeError):  # the engine has stopped already
            facts = self.player.status()
            self.presets.last = Last(self._player_z(), float(facts["gain_db"]), str(facts["mode"]))
        self._preset_file.save(self.presets)


def _nothing(_: object) -> None:
    pass


def _given(part: T | None, purpose: str) -> T:
    if part is None:
        raise ControlError(f"this server does not {purpose}")
    return part


def _taken(name: str) -> str:
    return f"name is {name!r}, which the model itself uses; choose another"
