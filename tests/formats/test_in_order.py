"""Interleaved parts, put in order."""

import pytest
from hypothesis import given

from omniroute.conversation.events import Cited, Delta, Ended, Event, Field, PartEnded, PartStarted, Started
from omniroute.conversation.fold import fold
from omniroute.conversation.parts import Citation, Text, ToolUse
from omniroute.errors import ProtocolError
from omniroute.formats.in_order import MAX_HELD_CHARS, InOrder
from tests.formats.laws.strategies import streams

A: list[Event] = [PartStarted(0, Text("")), Delta(0, Field.TEXT, "a"), PartEnded(0)]
B: list[Event] = [PartStarted(1, Text("")), Delta(1, Field.TEXT, "b"), PartEnded(1)]


def one_by_one(order: InOrder, events: list[Event]) -> list[list[Event]]:
    return [order.take([event]) for event in events]


def test_parts_in_order_go_through_as_they_come() -> None:
    events = [Started(), *A, *B, Ended()]
    assert one_by_one(InOrder(), events) == [[event] for event in events]


def test_a_part_waits_for_the_one_before_it() -> None:
    order = InOrder()
    assert one_by_one(order, [A[0], B[0], B[1], A[1]]) == [[A[0]], [], [], [A[1]]]
    assert order.take([A[2]]) == [A[2], B[0], B[1]]
    assert order.take([B[2]]) == [B[2]]


def test_parts_that_ended_meanwhile_are_told_whole() -> None:
    third: list[Event] = [PartStarted(2, Text("c")), PartEnded(2)]
    cited = Cited(1, Citation(url="https://a.example"))
    order = InOrder()
    order.take([A[0], B[0], third[0], cited, third[1], B[2]])
    assert order.take([A[2]]) == [A[2], B[0], cited, B[2], *third]
    assert order.take(A[:1]) == A[:1]


def test_a_stream_that_ends_with_open_parts_tells_all() -> None:
    order = InOrder()
    order.take([A[0], B[0], B[1]])
    assert order.take([Ended()]) == [B[0], B[1], Ended()]


def test_parts_in_other_lanes_do_not_wait() -> None:
    order = InOrder(lambda start: None if isinstance(start.part, ToolUse) else start.candidate)
    call: list[Event] = [PartStarted(2, ToolUse("c", "f")), Delta(2, Field.ARGUMENTS, "{}"), PartEnded(2)]
    other: list[Event] = [PartStarted(3, Text("o"), 1), PartEnded(3)]
    assert order.take([A[0], B[0], *call, *other]) == [A[0], *call, *other]
    assert order.take([B[1], A[2]]) == [A[2], B[0], B[1]]


def test_what_is_held_has_a_bound() -> None:
    order = InOrder()
    order.take([A[0], B[0], Delta(1, Field.TEXT, "x" * MAX_HELD_CHARS)])
    with pytest.raises(ProtocolError):
        order.take([B[1]])


def test_what_was_told_is_held_no_more() -> None:
    order = InOrder()
    for index in range(0, 4, 2):
        big = Delta(index + 1, Field.TEXT, "x" * MAX_HELD_CHARS)
        order.take([PartStarted(index, Text("")), PartStarted(index + 1, Text("")), big])
        order.take([PartEnded(index), PartEnded(index + 1)])


@given(events=streams())
def test_nothing_is_lost_or_added(events: list[Event]) -> None:
    told = InOrder().take(events)
    assert fold(told) == fold(events)
    assert len(told) == len(events)
    open_parts = 0
    for event in told:
        open_parts += isinstance(event, PartStarted) - isinstance(event, PartEnded)
        assert open_parts <= 1
