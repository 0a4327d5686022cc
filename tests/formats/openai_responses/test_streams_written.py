"""Streams of OpenAI Responses, written."""

import msgspec
import pytest
from openai.types.responses import Response as SdkResponse

from omniroute.conversation.events import (
    Cited,
    Delta,
    Ended,
    Event,
    Failed,
    Field,
    Finished,
    LogprobsSeen,
    PartEnded,
    PartStarted,
    Started,
    UsageSeen,
)
from omniroute.conversation.fold import CUT, fold, unfold
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
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Finish, FinishReason
from omniroute.conversation.usage import Usage
from omniroute.errors import ErrorKind, ProtocolError
from omniroute.formats.openai_responses import decode_response, encode_response, stream_encoder
from omniroute.formats.openai_responses import stream_encode as module
from tests.formats.openai_responses.wires import (
    CALL,
    JSON,
    MESSAGE,
    PATCH,
    SEARCH,
    THOUGHT,
    facts,
    parsed,
    read,
    told,
    whole,
)

STOP = (Finished(Finish(FinishReason.STOP)), UsageSeen(Usage(input=1, output=2)), Ended())


def _kinds(events: list[JSON]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def test_a_text_is_told_in_the_order_the_sdks_know() -> None:
    events = told(
        [Started("x", "up")],
        [PartStarted(0, Text(""))],
        [Delta(0, Field.TEXT, "Hel")],
        [Delta(0, Field.TEXT, "lo")],
        [PartEnded(0)],
        STOP,
    )
    assert _kinds(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["delta"] for event in events if "delta" in event] == ["Hel", "lo"]
    assert events[6]["text"] == "Hello"
    assert {event["item_id"] for event in events[3:8]} == {"msg_abc_0"}
    last = events[-1]["response"]
    assert last["output"] == [events[-2]["item"]]
    assert (last["status"], last["usage"]["total_tokens"], last["id"]) == ("completed", 3, "resp_abc")
    SdkResponse.model_validate(last)


def test_thoughts_and_calls_are_told_in_the_order_the_sdks_know() -> None:
    events = told(
        [Started()],
        [
            PartStarted(0, Thinking(origin="anthropic")),
            Delta(0, Field.TEXT, "Hm"),
            Delta(0, Field.SIGNATURE, "s"),
        ],
        [
            PartEnded(0),
            PartStarted(1, ToolUse("call_abc", "f")),
            Delta(1, Field.ARGUMENTS, '{"a":1}'),
            PartEnded(1),
        ],
        [
            PartStarted(2, ToolUse("call_p", "patch", custom=True)),
            Delta(2, Field.ARGUMENTS, "*** Go"),
            PartEnded(2),
        ],
        STOP,
    )
    assert _kinds(events)[2:-1] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert "encrypted_content" not in done[0]
    assert (done[1]["call_id"], done[1]["arguments"]) == ("call_abc", '{"a":1}')
    assert (done[2]["type"], done[2]["input"]) == ("custom_tool_call", "*** Go")
    assert [event["output_index"] for event in events if "item" in event] == [0, 0, 1, 1, 2, 2]
    assert events[-1]["response"]["output"] == done


def test_own_sealed_thoughts_go_back_sealed() -> None:
    own = Thinking(origin="openai-responses", id="rs_9")
    events = told([Started(), PartStarted(0, own), Delta(0, Field.SIGNATURE, "sealed"), PartEnded(0), *STOP])
    item = {"id": "rs_9", "type": "reasoning", "summary": [], "encrypted_content": "sealed"}
    assert events[-2]["item"] == item


def test_a_call_in_a_group_says_which() -> None:
    call = ToolUse("call_abc", "read", "{}", namespace="mcp__files")
    events = told([Started(), PartStarted(0, call), PartEnded(0), *STOP])
    assert events[-2]["item"]["namespace"] == "mcp__files"


def test_interleaved_parts_are_told_one_after_another() -> None:
    events: list[Event] = [
        Started(),
        PartStarted(0, ToolUse("call_a0", "f")),
        PartStarted(1, ToolUse("call_b0", "g")),
        Delta(1, Field.ARGUMENTS, '{"b'),
        Delta(0, Field.ARGUMENTS, '{"a'),
        PartStarted(2, Text("")),
        Delta(2, Field.TEXT, "Hi"),
        Delta(1, Field.ARGUMENTS, '":2}'),
        PartEnded(1),
        Delta(0, Field.ARGUMENTS, '":1}'),
        PartEnded(0),
        PartEnded(2),
        *STOP,
    ]
    one_by_one = told(*[[event] for event in events])
    assert told(events) == one_by_one
    done = [event["item"] for event in one_by_one if event["type"] == "response.output_item.done"]
    assert [item.get("arguments") for item in done] == ['{"a":1}', '{"b":2}', None]
    places = [event["output_index"] for event in one_by_one if "output_index" in event]
    assert places == sorted(places)


def test_what_is_held_back_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_HELD_CHARS", 10)
    encoder = stream_encoder(facts())
    encoder.encode([Started(), PartStarted(0, Text("")), PartStarted(1, Text(""))])
    with pytest.raises(ProtocolError):
        encoder.encode([Delta(1, Field.TEXT, "x" * 11)])


def test_many_parts_that_wait_do_not_run_out_of_stack() -> None:
    starts = [PartStarted(index, ToolUse(f"call_x{index:05}", "f")) for index in range(3000)]
    ends = [PartEnded(index) for index in range(2999, -1, -1)]
    events = told([Started(), *starts, *ends, *STOP])
    assert len(events[-1]["response"]["output"]) == 3000


def test_refusals_citations_and_likelihoods_have_their_events() -> None:
    token = TokenLogprob("Hi", -0.5)
    cited = Citation("https://x.example", "X", start=0, end=2)
    events = told(
        [
            Started(),
            PartStarted(0, Text("")),
            Delta(0, Field.TEXT, "Hi"),
            LogprobsSeen((token,)),
            Cited(0, cited),
        ],
        [PartEnded(0), PartStarted(1, Refusal("")), Delta(1, Field.TEXT, "No"), PartEnded(1), *STOP],
    )
    annotation = next(event for event in events if event["type"] == "response.output_text.annotation.added")
    assert annotation["annotation"]["url"] == "https://x.example"
    done = next(event for event in events if event["type"] == "response.output_text.done")
    assert [value["token"] for value in done["logprobs"]] == ["Hi"]
    refused = [event for event in events if event["type"].startswith("response.refusal")]
    assert [event.get("delta", event.get("refusal")) for event in refused] == ["No", "No"]
    item = events[-1]["response"]["output"][0]
    assert item["content"][0]["annotations"] == [annotation["annotation"]]


def test_nothing_is_told_of_parts_without_content() -> None:
    empty: tuple[Part, ...] = (Text(""), Thinking("", "x", redacted=True, origin="anthropic"), Refusal(""))
    encoder = stream_encoder(facts())
    events: list[Event] = [Started()]
    for index, part in enumerate(empty):
        events += [PartStarted(index, part), PartEnded(index)]
    assert _kinds(parsed(encoder.encode([*events, *STOP]))) == ["created", "in_progress", "completed"]
    assert encoder.losses == ("redacted_thinking",)


def test_an_image_is_an_item_of_its_own() -> None:
    image = Media(MediaKind.IMAGE, Base64("image/png", "AA"))
    events = told([Started(), PartStarted(0, image), Delta(0, Field.BASE64, "BB"), PartEnded(0), *STOP])
    assert events[-2]["item"]["result"] == "AABB"


def test_blocks_of_other_providers_are_left_out_and_reported() -> None:
    encoder = stream_encoder(facts())
    block = Opaque("anthropic", "server_tool_use", msgspec.Raw(b"{}"))
    encoder.encode([Started(), PartStarted(0, block), PartEnded(0), PartStarted(1, Text("x"), 1), *STOP])
    assert encoder.losses == ("server_tool_use", "candidates")


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (FinishReason.TOOL_USE, "completed"),
        (FinishReason.LENGTH, "incomplete"),
        (FinishReason.REFUSAL, "incomplete"),
        (FinishReason.ERROR, "failed"),
    ],
)
def test_the_last_event_says_how_it_ended(reason: FinishReason, kind: str) -> None:
    last = told([Started(), Finished(Finish(reason)), Ended()])[-1]
    assert last["type"] == f"response.{kind}"
    assert last["response"]["status"] == kind


