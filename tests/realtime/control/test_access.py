"""Who may send, how much, and how large."""

from __future__ import annotations

import pytest

from realtime.control import access
from realtime.control.access import BURST, EACH, MAX_DATAGRAM, MAX_SENDERS, RATE, Access, AccessError, Budgets


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def test_this_machine_and_those_on_the_list_may_send() -> None:
    door = Access(["192.168.1.0/24", "10.0.0.7"])
    hosts = ["127.0.0.1", "192.168.1.99", "10.0.0.7", "10.0.0.8", "192.168.2.1"]
    assert [door.admits(host, 16) for host in hosts] == [True, True, True, False, False]
    assert (door.strangers, door.flooded) == (2, 0)


def test_a_sender_has_a_rate_and_others_do_not_pay_for_it() -> None:
    clock = Clock()
    door = Access(["10.0.0.0/8"], clock)
    sent = [door.admits("127.0.0.1", 16) for _ in range(int(BURST) + 100)]
    assert sum(sent) == BURST
    assert door.flooded == 100
    assert door.admits("10.1.1.1", 16)
    clock.now += 0.1
    assert sum(door.admits("127.0.0.1", 16) for _ in range(10_000)) == RATE / 10


def test_a_sender_pays_back_what_it_has_overdrawn() -> None:
    clock = Clock()
    door = Access(clock=clock)
    assert door.admits("127.0.0.1", 16, port=1)
    door.spend("127.0.0.1", BURST + RATE, port=1)  # now a second's worth below zero
    clock.now += 1.0
    assert not door.admits("127.0.0.1", 16, port=1)
    clock.now += 3 / RATE
    assert door.admits("127.0.0.1", 16, port=1)


def test_another_port_is_another_sender_but_an_address_has_a_limit() -> None:
    door = Access(["10.0.0.0/8"], Clock())
    for port in range(EACH):
        assert door.admits("127.0.0.1", 16, port)
        door.spend("127.0.0.1", BURST - 1, port)
        assert not door.admits("127.0.0.1", 16, port)
    assert not door.admits("127.0.0.1", 16, EACH)
    assert door.admits("10.0.0.1", 16, EACH)


def test_datagrams_have_a_size() -> None:
    door = Access()
    assert door.admits("127.0.0.1", MAX_DATAGRAM)
    assert not door.admits("127.0.0.1", MAX_DATAGRAM + 1)


def test_senders_do_not_pile_up() -> None:
    budgets = Budgets(RATE, BURST)
    for number in range(3 * MAX_SENDERS):
        budgets.spend(number, 1.0, 0.0)
    assert len(budgets) == MAX_SENDERS
    assert 2 * MAX_SENDERS in budgets


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "studio.local"])
def test_a_network_needs_a_list(host: str) -> None:
    with pytest.raises(AccessError, match="--allow"):
        access.check(host, [])
    access.check(host, ["192.168.1.0/24"])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_needs_none(host: str) -> None:
    access.check(host, [])


@pytest.mark.parametrize("entry", ["", "everyone", "1.2.3", "1.2.3.4/33", "::1"])
def test_an_entry_that_is_none(entry: str) -> None:
    with pytest.raises(AccessError, match="neither an address nor a network"):
        access.check("127.0.0.1", [entry])
