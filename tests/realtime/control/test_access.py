"""Tests for access rules: which hosts may send messages, how many, and how large their datagrams may be."""

from __future__ import annotations

import pytest

from realtime.control.senders import access
from realtime.control.senders.access import (
    BURST,
    EACH,
    MAX_DATAGRAM,
    MAX_SENDERS,
    RATE,
    Access,
    AccessError,
    Budgets,
)
from tests.realtime.control.clock import Clock


def test_only_this_machine_and_allowed_addresses_may_send() -> None:
    rules = Access(["192.168.1.0/24", "10.0.0.7"])
    hosts = ["127.0.0.1", "192.168.1.99", "10.0.0.7", "10.0.0.8", "192.168.2.1"]
    assert [rules.admits(host, 16) for host in hosts] == [True, True, True, False, False]
    assert (rules.strangers, rules.flooded) == (2, 0)


def test_each_sender_has_its_own_rate_limit() -> None:
    clock = Clock()
    rules = Access(["10.0.0.0/8"], clock)
    sent = [rules.admits("127.0.0.1", 16) for _ in range(int(BURST) + 100)]
    assert sum(sent) == BURST
    assert rules.flooded == 100
    assert rules.admits("10.1.1.1", 16)
    clock.now += 0.1
    assert sum(rules.admits("127.0.0.1", 16) for _ in range(10_000)) == RATE / 10


def test_datagrams_of_a_sender_over_its_limit_are_dropped_until_its_budget_has_refilled() -> None:
    clock = Clock()
    rules = Access(clock=clock)
    assert rules.admits("127.0.0.1", 16, port=1)
    rules.spend("127.0.0.1", BURST + RATE, port=1)  # a refill of one second restores it to zero
    clock.now += 1.0
    assert not rules.admits("127.0.0.1", 16, port=1)
    clock.now += 3 / RATE
    assert rules.admits("127.0.0.1", 16, port=1)


def test_each_port_counts_as_a_sender_and_each_address_has_a_limit() -> None:
    rules = Access(["10.0.0.0/8"], Clock())
    for port in range(EACH):
        assert rules.admits("127.0.0.1", 16, port)
        rules.spend("127.0.0.1", BURST - 1, port)
        assert not rules.admits("127.0.0.1", 16, port)
    assert not rules.admits("127.0.0.1", 16, EACH)
    assert rules.admits("10.0.0.1", 16, EACH)


def test_oversized_datagram_is_dropped() -> None:
    rules = Access()
    assert rules.admits("127.0.0.1", MAX_DATAGRAM)
    assert not rules.admits("127.0.0.1", MAX_DATAGRAM + 1)


def test_number_of_senders_with_a_stored_budget_is_limited() -> None:
    budgets = Budgets(RATE, BURST)
    for number in range(3 * MAX_SENDERS):
        budgets.spend(number, 1.0, 0.0)
    assert len(budgets) == MAX_SENDERS
    assert 2 * MAX_SENDERS in budgets


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "studio.local"])
def test_listening_on_a_network_requires_the_option_allow(host: str) -> None:
    with pytest.raises(AccessError, match="--allow"):
        access.check(host, [])
    access.check(host, ["192.168.1.0/24"])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_listening_on_this_machine_does_not_require_the_option_allow(host: str) -> None:
    access.check(host, [])


@pytest.mark.parametrize("entry", ["", "everyone", "1.2.3", "1.2.3.4/33", "::1"])
def test_invalid_allow_entry_is_refused(entry: str) -> None:
    with pytest.raises(AccessError, match="neither an address nor a network"):
        access.check("127.0.0.1", [entry])
