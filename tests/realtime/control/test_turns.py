"""Senders of messages take turns: each sender's work stays in order, and replies come last."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from realtime.control.senders.turns import MAX_BYTES, Turns

A, B = ("10.0.0.1", 1), ("10.0.0.2", 2)


def work(done: list[str], name: str, asks: str) -> Iterator[bool]:
    """Do one task, then one task for each letter of `asks`; the letter `?` stands for a reply."""
    done.append(name)
    for letter in asks:
        yield letter == "?"
        done.append(name + letter)


def carry_out(turns: Turns) -> None:
    while turns:
        turns.take()


def test_senders_take_turns_and_the_work_of_each_stays_in_order() -> None:
    turns = Turns()
    done: list[str] = []
    turns.add(A, work(done, "a", ".."), 1)
    turns.add(A, work(done, "b", ""), 1)
    turns.add(B, work(done, "c", "."), 1)
    carry_out(turns)
    assert done == ["a", "c", "a.", "c.", "a.", "b"]


def test_replies_wait_until_all_other_work_is_done() -> None:
    turns = Turns()
    done: list[str] = []
    turns.add(A, work(done, "a", "??"), 1)
    turns.take()
    turns.add(B, work(done, "c", ".."), 1)
    carry_out(turns)
    assert done == ["a", "c", "c.", "c.", "a?", "a?"]


def test_exception_ends_only_the_work_of_one_datagram() -> None:
    def broken() -> Iterator[bool]:
        yield False
        raise RuntimeError

    turns = Turns()
    done: list[str] = []
    turns.add(A, broken(), 1)
    turns.add(A, work(done, "b", "."), 1)
    turns.take()
    with pytest.raises(RuntimeError):
        turns.take()
    carry_out(turns)
    assert done == ["b", "b."]


def test_bytes_that_wait_are_limited_for_each_sender() -> None:
    turns = Turns()
    assert turns.add(A, iter(()), MAX_BYTES)
    assert not turns.add(A, iter(()), 1)
    assert turns.add(B, iter(()), 1)
    carry_out(turns)
    assert turns.add(A, iter(()), MAX_BYTES)
