"""Answers that codecs have trouble with, by name."""

from types import MappingProxyType

import msgspec

from omniroute.conversation.parts import (
    Base64,
    Citation,
    Media,
    MediaKind,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolUse,
)
from omniroute.conversation.request import Message, Request, Role, TokenLogprob
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.formats.codec import ReplyFacts

USAGE = Usage(input=21, output=9)

UNICODE = (
    'é 🤔 👩‍👩‍👧 \u2028\u2029 שלום "quoted" \\back\\ </think> \t\x01\x7f data: x\r\n\r\ndata: [DONE]\n\n'
)
"""Everything a frame could trip over."""


def answer(
    *parts: Part, reason: FinishReason | None = None, usage: Usage = USAGE, sequence: str | None = None
) -> Response:
    """One candidate; the reason follows from the parts unless it is given."""
    called = any(isinstance(part, ToolUse) for part in parts)
    usual = FinishReason.TOOL_USE if called else FinishReason.STOP
    return Response(
        model="m",
        candidates=(Candidate(parts, Finish(reason or usual, sequence=sequence)),),
        usage=usage,
    )


def call(id: str, name: str = "get_weather", arguments: str = '{"city":"Oslo"}') -> ToolUse:
    """A call of a function."""
    return ToolUse(id, name, arguments)


ANSWERS: MappingProxyType[str, Response] = MappingProxyType(
    {
        "text": answer(Text("Hello there.")),
        "unicode": answer(
            Text(UNICODE), Thinking(UNICODE), call("call_u", arguments='{"é🤔":"\\u2028 \u2028"}')
        ),
        "nothing": answer(),
        "several_texts": answer(Text("One. "), Text("Two.")),
        "thinking": answer(Thinking("Let me see."), Text("Yes.")),
        "thinking_alone": answer(Thinking("Let me see.")),
        "thinking_signed_anthropic": answer(
            Thinking("Let me see.", "c2lnbmF0dXJl", origin="anthropic"), Text("Yes.")
        ),
        "thinking_withheld_anthropic": answer(Thinking("", "c2lnbmF0dXJl", origin="anthropic"), Text("Yes.")),
        "thinking_redacted_anthropic": answer(
            Thinking("", "c2VhbGVk", redacted=True, origin="anthropic"), Text("Yes.")
        ),
        "thinking_sealed_responses": answer(
            Thinking("Let me see.", "c2VhbGVk", origin="openai-responses", id="rs_1"), Text("Yes.")
        ),
        "call": answer(call("call_abcdef")),
        "call_signed_gemini": answer(
            ToolUse("call_abcdef", "f", '{"a":1}', signature="c2lnbmF0dXJl", origin="gemini")
        ),
        "calls": answer(
            call("call_aaaa", "f", '{"n":1}'), call("call_bbbb", "f", '{"n":2}'), call("call_cccc", "g", "{}")
        ),
        "calls_without_ids": answer(call("", "f", '{"n":1}'), call("", "f", '{"n":2}')),
        "calls_with_weak_ids": answer(call("0", "f"), call("call_1", "f"), call("functions.f:2", "f")),
        "call_without_arguments": answer(call("call_aaaa", arguments="")),
        "call_as_written": answer(
            call("call_aaaa", arguments='{ "b": 1.50, "a" : [1e3, -0, "\\u00e9"],\n "c": {} }')
        ),
        "text_and_call": answer(Text("Looking."), call("call_aaaa")),
        "interleaved": answer(
            Thinking("First."),
            Text("One."),
            call("call_aaaa", "f"),
            Thinking("Then."),
            Text("Two."),
            call("call_bbbb", "g"),
        ),
        "refusal": answer(Refusal("I will not."), reason=FinishReason.REFUSAL),
        "refusal_that_stopped": answer(Refusal("I will not.")),
        "refused_midway": answer(Text("Well, "), reason=FinishReason.REFUSAL),
        "length": answer(Text("Once upon a"), reason=FinishReason.LENGTH),
        "length_in_call": answer(call("call_aaaa", arguments='{"city":'), reason=FinishReason.LENGTH),
        "stop_sequence": answer(Text("One, two"), reason=FinishReason.STOP_SEQUENCE, sequence=" three"),
        "content_filter": answer(reason=FinishReason.CONTENT_FILTER),
        "pause": answer(Text("Wait."), reason=FinishReason.PAUSE),
        "unknown_reason": answer(Text("Hm."), reason=FinishReason.UNKNOWN),
        "citations": answer(
            Text(
                "It is so.",
                (
                    Citation(url="https://a.example/x", title="A", cited_text="so", start=0, end=9),
                    Citation(url="https://b.example/y"),
                ),
            )
        ),
        "logprobs": Response(
            model="m",
            candidates=(
                Candidate(
                    (Text("éa"),),
                    Finish(FinishReason.STOP),
                    (
                        TokenLogprob("é", -0.25, (195, 169), (TokenLogprob("e", -2.0, (101,)),)),
                        TokenLogprob("a", -0.5, (97,)),
                    ),
                ),
            ),
            usage=USAGE,
        ),
        "candidates": Response(
            model="m",
            candidates=(
                Candidate((Text("One."),), Finish(FinishReason.STOP)),
                Candidate((Thinking("Hm."), Text("Two.")), Finish(FinishReason.LENGTH)),
                Candidate((call("call_aaaa"),), Finish(FinishReason.TOOL_USE)),
            ),
            usage=USAGE,
        ),
        "image": answer(Text("Here."), Media(MediaKind.IMAGE, Base64("image/png", "iVBORw0KGgo="))),
        "opaque_anthropic": answer(
            Text("Searching."),
            Opaque(
                "anthropic",
                "server_tool_use",
                msgspec.Raw(
                    b'{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}}'
                ),
            ),
            Text("Found."),
        ),
        "opaque_responses": answer(
            Opaque(
                "openai-responses",
                "web_search_call",
                msgspec.Raw(b'{"type":"web_search_call","id":"ws_1","status":"completed"}'),
            ),
            Text("Found."),
        ),
        "big": answer(
            Thinking("hm " * 30_000),
            Text("word é" * 30_000),
            call("call_aaaa", "f", '{"t":"' + "x" * 90_000 + '"}'),
        ),
        "usage_in_parts": answer(
            Text("Hi."), usage=Usage(input=100, cache_read=50, cache_write=25, output=40, reasoning=30)
        ),
        "usage_unknown": answer(Text("Hi."), usage=UNKNOWN),
    }
)
"""Names to answers."""

SMALL = tuple(name for name in ANSWERS if name != "big")


def facts_for(stream: bool = True) -> ReplyFacts:
    """What answers are dressed in here."""
    request = Request(
        model="m",
        messages=(Message(Role.USER, (Text("Hi"),)),),
        stream=stream,
        include_usage=True,
    )
    return ReplyFacts(id="01ABCDEFGH", created_s=1_764_000_000, model="m", request=request)


FACTS = facts_for()
