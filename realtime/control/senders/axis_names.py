"""Names for the two ends of each principal axis of the latent space, such as "darker" and "brighter"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from realtime.control.background import Jobs
from realtime.control.protocol import Message, Sender
from realtime.util.errors import RealtimeError

MAX_SENDERS = 64  # maximum number of waiting senders


class AxisNames:
    """Finds the names once for each model, in the background, when a sender first asks for the names.

    The search is slow, because it measures decoded sounds. A separate queue keeps the search from
    delaying other jobs.
    """

    def __init__(self) -> None:
        self._jobs = Jobs()
        self.forget()

    def forget(self) -> None:
        """Forget the names; call this when a different model is playing."""
        self._reply: Message | None = None
        self._senders: list[Sender] = []

    def ask(
        self,
        find: Callable[[], Sequence[str]],
        sender: Sender,
        refuse: Callable[[RealtimeError], Message],
    ) -> list[Message]:
        """Return the reply with the names; if they are not known yet, `replies` yields it later.

        Args:
            find: returns the names.
            refuse: returns the reply to an error that `find` raises.

        Raises:
            ControlError: too many jobs are waiting.
        """
        if self._reply:
            return [self._reply]
        waiting = self._senders

        def finish(result: Sequence[str] | RealtimeError) -> list[tuple[Sender, Message]]:
            if waiting is not self._senders:  # a different model is playing
                return []
            names = () if isinstance(result, RealtimeError) else tuple(result)
            reply = self._reply = Message("/morph/axes.reply", names)
            if isinstance(result, RealtimeError):
                reply = refuse(result)
            return [(each, reply) for each in waiting]

        if not waiting:
            self._jobs.require_room()
            self._jobs.submit(find, finish)
        if sender not in waiting and len(waiting) < MAX_SENDERS:
            waiting.append(sender)
        return []

    def replies(self) -> Iterator[tuple[Sender, Message]]:
        """Yield (sender, reply) for each waiting sender, once the names are known."""
        for finish, result in self._jobs.finished():
            yield from finish(result)

    def close(self) -> None:
        """Drop the waiting jobs."""
        self._jobs.close()
