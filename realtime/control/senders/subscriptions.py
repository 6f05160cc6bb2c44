"""The addresses to which replies go, and the subscriptions to regular reports of the engine's status."""

from __future__ import annotations

from realtime.control.protocol import Sender
from realtime.util.errors import ControlError

MAX_SUBSCRIBERS = 16
SUBSCRIBED_S = 3600.0  # a host's subscriptions end after this time without a message from the host
MAX_REDIRECTED = 64  # maximum number of senders with another port for replies; the oldest is dropped first


class Subscriptions:
    """The receivers of replies and of the status. Times are monotonic, in seconds."""

    def __init__(self) -> None:
        self._due: dict[Sender, tuple[float, float]] = {}  # interval and next due time
        self._latest: dict[str, float] = {}  # host of a subscriber -> time of its latest message
        self._receivers: dict[Sender, Sender] = {}

    def redirect(self, sender: Sender, receiver: Sender) -> None:
        """Send replies for `sender` to `receiver` from now on."""
        self._receivers.pop(sender, None)
        if len(self._receivers) >= MAX_REDIRECTED:
            del self._receivers[next(iter(self._receivers))]
        self._receivers[sender] = receiver

    def receiver(self, sender: Sender) -> Sender:
        """Return the address to which replies for a sender go."""
        return self._receivers.get(sender, sender)

    def subscribe(self, receiver: Sender, interval_ms: float | None, now: float) -> None:
        """Send the status to a receiver at once and then at intervals; None ends the subscription.

        Raises:
            ControlError: there are too many subscribers.
        """
        self._due.pop(receiver, None)
        if interval_ms is not None:
            if len(self._due) >= MAX_SUBSCRIBERS:
                raise ControlError(f"there are {MAX_SUBSCRIBERS} subscribers already")
            self._due[receiver] = interval_ms / 1000.0, now
            self._latest[receiver[0]] = now

    def note_message(self, host: str, now: float) -> None:
        """Record the arrival of a message from a host."""
        if host in self._latest:
            self._latest[host] = now

    @property
    def subscribers(self) -> list[Sender]:
        """The receivers of the status."""
        return list(self._due)

    def next_due(self, otherwise: float) -> float:
        """Return the time at which the next status is due, or `otherwise` if there are no subscribers."""
        return min((at for _, at in self._due.values()), default=otherwise)

    def drop_silent(self, now: float) -> None:
        """End the subscriptions of hosts that have sent nothing for `SUBSCRIBED_S`."""
        for host in [host for host, at in self._latest.items() if now - at > SUBSCRIBED_S]:
            del self._latest[host]
            self._due = {each: due for each, due in self._due.items() if each[0] != host}

    def take_due(self, now: float) -> list[Sender]:
        """Return the receivers whose status is due, and schedule the next status for each."""
        receivers = [receiver for receiver, (_, due) in self._due.items() if due <= now]
        for receiver in receivers:
            interval_s, due = self._due[receiver]
            self._due[receiver] = interval_s, max(due + interval_s, now)
        return receivers
