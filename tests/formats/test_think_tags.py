"""Thoughts between tags, told apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.events import (
    Cited,
    Delta,
    Ended,
    Event,
    Field,
    Finished,
    PartEnded,
    PartStarted,
    Started,
)
from omniroute.conversation.fold import fold
from omniroute.conversation.parts import Citation, Part, Text, Thinking, ToolUse
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.formats.think_tags import ThinkTags, split_response


class Upstream:
    """A decoder that reads single letters, and tells the rest at the end."""

    def __init__(self, text: str, behind: tuple[Part, ...] = ()) -> None:
        self._text = text
        self._behind = behind

    def feed(self, chunk: bytes) -> list[Event]:
        start: list[Event] = [Started(), PartStarted(0, Text(""))] if chunk.startswith(b"!") else []
        return start + [Delta(0, Field.TEXT, chr(letter)) for letter in chunk.removeprefix(b"!")]

    def close(self) -> list[Event]:
        events: list[Event] = [PartEnded(0)]
        for index, part in enumerate(self._behind, 1):
            events += [PartStarted(index, part), PartEnded(index)]
        return [*events, Finished(Finish(FinishReason.STOP)), Ended()]


def streamed(text: str, *behind: Part, always: bool = False) -> list[Event]:
    tags = ThinkTags(Upstream(text, behind), always=always)
    events = tags.feed(b"!")
    for letter in text.encode():
        events += tags.feed(bytes([letter]))
    return events + tags.close()


def whole(*parts: Part, always: bool = False) -> list[Part]:
    response = Response(candidates=(Candidate(parts, Finish(FinishReason.STOP)),))
    return list(split_response(response, always=always).candidates[0].parts)


CASES: dict[str, list[Part]] = {
    "Hi": [Text("Hi")],
    "<think>hm</think>Hi": [Thinking("hm"), Text("Hi")],
    "\n <THINK>\nhm\n</Think>\n\nHi": [Thinking("hm\n"), Text("Hi")],
    "<think>a < b </thin no </think>Hi": [Thinking("a < b </thin no "), Text("Hi")],
    "<think></think>Hi": [Text("Hi")],
    "<think>\n\n</think>\n\nHi": [Text("Hi")],
    "<think>never closed": [Thinking("never closed")],
    "<think>almost</thin": [Thinking("almost</thin")],
    "<thin": [Text("<thin")],
    "<thinking>no</thinking>": [Text("<thinking>no</thinking>")],
    "Write <think>x</think> like this": [Text("Write <think>x</think> like this")],
    "<think>a</think>See `<think>b</think>`": [Thinking("a"), Text("See `<think>b</think>`")],
    "</think>Hi": [Text("</think>Hi")],
    "  indented": [Text("  indented")],
}
ALWAYS: dict[str, list[Part]] = {
    "Hi": [Text("Hi")],
    "<think>a</think>one <think>b</think> two": [Thinking("a"), Text("one "), Thinking("b"), Text("two")],
    "one<think>b": [Text("one"), Thinking("b")],
    "<think>a</think>\n<think>b</think>Hi": [Thinking("ab"), Text("Hi")],
    "a<b>c</d": [Text("a<b>c</d")],
}


@pytest.mark.parametrize("text", CASES)
def test_thoughts_at_the_start_are_told_apart(text: str) -> None:
    assert whole(Text(text)) == CASES[text]
    assert list(fold(streamed(text)).candidates[0].parts) == CASES[text]


@pytest.mark.parametrize("text", ALWAYS)
def test_all_thoughts_of_a_model_known_for_its_tags_are_told_apart(text: str) -> None:
    assert whole(Text(text), always=True) == ALWAYS[text]
    assert list(fold(streamed(text, always=True)).candidates[0].parts) == ALWAYS[text]


def test_a_lone_end_makes_what_stands_before_it_a_thought() -> None:
    assert whole(Text("hm\n</think>\nHi"), always=True) == [Thinking("hm\n"), Text("Hi")]


def test_a_lone_end_is_not_shown_in_a_stream() -> None:
    parts = fold(streamed("hm</think>Hi", always=True)).candidates[0].parts

    assert "".join(part.text for part in parts if isinstance(part, Text)) == "hmHi"


def test_a_model_that_never_stops_thinking_is_believed_ten_times() -> None:
    parts = whole(Text("<think>a</think>b" * 12), always=True)

    assert sum(isinstance(part, Thinking) for part in parts) == 10
    assert "<think>" in "".join(part.text for part in parts if isinstance(part, Text))


def test_only_the_first_text_counts() -> None:
    parts = (Text("Hi"), ToolUse("a", "f", "{}"), Text("<think>x</think>"))

    assert whole(*parts) == list(parts)
    assert list(fold(streamed("Hi", *parts[1:])).candidates[0].parts) == list(parts)


def test_parts_are_numbered_in_the_order_they_are_told() -> None:
    events = streamed("<think>hm</think>Hi", ToolUse("a", "f", "{}"))

    started = [event for event in events if isinstance(event, PartStarted)]
    assert [event.index for event in started] == [0, 1, 2]
    assert [event.index for event in events if isinstance(event, PartEnded)] == [0, 1, 2]
    assert [type(event.part) for event in started] == [Thinking, Text, ToolUse]


def test_no_more_is_held_back_than_could_be_a_tag() -> None:
    tags = ThinkTags(Upstream(""))

    tags.feed(b"!<think>")
    told = tags.feed(b"abc</think")

    assert "".join(event.text for event in told if isinstance(event, Delta)) == "abc"


def test_text_that_cannot_hold_thoughts_goes_on_as_it_came() -> None:
    tags = ThinkTags(Upstream(""))
    tags.feed(b"!Hi")

    assert tags.feed(b"<think>") == [Delta(0, Field.TEXT, letter) for letter in "<think>"]


def test_citations_stay_with_the_text() -> None:
    class Citing(Upstream):
        def close(self) -> list[Event]:
            return [Cited(0, Citation("u")), *super().close()]

    tags = ThinkTags(Citing(""))
    events = [*tags.feed(b"!<think>hm</think>Hi"), *tags.close()]

    assert fold(events).candidates[0].parts == (Thinking("hm"), Text("Hi", (Citation("u"),)))
    assert whole(Text("<think>hm</think>Hi", (Citation("u", start=0, end=3),))) == [
        Thinking("hm"),
        Text("Hi", (Citation("u"),)),
    ]


PIECES = st.lists(
    st.sampled_from(["<think>", "</think>", "<thi", "a", " ", "\n", "<", "/think>"]), max_size=12
)


@given(PIECES, st.booleans())
def test_stream_and_whole_agree_and_no_word_is_lost(pieces: list[str], always: bool) -> None:
    text = "".join(pieces)
    parts = [part for part in fold(streamed(text, always=always)).candidates[0].parts]

    for part in parts:
        assert isinstance(part, Text | Thinking)
    told = "".join(part.text for part in parts if isinstance(part, Text | Thinking))
    assert told.count("a") == text.count("a")
    if not always:
        assert parts == [part for part in whole(Text(text)) if part != Text("")]
