"""Tests for remote procedure calls between processes."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from realtime.live.rpc import Proxy, RpcClient, RpcError, answer
from realtime.util.errors import RealtimeError


class Target:
    """The object whose methods are called; the object in its attribute `part` also has methods."""

    def __init__(self, recorded: list[Any]) -> None:
        self.record = recorded.append
        self.part = recorded

    def double(self, x: int) -> int:
        return 2 * x

    def fail(self, error: Exception) -> None:
        raise error


@pytest.fixture
def recorded() -> list[Any]:
    """The arguments of all calls of `record`."""
    return []


@pytest.fixture
def line(recorded: list[Any]) -> Iterator[RpcClient]:
    """Return a client whose server answers until the client is closed."""
    here, there = multiprocessing.Pipe()
    answering = threading.Thread(target=answer, args=(there, Target(recorded)))
    answering.start()
    line = RpcClient(here)
    yield line
    line.close()
    answering.join()


def test_calls_are_handled_in_order(line: RpcClient, recorded: list[Any]) -> None:
    for number in range(100):
        line.tell("record", number)
    assert line.ask("double", 21) == 42
    assert recorded == list(range(100))


def test_proxy_calls_the_methods_of_an_attribute(line: RpcClient, recorded: list[Any]) -> None:
    part = Proxy(line, "part")
    part.append(4)
    part.append(3)
    assert (part.index(3), part.copy(), recorded) == (1, [4, 3], [4, 3])


def test_each_thread_receives_its_own_replies(line: RpcClient) -> None:
    answers: dict[int, list[int]] = {}

    def ask(first: int) -> None:
        answers[first] = [line.ask("double", first + n) for n in range(100)]

    threads = [threading.Thread(target=ask, args=(1000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {1000 * n: [2 * (1000 * n + m) for m in range(100)] for n in range(4)}


def test_user_error_is_raised_in_the_caller_if_it_waits_for_the_reply(line: RpcClient) -> None:
    with pytest.raises(RealtimeError, match="no such file"):
        line.ask("fail", RealtimeError("no such file"))
    line.tell("fail", RealtimeError("without a reply"))
    assert line.ask("double", 1) == 2


def test_unexpected_exception_is_raised_in_the_caller_and_later_calls_work(line: RpcClient) -> None:
    with pytest.raises(RealtimeError, match="ZeroDivisionError: oh"):
        line.ask("fail", ZeroDivisionError("oh"))
    assert line.ask("double", 1) == 2


def test_calls_to_a_closed_connection_raise_an_error() -> None:
    here, there = multiprocessing.Pipe()
    there.close()
    line = RpcClient(here)
    with pytest.raises(RpcError):
        line.ask("double", 1)
    with pytest.raises(RpcError):
        line.tell("double", 1)


def test_client_refuses_calls_after_a_reply_timed_out() -> None:
    here, there = multiprocessing.Pipe()
    line = RpcClient(here, limit_s=0.01)
    with pytest.raises(RpcError, match="does not answer"):
        line.ask("double", 1)
    with pytest.raises(RpcError):
        line.ask("double", 2)  # would get a late reply to the first call
    there.close()


def test_reconnected_client_calls_the_target_of_the_new_connection() -> None:
    here, there = multiprocessing.Pipe()
    gone = RpcClient(here)
    there.close()
    with pytest.raises(RpcError):
        gone.ask("double", 1)
    mine, theirs = multiprocessing.Pipe()
    answering = threading.Thread(target=answer, args=(theirs, Target([])))
    answering.start()
    gone.reconnect(mine)
    assert not gone.closed
    assert gone.ask("double", 4) == 8
    gone.close()
    answering.join()


def test_other_threads_get_an_error_while_one_is_stuck_in_a_full_pipe() -> None:
    here, there = multiprocessing.Pipe()
    line = RpcClient(here, limit_s=0.05)
    ends: list[Exception] = []

    def tell() -> None:
        try:
            line.tell("record", bytes(2**22))
        except RpcError as error:
            ends.append(error)

    telling = threading.Thread(target=tell)
    telling.start()
    while not line._turn.locked():
        pass
    with pytest.raises(RpcError, match="does not answer"):
        line.ask("double", 1)
    assert line.closed
    there.close()
    telling.join()
    assert len(ends) == 1
