"""Tests for the lines that the server prints in the terminal about messages that it refuses."""

from __future__ import annotations

from realtime.cli.remark_lines import PERIOD_S, RemarkLines
from realtime.control.remarks import KEPT, Remarks


def test_many_refusals_print_one_line_per_period_with_the_number_of_earlier_ones() -> None:
    now, said = [0.0], list[str]()
    refusals = Remarks()
    lines = RemarkLines("refused", refusals, said.append, lambda: now[0])
    lines.print_latest()
    for number in range(3 * KEPT):
        refusals.add("/morph/xy", f"reason {number}")
        lines.print_latest()
    assert said == ["refused /morph/xy: reason 0"]
    now[0] += PERIOD_S
    lines.print_latest()
    assert said[1:] == [f"refused /morph/xy: reason {3 * KEPT - 1} (and {3 * KEPT - 2} before it)"]
    now[0] += PERIOD_S
    lines.print_latest()
    assert len(said) == 2


def test_lines_contain_no_control_characters() -> None:
    said = list[str]()
    refusals = Remarks()
    refusals.add("/\x1b[2J", "no\nsuch")
    RemarkLines("refused", refusals, said.append).print_latest()
    assert said == ["refused /?[2J: no?such"]


def test_only_the_latest_refusals_are_kept() -> None:
    refusals = Remarks()
    for number in range(KEPT + 5):
        refusals.add("", str(number))
    assert [each.number for each in refusals.since(0)] == [*range(6, KEPT + 6)]
    assert [each.text for each in refusals.since(KEPT + 4)] == [str(KEPT + 4)]
