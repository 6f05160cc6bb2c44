"""From messages to commands, and the answers: what `osc` hears, `engine` is asked to do.

The messages themselves are in `addresses`, how they are to be understood at the moment in `performance`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import PurePosixPath
from typing import Any, Protocol

from realtime.control import replies
from realtime.control.addresses import parse
from realtime.control.background import Jobs
from realtime.control.latent_space import LatentSpace
from realtime.control.presets import Last, PresetError, PresetFile, Presets, listed
from realtime.control.protocol import Message
from realtime.control.refusals import Refusals
from realtime.control.replies import PluginChain
from realtime.control.requests import (
    Adopt,
    Asked,
    ChangeSetting,
    Delete,
    DeletePattern,
    Encode,
    Hit,
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
from realtime.control.sequencing.sequencer import Sequencer
from realtime.control.settings import History, Schedule, Settings, SettingsSchedule
from realtime.model.schema import ModelInfo
from realtime.synth.commands import (
    Command,
    Gain,
    Goto,
    Mode,
    Panic,
    Prepare,
    SetAxis,
    SetDimension,
    SetZ,
    StartSteps,
    StopSteps,
    Trigger,
    Z,
)
from realtime.util.errors import ControlError, RealtimeError

MAX_WAITING = 1024  # senders that wait for a glide to arrive
MAX_SUBSCRIBERS = 16
MAX_REDIRECTED = 64  # senders that listen elsewhere; the first is forgotten first
MAX_LATER = 4096  # moves and commands of the future that are kept in mind
MAX_PREPARED = 64  # points that the mixer is asked to decode in advance
FRESH_S = 0.1  # how long a move may take to reach the mixer; until then its target counts as the point
PATIENCE_S, IMPATIENCE_S = 0.1, 0.01  # between two looks for news, without and with somebody waiting

Sender = tuple[str, int]
NOBODY: Sender = ("", 0)  # who waits for no answers


class Player(Protocol):
    """What control needs of an engine."""

    def submit(self, commands: Sequence[Command], due: float | None = None) -> bool: ...

    def submit_from(
        self, commands: Sequence[Command], due: float | None = None
    ) -> tuple[bool, Sequence[float]]:
        """Also where the point was before."""
        ...

    def status(self) -> Mapping[str, int | float | str]: ...

    def latency(self) -> Mapping[str, float]: ...

    def z(self) -> Sequence[float]: ...

    def arrivals(self) -> Iterator[int]: ...


class FileWork(Protocol):
    """Work with files, done in the background. Its methods raise RealtimeError for the user's mistakes."""

    def encode(self, file: str) -> Z: ...

    def build(self, file: str) -> Any:
        """Something with an `info` that can be installed."""
        ...

    def install(self, instrument: Any) -> None:
        """Let it take over; quick, and on the thread of control."""
        ...


