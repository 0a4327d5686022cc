"""Calls and results, matched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.pairing import paired
from omniroute.conversation.parts import Part, Text, ToolResult, ToolUse
from omniroute.conversation.request import Message, Role


def user(*parts: Part) -> Message:
    return Message(Role.USER, parts)


def model(*parts: Part) -> Message:
    return Message(Role.ASSISTANT, parts)


def call(id: str, name: str = "look") -> ToolUse:
    return ToolUse(id, name, "{}")


def result(id: str, text: str = "found") -> ToolResult:
    return ToolResult(id, (Text(text),))


HELLO = user(Text("hello"))


@pytest.mark.parametrize(
    "messages",
    [
        (HELLO,),
        (HELLO, model(call("a")), user(result("a"))),
        (HELLO, model(call("a")), model(call("b")), user(result("a")), user(result("b"), Text("go on"))),
        (HELLO, model(call("a")), user(result("a")), model(call("a")), user(result("a"))),
    ],
)
def test_what_is_in_pairs_stays_the_very_same(messages: tuple[Message, ...]) -> None:
    assert paired(messages) is messages


def test_a_call_without_result_gets_an_empty_one_right_behind_its_turn() -> None:
    messages = (HELLO, model(call("a"), call("b")), user(result("b")), user(Text("and?")))
    assert paired(messages) == (
        *messages[:3],
        user(ToolResult("a", name="look")),
        messages[3],
    )
    assert paired((HELLO, model(call("a")))) == (HELLO, model(call("a")), user(ToolResult("a", name="look")))


def test_a_result_without_call_becomes_words_of_the_user() -> None:
    found = paired((user(result("x", "42"), Text("hm")),))
    assert found == (user(Text("[Result of an earlier call of the tool]"), Text("42"), Text("hm")),)


def test_a_second_result_of_one_call_is_no_result() -> None:
    found = paired((HELLO, model(call("a")), user(result("a", "1"), result("a", "2"))))
    assert found[2].parts[0] == result("a", "1")
    assert not any(isinstance(part, ToolResult) for part in found[2].parts[1:])


def test_a_late_result_moves_to_its_call() -> None:
    messages = (HELLO, model(call("a")), user(Text("wait")), model(Text("yes")), user(result("a")))
    assert paired(messages) == (HELLO, model(call("a")), user(result("a")), *messages[2:4])


def test_a_system_message_does_not_come_between_call_and_result() -> None:
    note = Message(Role.SYSTEM, (Text("note"),))
    assert paired((HELLO, model(call("a")), note, user(result("a")))) == (
        HELLO,
        model(call("a")),
        user(result("a")),
        note,
    )


def test_calls_of_one_id_in_two_turns_are_told_apart() -> None:
    messages = (HELLO, model(call("a", "one")), user(Text("?")), model(call("a", "two")), user(result("a")))
    assert paired(messages) == (
        *messages[:2],
        user(ToolResult("a", name="one")),
        *messages[2:],
    )


_PARTS = st.one_of(
    st.builds(call, st.sampled_from("abc")),
    st.builds(result, st.sampled_from("abc")),
    st.builds(Text, st.sampled_from(["x", "y"])),
)


@st.composite
def _conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    turns = draw(st.lists(st.tuples(st.booleans(), st.lists(_PARTS, max_size=4)), max_size=7))
    return tuple(
        model(*(part for part in parts if not isinstance(part, ToolResult)))
        if speaks
        else user(*(part for part in parts if not isinstance(part, ToolUse)))
        for speaks, parts in turns
    )


@given(_conversations())
def test_every_call_is_answered_once_at_once_and_pairing_again_changes_nothing(
    messages: tuple[Message, ...],
) -> None:
    found = paired(messages)
    assert paired(found) == found
    waiting: list[str] = []
    for message in found:
        results = [part.tool_use_id for part in message.parts if isinstance(part, ToolResult)]
        if message.role is Role.ASSISTANT:
            waiting += [part.id for part in message.parts if isinstance(part, ToolUse)]
            continue
        assert not waiting or results
        for id in results:
            waiting.remove(id)
    assert not waiting
