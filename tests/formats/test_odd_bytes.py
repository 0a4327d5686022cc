"""Bytes that fuzzing found trouble with: what comes of them is an error with a type, or a sound answer."""

import msgspec
import pytest

from omniroute.conversation.events import Delta, Ended, Event, Failed, PartEnded
from omniroute.conversation.fold import StreamFailed, fold
from omniroute.conversation.parts import ToolUse
from omniroute.conversation.response import FinishReason
from omniroute.conversation.usage import Usage
from omniroute.errors import FailureKind, ProtocolError
from omniroute.formats import FORMATS
from omniroute.formats.anthropic.blocks_encode import encode_input
from omniroute.formats.codec import Losses
from omniroute.formats.gemini.content_encode import encode_call
from omniroute.formats.gemini.usage import UsageMetadata, disjoint
from omniroute.formats.ollama.request_encode import arguments_of
from omniroute.formats.translate import Incoming
from omniroute.records import FormatName
from tests.formats.laws.answers import FACTS

CHAT, RESPONSES = FormatName.OPENAI_CHAT, FormatName.OPENAI_RESPONSES
ANTHROPIC, GEMINI = FormatName.ANTHROPIC, FormatName.GEMINI


def sse(*events: bytes) -> bytes:
    """Events of a stream."""
    return b"".join(b"data: " + event + b"\n\n" for event in events)


NO_TEXT: dict[str, tuple[FormatName, bytes]] = {
    "response": (RESPONSES, b'{"type":"response.created","response":{"\x97":1}}'),
    "item": (
        RESPONSES,
        b'{"type":"response.output_item.done","output_index":0,"item":'
        b'{"type":"message","content":[{"type":"output_text","text":"\xff"}]}}',
    ),
    "details": (
        CHAT,
        b'{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","text":"\xf1"}]}}]}',
    ),
    "type of details": (CHAT, b'{"choices":[{"delta":{"reasoning_details":[{"type":5}]}}]}'),
    "citation": (
        ANTHROPIC,
        b'{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"\x98":1}}}',
    ),
}


@pytest.mark.parametrize("name", NO_TEXT)
def test_bytes_that_are_no_text_are_the_upstreams_fault(name: str) -> None:
    dialect, event = NO_TEXT[name]
    with pytest.raises(ProtocolError):
        FORMATS[dialect].stream_decoder().feed(sse(event))


def test_sources_that_are_no_text_do_not_spoil_an_answer() -> None:
    chunk = b'{"id":"x","choices":[{"delta":{"content":"Hi"},"finish_reason":"stop"}],'
    for sources in (
        b'"citations":["\xf0"]',
        b'"search_results":[{"url":"\xa1"}]',
        b'"search_results":["\xa5"]',
    ):
        decoder = FORMATS[CHAT].stream_decoder()
        events = [*decoder.feed(sse(chunk + sources + b"}")), *decoder.close()]
        assert isinstance(events[-1], Ended)


def read(dialect: FormatName, wire: bytes) -> list[Event]:
    """All events of a stream, whatever is wrong with it."""
    decoder = FORMATS[dialect].stream_decoder()
    try:
        events = decoder.feed(wire)
    except ProtocolError:
        events = []
    return events + decoder.close()


def test_an_ending_that_cannot_be_read_is_no_ending() -> None:
    broken = b'{"type":"response.completed","response":{"status":"completed","output":3}}'
    assert isinstance(read(RESPONSES, sse(broken))[-1], Failed)
    assert isinstance(read(RESPONSES, b"data: " + broken)[-1], Failed)


def test_an_item_does_not_grow_after_its_end() -> None:
    done = b'{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi"}]}'
    delta = b'{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hi"}'
    events = read(
        RESPONSES,
        sse(
            delta,
            b'{"type":"response.output_item.done","output_index":0,"item":' + done + b"}",
            delta,
            b'{"type":"response.output_text.done","output_index":0,"content_index":0,"text":"Hi there"}',
            b'{"type":"response.refusal.delta","output_index":0,"content_index":1,"delta":"No"}',
        ),
    )
    kinds = [type(event) for event in events]
    assert kinds.count(Delta) == 1
    assert kinds.index(PartEnded) > kinds.index(Delta)


def test_a_block_that_holds_no_text_is_shown_as_far_as_it_can_be() -> None:
    body = (
        b'{"type":"message","role":"assistant","content":[{"type":"server_tool_use","id":"s","name":"n",'
        b'"input":{"a":"\xed"}}],"stop_reason":"end_turn"}'
    )
    stream = Incoming(upstream=ANTHROPIC, writer=FORMATS[ANTHROPIC], facts=FACTS).replayed(body)
    assert "\ufffd" in stream.rest().decode()


def test_an_address_that_is_none_is_a_file_of_no_known_site() -> None:
    body = b'{"contents":[{"parts":[{"fileData":{"fileUri":"http://[x","mimeType":"image/png"}}]}]}'
    request = FORMATS[GEMINI].decode_request(body, model="m", stream=False)
    assert request.messages[0].parts


ERRORS: dict[FormatName, bytes] = {
    CHAT: b'{"error":{"message":"Filtered","code":429}}',
    RESPONSES: b'{"status":"failed","error":{"code":"x","message":"Filtered"}}',
    ANTHROPIC: b'{"type":"error","error":{"type":"x","message":"Filtered"}}',
    GEMINI: b'{"error":{"code":400,"message":"Filtered","status":"X"}}',
    FormatName.OLLAMA: b'{"error":"Filtered"}',
}


@pytest.mark.parametrize("dialect", FORMATS, ids=str)
def test_an_error_that_comes_as_success_is_told_in_its_words(dialect: FormatName) -> None:
    with pytest.raises(StreamFailed) as raised:
        FORMATS[dialect].decode_response(ERRORS[dialect])
    assert raised.value.failure.message == "Filtered"
    assert raised.value.failure.kind is not FailureKind.CUT


@pytest.mark.parametrize("arguments", ["", " ", "null", " null\n"])
def test_null_for_arguments_is_an_empty_object(arguments: str) -> None:
    losses = Losses()
    call = ToolUse("call_a1b2c3d4", "f", arguments)
    assert bytes(encode_input(arguments, losses)) == b"{}"
    assert bytes(arguments_of(call, losses)) == b"{}"
    assert msgspec.json.encode(encode_call(call, losses, id="x")["functionCall"]["args"]) == b"{}"
    assert losses.names == ()


def test_a_count_of_output_alone_is_kept() -> None:
    assert disjoint(UsageMetadata(candidatesTokenCount=7)) == Usage(output=7)


def test_the_logprobs_of_a_refusal_are_reported_as_lost_in_a_stream_too() -> None:
    body = (
        b'{"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","refusal":"No."},'
        b'"logprobs":{"refusal":[{"token":"No.","logprob":-0.5,"bytes":null,"top_logprobs":[]}]}}]}'
    )
    incoming = Incoming(upstream=CHAT, writer=FORMATS[RESPONSES], facts=FACTS)
    stream = incoming.replayed(body)
    told = fold(read(RESPONSES, stream.rest()))
    assert stream.losses == incoming.whole(body).losses == ("logprobs",)
    assert told.candidates[0].finish.reason is FinishReason.STOP