class Control:
    """Between the messages of many senders and one engine. For one thread.

    Args:
        info: of the model that plays.
        player: the engine.
        shelf: where presets are kept; in memory if left out.
        studio: for `/morph/encode` and `/morph/model`; without it they are refused.
        effects: the plugins, if there are any.
        clock: monotonic time in seconds.

    Attributes:
        refused: messages answered with an error.
        refusals: the latest of those, and of the datagrams that were not OSC.
        malformed: datagrams that were not OSC; counted by whoever reads them.
        ignored: datagrams that were not looked at; likewise.
    """

    def __init__(
        self,
        info: ModelInfo,
        player: Player,
        *,
        shelf: PresetFile | None = None,
        studio: FileWork | None = None,
        effects: PluginChain | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.player = player
        self.refused = 0
        self.refusals = Refusals()
        self.malformed = 0
        self.ignored = 0
        self._shelf = shelf or PresetFile(None)
        self._studio = studio
        self._effects = effects
        self._clock = clock
        self._jobs = Jobs()
        self._tickets = count(1)
        self._waiting: dict[int, tuple[Sender, Message]] = {}
        self._subscribers: dict[Sender, tuple[float, float]] = {}  # interval and next time, in seconds
        self._listening: dict[Sender, Sender] = {}
        self._schedule = SettingsSchedule()
        self._history: History[Z] = History()
        self._sequencer = Sequencer()
        self._alone = self._begun = False  # of the message at hand: it came alone, it begins a gesture
        self._target: tuple[Z, float] | None = None  # of the latest move at once, and its time
        self._moves: Schedule[Z | None] = Schedule(MAX_LATER)  # targets of moves of the future
        self._standing: dict[type[Command], Command] = {}  # what a player that begins anew has to be told
        self._later: Schedule[Command] = Schedule(MAX_LATER)  # what will be
        self._adopt(info)

    def _adopt(self, info: ModelInfo) -> None:
        self.info = info
        # 24 bits: a client that only has 32-bit floats, such as Pure Data, can tell any two apart
        self._model: replies.Facts = {"model": info.name, "model_id": int(info.digest[:6], 16)}
        self.presets: Presets = self._shelf.open(info)
        self.space = LatentSpace(info, self.presets)
        self._history = History()
        self._target = None
        self._standing.pop(SetZ, None)
        self._sequencer.adopt(self.space, self.presets.patterns)
        self._forget_later()
        self._prepare()
        self._pass_edits_on()

    def _prepare(self) -> None:
        """Ask for the sounds that are likely to be triggered to be there before they are."""
        points = [c.centroid for c in self.info.classes] + list(self.presets.values())[::-1]
        self.player.submit([Prepare(tuple(points[:MAX_PREPARED]))])

    def restore(self) -> bool:
        """Go on where the last session of this model ended; whether there was one."""
        if (last := self.presets.last) is None:
            return False
        self._submit([SetZ(last.z), Gain(last.gain_db), Mode(last.mode)], None)
        return True

    def resume(self) -> None:
        """Have a player that has begun anew go on where the one before was.

        Its glides and sounds are lost, and so are the commands that waited for their time.
        """
        self._waiting.clear()
        self._pass_time(self._clock())
        self._forget_later()
        if self._standing:
            self.player.submit(list(self._standing.values()))
        self._prepare()
        if commands := self._sequencer.begin_anew():
            self.player.submit(commands)

    def _pass_time(self, now: float) -> None:
        """Take note of what messages of the past have brought for a time that has come."""
        for due, z in self._moves.take(now):
            self._target = None if z is None else (z, due)
        for _, command in self._later.take(now):
            self._note_standing(command)

    def _forget_later(self) -> None:
        self._moves.forget()
        self._later.forget()

    def _note_standing(self, command: Command) -> None:
        match command:
            case SetZ(touch=None) | Gain() | Mode():
                self._standing[type(command)] = command
            case Goto(z, touch=None) | Trigger(z=tuple(z), touch=None):
                self._standing[SetZ] = SetZ(z)
            case SetDimension() | SetAxis():
                before = self._standing.get(SetZ)
                z = before.z if isinstance(before, SetZ) else self.info.classes[0].centroid
                self._standing[SetZ] = SetZ(_moved(z, command))

    # ---- messages

    def handle(self, messages: Sequence[Message], sender: Sender, due: float | None = None) -> list[Message]:
        """Carry out messages that belong together, at the same sample; a wrong one does not stop the others.

        Args:
            messages: one message, or the content of a bundle.
            sender: whoever waits for `/morph/done`.
            due: monotonic time in seconds at which they shall be heard, or None for now.

        Returns:
            The answers, for the sender.
        """
        commands: list[Command] = []
        replies: list[Message] = []
        now = self._clock()
        self._pass_time(now)
        self._alone, self._begun = len(messages) == 1, False
        for message in messages:
            replies += self._take(message, sender, commands, due, now)
        try:
            self._pass_edits_on()
            if commands and not self._submit(commands, due):
                raise ControlError("too many commands are waiting")
        except RealtimeError as error:
            replies += [self.refuse(m, str(error)) for m in messages]
        return replies

    def _submit(self, commands: Sequence[Command], due: float | None) -> bool:
        """Have commands carried out; whether they are. A gesture that begins waits for no answer before.

        Raises:
            RealtimeError: nobody plays.
        """
        ahead = due is not None and due > self._clock()
        for command in commands:
            if due is not None and ahead:
                self._later.add(due, command)
            else:
                self._note_standing(command)
        if not self._begun:
            return self.player.submit(commands, due)
        taken, z = self.player.submit_from(commands, due)
        self._history.keep(self._of_this_model(z))
        return taken

    def refuse(self, message: Message, text: str) -> Message:
        """Count a message that is not carried out, and say why."""
        self.refused += 1
        self.refusals.add(message.address, text)
        return Message("/morph/error", (message.address, text))

    def _take(
        self, message: Message, sender: Sender, commands: list[Command], due: float | None, now: float
    ) -> list[Message]:
        """Add to `commands` what the mixer is to do; the answers that can be given at once."""
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
                    raise ControlError("a plugin's parameter is set at once; send it without a time tag")
                if self._effects is None:
                    raise ControlError("there are no plugins; `realtime serve --plugin` loads them")
                commands.append(self._effects.tweak(plugin, name, value))
            case Query("seq"):
                return self._sequencer.state()
            case Query("patterns"):
                return self._sequencer.patterns()
            case Query("settings"):
                return [replies.settings(self._schedule.at(None, now))]
            case Query(what):
                return replies.answer(what, self.space, self.player, self._player_z(), self._facts())
            case Nothing():
                pass
            case ChangeSetting():
                if not self._schedule.set(asked, due):
                    raise ControlError("too many settings are waiting for their time")
            case Move():
                commands.append(self._move(asked, due, now))
            case Hit():
                if asked.z is not None and asked.touch is None:
                    self._note_move(asked.z, due, now)
                commands.append(self._schedule.at(due, now).trigger(asked))
            case Undo(again):
                here = self._point(now)
                z = self._history.redo(here) if again else self._history.undo(here)
                if z is None:
                    raise ControlError(f"nothing to {'redo' if again else 'undo'}")
                self._set_target(z, due, now)
                commands.append(self._schedule.at(due, now).move(Move(z)))
            case Goto():
                name = message.arguments[-1 if asked.path == "spline" else 0]
                self._note_move(asked.z if asked.ms == 0.0 else None, due, now)
                commands.append(self._await(asked, message.address, name, sender))
            case SetDimension() | SetAxis():
                self._note_move(_moved(self._point(now, due), asked), due, now)
                commands.append(asked)
            case Store(name):
                if self.space.of_model(name):
                    raise ControlError(f"name is {name!r}, which the model has already")
                self._store(name, self._point(now), message.address, sender)
            case Delete(name):
                self.presets.delete(name)
                self._sequencer.look_again()
                self._save(message.address, name, sender)
            case Adopt(checksum):
                self._adopt_presets(checksum, message.address, sender)
            case Encode(file, name):
                self._encode(file, name, sender)
            case Load(file):
                self._load(file, sender)
            case Subscribe(port, interval_ms):
                self._subscribe((sender[0], port), interval_ms, now)
            case ReplyTo(port):
                self._redirect(sender, (sender[0], port))
                return [Message("/morph/done", (message.address, port))]
            case PatternRequest():
                return self._edit_pattern(asked, sender, due, now)
            case StartSteps() | StopSteps():
                self._sequencer.note_playing(isinstance(asked, StartSteps))
                commands.append(asked)
            case Panic():
                self._schedule.forget()
                self._sequencer.note_playing(False)
                self._forget_later()
                commands.append(asked)
            case _:
                commands.append(asked)
        return []

    def keep(self, name: str, z: Z) -> None:
        """Store a point as a preset, and save it in the background.

        Raises:
            ControlError: the name is not accepted, or z is not of this model.
        """
        if len(z) != self.info.latent_dim:
            raise ControlError("another model has taken over meanwhile")
        if self.space.of_model(name):
            raise ControlError(f"name is {name!r}, which the model has already")
        self._store(name, z, "/morph/preset/store", NOBODY)

    def status(self) -> replies.Facts:
        """Return what `/morph/get/status` answers.

        Raises:
            RealtimeError: nobody plays at the moment.
        """
        return {**self.player.status(), **self._facts()}

    def settings(self) -> Settings:
        """Return how the sounds to come are played, if nothing is changed."""
        return self._schedule.at(None, self._clock())

    def where(self) -> Z:
        """Return the point, as the engine has it."""
        return self._player_z()

    def _facts(self) -> replies.Facts:
        counts = {"refused": self.refused, "malformed": self.malformed, "ignored": self.ignored}
        return {**counts, **self._model, "seq_revision": self._sequencer.revision}

    # ---- where the point is

    def _point(self, now: float, due: float | None = None) -> Z:
        """Where the point is now, or will be at `due`: a move that has only just been asked for counts."""
        if due is not None and (ahead := self._moves.until(due)):
            return ahead[-1] or self._player_z()
        if self._target and now - self._target[1] < FRESH_S:
            return self._target[0]
        return self._player_z()

    def _player_z(self) -> Z:
        """Where the mixer is; the first class's centre while another model is about to take over."""
        return self._of_this_model(self.player.z())

    def _of_this_model(self, point: Sequence[float]) -> Z:
        z = tuple(point)
        return z if len(z) == self.info.latent_dim else self.info.classes[0].centroid

    def _note_move(self, z: Z | None, due: float | None, now: float) -> None:
        """Keep in mind that the point moves at `due`: to `z` at once, or by and by if that is None."""
        if self._history.begins(now):
            if self._alone:
                self._begun = True
            else:
                self._history.keep(self._point(now))
        self._set_target(z, due, now)

    def _set_target(self, z: Z | None, due: float | None, now: float) -> None:
        if due is not None and due > now:
            self._moves.add(due, z)
        else:
            self._target = None if z is None else (z, now)

    def _move(self, move: Move, due: float | None, now: float) -> Command:
        command = self._schedule.at(due, now).move(move)
        if move.touch is None:
            self._note_move(move.z if isinstance(command, SetZ) else None, due, now)
        return command

    def _await(self, goto: Goto, address: str, name: str, sender: Sender) -> Goto:
        """Have the sender of a glide told when it arrives."""
        if len(self._waiting) >= MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
        ticket = next(self._tickets)
        self._waiting[ticket] = sender, Message("/morph/done", (address, name))
        return replace(goto, ticket=ticket)

    # ---- the sequencer

    def _pass_edits_on(self) -> None:
        """Tell the player of what has changed in the pattern.

        Raises:
            RealtimeError: nobody plays; whoever begins anew is told everything.
        """
        if commands := self._sequencer.commands():
            self.player.submit(commands)

    def _edit_pattern(
        self, asked: PatternRequest, sender: Sender, due: float | None, now: float
    ) -> list[Message]:
        if due is not None and due > now:
            raise ControlError("the sequencer is edited at once; send it without a time tag")
        answers = self._sequencer.carry_out(asked, now)
        match asked:
            case StorePattern(name):
                self._save("/morph/seq/store", name, sender)
            case DeletePattern(name):
                self._save("/morph/seq/delete", name, sender)
        return answers

    # ---- files

    def _store(self, name: str, z: Z, address: str, sender: Sender) -> None:
        self.presets.store(name, z)
        self._sequencer.look_again()
        self._prepare()
        self._save(address, name, sender)

    def _adopt_presets(self, checksum: str | None, address: str, sender: Sender) -> None:
        info = self.info

        def keep(earlier: Mapping[str, Mapping[str, Z]]) -> None:
            if info is not self.info:
                raise ControlError("another model has taken over meanwhile")
            if not earlier:
                raise ControlError(f"no other model named {info.name!r} has presets that fit")
            if checksum is None and len(earlier) > 1:
                raise ControlError(f"there are several; send the checksum of one: {listed(earlier)}")
            one = next(iter(earlier)) if checksum is None else checksum
            if one not in earlier:
                raise ControlError(f"checksum is {one!r}, not one of {listed(earlier)}")
            self.presets.adopt(earlier[one])
            self._prepare()
            self._save(address, one, sender)

        self._work(lambda: self._shelf.earlier(info), keep, address, "", sender, last=False)

    def _save(self, address: str, name: str, sender: Sender) -> None:
        presets = self.presets
        self._work(lambda: self._shelf.save(presets), lambda _: None, address, name, sender)

    def _encode(self, file: str, name: str | None, sender: Sender) -> None:
        studio, info = self._ask_studio(), self.info
        label = PurePosixPath(file).stem if name is None else name

        def keep(z: Z) -> None:
            if info is not self.info:
                raise ControlError("another model has taken over meanwhile")
            self._store(label, z, "/morph/encode", sender)

        if self.space.of_model(label):
            raise ControlError(f"name is {label!r}, which the model has already")
        self._work(lambda: studio.encode(file), keep, "/morph/encode", label, sender, last=False)

    def _load(self, file: str, sender: Sender) -> None:
        studio, presets = self._ask_studio(), self.presets

        def build() -> Any:
            with suppress(PresetError):  # the pattern that is edited is kept where that is possible
                self._shelf.save(presets)
            return studio.build(file)

        def take_over(instrument: Any) -> None:
            studio.install(instrument)
            self._adopt(instrument.info)

        self._work(build, take_over, "/morph/model", file, sender)

    def _ask_studio(self) -> FileWork:
        if self._studio is None:
            raise ControlError("this server takes no files")
        return self._studio

    def _work(
        self,
        work: Callable[[], object],
        use: Callable[..., None],
        address: str,
        name: str,
        sender: Sender,
        last: bool = True,
    ) -> None:
        """Do `work` in the background, `use` its result here, tell the sender if that is the last of it."""

        def finish(result: object) -> list[tuple[Sender, Message]]:
            try:
                if isinstance(result, RealtimeError):
                    raise result
                use(result)
            except RealtimeError as error:
                return [(sender, self.refuse(Message(address), str(error)))]
            return [(sender, Message("/morph/done", (address, name)))] if last else []

        if not self._jobs.submit(work, finish):
            raise ControlError("too much work is waiting")

    # ---- news

    def listening(self, sender: Sender) -> Sender:
        """Where a sender wants its answers."""
        return self._listening.get(sender, sender)

    def _redirect(self, sender: Sender, there: Sender) -> None:
        self._listening.pop(sender, None)
        if len(self._listening) >= MAX_REDIRECTED:
            del self._listening[next(iter(self._listening))]
        self._listening[sender] = there

    def _subscribe(self, receiver: Sender, interval_ms: float | None, now: float) -> None:
        self._subscribers.pop(receiver, None)
        if interval_ms is not None:
            if len(self._subscribers) >= MAX_SUBSCRIBERS:
                raise ControlError(f"there are {MAX_SUBSCRIBERS} subscribers already")
            self._subscribers[receiver] = interval_ms / 1000.0, now

    def patience(self) -> float:
        """Seconds until `news` is to be asked again."""
        if self._waiting or self._jobs.busy:
            return IMPATIENCE_S
        now = self._clock()
        due = min((at for _, at in self._subscribers.values()), default=now + PATIENCE_S)
        return min(max(due - now, 0.001), PATIENCE_S)

    def news(self) -> Iterator[tuple[Sender, Message]]:
        """Who is to be told what: glides that have arrived, work that is done, edits, status that is due."""
        for ticket in self.player.arrivals() if self._waiting else ():
            for earlier in [t for t in self._waiting if t <= ticket]:
                told = self._waiting.pop(earlier)
                if earlier == ticket:  # glides that were overtaken are forgotten
                    yield told
        for finish, result in self._jobs.finished():
            yield from finish(result)
        now = self._clock()
        changes = list(self._sequencer.news())
        yield from ((receiver, change) for receiver in list(self._subscribers) for change in changes)
        with suppress(RealtimeError):  # nobody plays at the moment
            self._pass_edits_on()
            if points := self._sequencer.unprepared(now):
                self.player.submit([Prepare(points)])
        for receiver, (interval_s, due) in list(self._subscribers.items()):
            if due <= now:
                self._subscribers[receiver] = interval_s, max(due + interval_s, now)
                with suppress(RealtimeError):  # nobody plays at the moment
                    yield receiver, replies.status(self.player, self._facts())

    def close(self) -> None:
        """End the work in the background, and save the presets and how things are.

        Raises:
            RealtimeError: they cannot be saved.
        """
        self._jobs.close()
        with suppress(RealtimeError):  # nobody plays any more
            facts = self.player.status()
            self.presets.last = Last(self._player_z(), float(facts["gain_db"]), str(facts["mode"]))
        self._shelf.save(self.presets)


def _moved(z: Z, command: SetDimension | SetAxis) -> Z:
    """Where `z` is after the command."""
    if isinstance(command, SetDimension):
        return (*z[: command.index], command.value, *z[command.index + 1 :])
    along = sum((x - o) * a for x, o, a in zip(z, command.origin, command.axis, strict=True))
    return tuple(x + (command.value - along) * a for x, a in zip(z, command.axis, strict=True))