def test_a_stream_that_fails_ends_in_error_with_what_was_complete() -> None:
    encoder = stream_encoder(facts(instructions="Be kind."))
    sent = encoder.encode(
        [Started(), PartStarted(0, Text("Hi")), PartEnded(0), PartStarted(1, Text("Th")), Failed(CUT)]
    )
    sent += encoder.fail(ErrorKind.BAD_GATEWAY, "it broke", request_id="r1")
    assert encoder.encode([Delta(1, Field.TEXT, "is"), *STOP]) == b""
    assert encoder.fail(ErrorKind.BAD_GATEWAY, "again", request_id="r1") == b""
    last = parsed(sent)[-1]
    assert last["type"] == "response.failed"
    response = last["response"]
    assert (response["status"], response["error"]) == (
        "failed",
        {"code": "bad_gateway", "message": "it broke"},
    )
    assert (response["instructions"], len(response["output"])) == ("Be kind.", 1)


WHOLES = {
    "text": whole(MESSAGE),
    "everything": whole(THOUGHT, SEARCH, MESSAGE, CALL, PATCH),
    "cut": whole(MESSAGE, status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
}


@pytest.mark.parametrize("name", WHOLES)
def test_a_stream_and_a_whole_answer_say_the_same(name: str) -> None:
    response = decode_response(WHOLES[name])
    events = list(unfold(response))
    sent = stream_encoder(facts()).encode(events)
    last = parsed(sent)[-1]["response"]
    assert last == msgspec.json.decode(encode_response(response, facts()).body)
    assert fold(read([sent])).candidates == response.candidates
