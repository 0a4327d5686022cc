"""Streams of Chat, read: every oddity that servers have been seen to send."""

from collections.abc import Sequence

import pytest

from omniroute.conversation.parts import (
    Base64,
    Citation,
    Media,
    MediaKind,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolUse,
)
from omniroute.conversation.response import FinishReason
from omniroute.formats import openai_chat
from tests.formats.openai_chat.streamed import DONE, answer, call, chunk, event, events_of
from tests.formats.openai_chat.test_stream_encode import facts

TEXT = [Text("Hi")]


TRAPS: dict[str, tuple[bytes, Sequence[Part]]] = {
    "comments": (b": PROCESSING\n\n" + chunk({"content": "Hi"}, "stop") + b": x\n\n" + DONE, TEXT),
    "crlf": ((chunk({"content": "Hi"}, "stop") + DONE).replace(b"\n", b"\r\n"), TEXT),
    "blank lines first": (b"\n\n" + chunk({"content": "Hi"}, "stop") + DONE, TEXT),
    "ids that change": (
        event(id="", model="", object="", choices=[]) + chunk({"content": "Hi"}, "stop") + DONE,
        TEXT,
    ),
    "empty choices": (event(choices=[], prompt_filter_results=[{}]) + chunk({"content": "Hi"}, "stop"), TEXT),
    "two finish reasons": (chunk({"content": "Hi"}, "stop") + chunk({"content": ""}, "stop") + DONE, TEXT),
    "text behind the finish reason": (chunk({"content": "H"}, "stop") + chunk({"content": "i"}) + DONE, TEXT),
    "no done mark": (chunk({"content": "Hi"}, "stop"), TEXT),
    "no last blank line": (chunk({"content": "Hi"}, "stop").rstrip(b"\n"), TEXT),
    "no finish reason": (chunk({"content": "Hi"}) + DONE, TEXT),
    "empty role": (chunk({"role": "", "content": "Hi"}) + chunk({"role": None}, "stop") + DONE, TEXT),
    "null content": (chunk({"content": None}) + chunk({"content": "Hi"}, "stop") + DONE, TEXT),
    "padding": (chunk({"content": "Hi"}, "stop", obfuscation="xyz") + DONE, TEXT),
    "an object of its own": (
        chunk({"role": "assistant", "content": "Hi"}, message={"content": "Hi"})
        + event(
            object="chat.completion.done", choices=[{"index": 0, "message": {"content": "Hi"}, "delta": {}}]
        )
        + chunk({}, "stop", message={"content": "Hi"}),
        TEXT,
    ),
    "a whole message": (
        event(choices=[{"message": {"content": "Hi"}, "finish_reason": "stop"}]) + DONE,
        TEXT,
    ),
    "half a surrogate": (
        b'data: {"id":"c","choices":[{"delta":{"content":"a\\ud83d"},"finish_reason":"stop"}]}\n\n' + DONE,
        [Text("a?")],
    ),
    "a list of parts": (
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]})
        + chunk(
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "m"}], "closed": True}]}
        )
        + chunk({"content": [{"type": "text", "text": "H"}]})
        + chunk({"content": "i"}, "stop")
        + DONE,
        [Thinking("hmm"), Text("Hi")],
    ),
    "reasoning_content": (
        chunk({"reasoning_content": "h"})
        + chunk({"reasoning_content": "m", "content": None})
        + chunk({"content": "Hi"}, "stop")
        + DONE,
        [Thinking("hm"), Text("Hi")],
    ),
    "reasoning": (
        chunk({"reasoning": "hm"}) + chunk({"content": "Hi"}, "stop") + DONE,
        [Thinking("hm"), Text("Hi")],
    ),
    "reasoning in both fields": (
        chunk({"reasoning": "hm", "reasoning_content": "hm"}, "stop") + DONE,
        [Thinking("hm")],
    ),
    "a refusal": (chunk({"refusal": "No"}) + chunk({"refusal": "."}, "stop") + DONE, [Refusal("No.")]),
    "a call in one fragment": (
        chunk({"tool_calls": [call(0, "x1y", "f", "{}")]}, "tool_calls") + DONE,
        [ToolUse("x1y", "f", "{}")],
    ),
    "null names in later fragments": (
        chunk({"tool_calls": [call(0, "abc", "f", "")]})
        + chunk({"tool_calls": [call(0, None, None, '{"a":')]})
        + chunk({"tool_calls": [call(0, "", "", "1}")]}, "tool_calls")
        + DONE,
        [ToolUse("abc", "f", '{"a":1}')],
    ),
    "interleaved calls": (
        chunk({"tool_calls": [call(0, "abc", "f", ""), call(1, "abd", "g", "")]})
        + chunk({"tool_calls": [call(1, text="{}")]})
        + chunk({"tool_calls": [call(0, text='{"a":1}')]}, "tool_calls")
        + DONE,
        [ToolUse("abc", "f", '{"a":1}'), ToolUse("abd", "g", "{}")],
    ),
    "one number for all calls": (
        chunk({"tool_calls": [call(0, "abc", "f", "{}")]})
        + chunk({"tool_calls": [call(0, "abd", "g", "{}")]}, "tool_calls")
        + DONE,
        [ToolUse("abc", "f", "{}"), ToolUse("abd", "g", "{}")],
    ),
    "one number and no ids": (
        chunk({"tool_calls": [call(0, "", "f", "{}")]})
        + chunk({"tool_calls": [call(0, "", "f", '{"a":1}')]}, "tool_calls")
        + DONE,
        [ToolUse("", "f", "{}"), ToolUse("", "f", '{"a":1}')],
    ),
    "no numbers": (
        chunk({"tool_calls": [call(None, "abc", "f", "")]})
        + chunk({"tool_calls": [call(None, None, None, "{}")]})
        + chunk({"tool_calls": [call(None, "abd", "g", "{}")]}, "stop")
        + DONE,
        [ToolUse("abc", "f", "{}"), ToolUse("abd", "g", "{}")],
    ),
    "the same id and name in every fragment": (
        chunk({"tool_calls": [call(0, "abc", "f", '{"a"')]})
        + chunk({"tool_calls": [call(0, "abc", "f", ":1}")]}, "tool_calls")
        + DONE,
        [ToolUse("abc", "f", '{"a":1}')],
    ),
    "a name behind the id": (
        chunk({"tool_calls": [{"index": 0, "id": "abc"}]})
        + chunk({"tool_calls": [call(0, None, "f", "{}")]}, "tool_calls")
        + DONE,
        [ToolUse("abc", "f", "{}")],
    ),
    "arguments as an object": (
        chunk({"tool_calls": [{"id": "abc", "function": {"name": "f", "arguments": {"a": 1}}}]}, "stop")
        + DONE,
        [ToolUse("abc", "f", '{"a": 1}')],
    ),
    "a custom call": (
        chunk(
            {
                "tool_calls": [
                    {"index": 0, "id": "abc", "type": "custom", "custom": {"name": "p", "input": ""}}
                ]
            }
        )
        + chunk({"tool_calls": [{"index": 0, "custom": {"input": "*** x"}}]}, "tool_calls")
        + DONE,
        [ToolUse("abc", "p", "*** x", custom=True)],
    ),
    "the old single call": (
        chunk({"function_call": {"name": "f", "arguments": ""}})
        + chunk({"function_call": {"arguments": "{}"}}, "function_call")
        + DONE,
        [ToolUse("", "f", "{}")],
    ),
    "empty calls beside text": (
        chunk({"content": "H", "tool_calls": []})
        + chunk({"content": "i", "tool_calls": None}, "stop")
        + DONE,
        TEXT,
    ),
    "a signature of Google's": (
        chunk(
            {
                "tool_calls": [
                    {
                        "id": "abc",
                        "function": {"name": "f", "arguments": "{}"},
                        "extra_content": {"google": {"thought_signature": "sig"}},
                    }
                ]
            },
            "stop",
        )
        + DONE,
        [ToolUse("abc", "f", "{}", signature="sig", origin="openai-chat")],
    ),
    "speech": (
        chunk({"audio": {"id": "a", "transcript": "Hi"}})
        + chunk({"audio": {"data": "AA"}})
        + chunk({"audio": {"data": "BB"}}, "stop")
        + DONE,
        [Text("Hi"), Media(MediaKind.AUDIO, Base64("", "AABB"))],
    ),
    "an image": (
        chunk({"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}]}, "stop")
        + DONE,
        [Media(MediaKind.IMAGE, Base64("image/png", "QQ=="))],
    ),
    "annotations": (
        chunk({"content": "Hi"})
        + chunk(
            {"annotations": [{"type": "url_citation", "url_citation": {"url": "u", "title": "t"}}]}, "stop"
        )
        + DONE,
        [Text("Hi", (Citation("u", "t"),))],
    ),
    "sources beside the answer": (
        event(citations=["u", "v"], search_results=[{"url": "u", "title": "t"}], choices=[])
        + chunk({"content": "Hi"}, "stop")
        + DONE,
        [Text("Hi", (Citation("u", "t"), Citation("v")))],
    ),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_an_oddity_changes_nothing(trap: str) -> None:
    wire, parts = TRAPS[trap]

    response = answer(wire)

    assert list(response.candidates[0].parts) == parts
    assert response.candidates[0].finish.reason is not FinishReason.ERROR


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize("size", [1, 3, 50])
def test_cuts_do_not_matter(trap: str, size: int) -> None:
    wire, _ = TRAPS[trap]

    assert events_of(wire, size) == events_of(wire)


@pytest.mark.parametrize("trap", TRAPS)
def test_a_stream_written_anew_tells_the_same(trap: str) -> None:
    wire, parts = TRAPS[trap]
    encoder = openai_chat.stream_encoder(facts())

    again = answer(encoder.encode(events_of(wire)))

    assert [named(part) for part in again.candidates[0].parts] == [named(part) for part in parts]


def named(part: object) -> object:
    """The part without the id that the encoder makes for calls that have none of their own."""
    return (part.name, part.arguments, part.custom) if isinstance(part, ToolUse) else part
