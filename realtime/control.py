"""From messages to commands, and the answers: what `osc` hears, `engine` is asked to do.

The messages themselves are in `addresses`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Generic, Protocol, TypeVar

from realtime.addresses import REPLY_ITEMS, Message, Query, parse
from realtime.commands import Command, Goto
from realtime.contract import ModelInfo
from realtime.errors import RealtimeError

MAX_WAITING = 1024  # senders that wait for a glide to arrive


class Player(Protocol):
    """What control needs of an engine."""

    def submit(self, commands: Sequence[Command], due: float | None = None) -> bool: ...

    def status(self) -> Mapping[str, int | float | str]: ...

    def z(self) -> Sequence[float]: ...

    def arrivals(self) -> Iterator[int]: ...


Sender = TypeVar("Sender")


class Control(Generic[Sender]):
    """Between the messages of many senders and one engine. For one thread.

    Attributes:
        refused: messages answered with an error.
        malformed: datagrams that were not OSC; counted by whoever reads them.
    """

    def __init__(self, info: ModelInfo, player: Player) -> None:
        self.info = info
        self.player = player
        self.refused = 0
        self.malformed = 0
        self._tickets = count(1)
        self._waiting: dict[int, tuple[Sender, Message]] = {}

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
        for message in messages:
            asked = self._parse(message)
            if isinstance(asked, Message):
                replies.append(asked)
            elif isinstance(asked, Query):
                replies += self._answer(asked)
            else:
                commands.append(self._await(asked, message, sender))
        if commands and not self.player.submit(commands, due):
            replies += [self.refuse(m, "too many commands are waiting") for m in messages]
        return replies

    def _parse(self, message: Message) -> Command | Query | Message:
        """What the message asks for, or the error to answer."""
        try:
            return parse(message, self.info)
        except RealtimeError as error:
            return self.refuse(message, str(error))

    def refuse(self, message: Message, text: str) -> Message:
        """Count a message that is not carried out, and say why."""
        self.refused += 1
        return Message("/morph/error", (message.address, text))

    def _await(self, command: Command, message: Message, sender: Sender) -> Command:
        """Have the sender of a glide told when it arrives."""
        if not isinstance(command, Goto):
            return command
        if len(self._waiting) >= MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
        ticket = next(self._tickets)
        self._waiting[ticket] = sender, Message("/morph/done", (message.address, message.arguments[0]))
        return Goto(command.z, command.ms, command.curve, ticket)

    @property
    def waiting(self) -> bool:
        """Whether a sender waits for a glide to arrive."""
        return bool(self._waiting)

    def arrivals(self) -> Iterator[tuple[Sender, Message]]:
        """Who is to be told that a glide has arrived. Glides that were overtaken are forgotten."""
        for ticket in self.player.arrivals():
            for earlier in [t for t in self._waiting if t <= ticket]:
                answer = self._waiting.pop(earlier)
                if earlier == ticket:
                    yield answer

    def _answer(self, query: Query) -> list[Message]:
        info = self.info
        match query.what:
            case "ping":
                return [Message("/pong")]
            case "info":
                facts: dict[str, int | float | str] = {
                    "name": info.name,
                    "architecture": info.architecture,
                    "sample_rate": info.sample_rate,
                    "latent_dim": info.latent_dim,
                    "length_ms": 1000.0 * info.length / info.sample_rate,
                    "classes": len(info.classes),
                    "anchors": len(info.anchors),
                }
                return [_pairs("info", facts)]
            case "classes":
                return [Message("/morph/classes.reply", tuple(each.name for each in info.classes))]
            case "anchors":
                return list(self._anchors())
            case "z":
                return [Message("/morph/z.reply", tuple(float(x) for x in self.player.z()))]
            case _:
                counts = {"refused": self.refused, "malformed": self.malformed}
                return [_pairs("status", {**self.player.status(), **counts})]

    def _anchors(self) -> Iterator[Message]:
        anchors, classes = self.info.anchors, self.info.classes
        for first in range(0, max(len(anchors), 1), REPLY_ITEMS):
            some = anchors[first : first + REPLY_ITEMS]
            names = [text for anchor in some for text in (anchor.name, classes[anchor.label].name)]
            yield Message("/morph/anchors.reply", (first, len(anchors), *names))


def _pairs(what: str, facts: Mapping[str, int | float | str]) -> Message:
    return Message(f"/morph/{what}.reply", tuple(x for pair in facts.items() for x in pair))
