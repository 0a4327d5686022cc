"""`/api/generate`: one prompt, one answer."""

import json
from typing import Any

import pytest

from omniroute.conversation.events import (
    Delta,
    Ended,
    Event,
    Field,
    Finished,
    PartEnded,
    PartStarted,
    Started,
)
from omniroute.conversation.parts import Base64, Media, MediaKind, Text, Thinking
from omniroute.conversation.request import Message, OutputKind, Request, Role
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import Usage
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.codec import ReplyFacts
from omniroute.formats.ollama.generate import (
    decode_generate_request,
    encode_generate_response,
    generate_stream_encoder,
    load_answer,
)

FACTS = ReplyFacts(id="01ABC", created_s=1_764_000_000, model="m", request=Request(model="m", messages=()))
HEAD = {"model": "m", "created_at": "2025-11-24T16:00:00.000000Z"}


def decoded(**members: Any) -> Request:  # JSON of any shape
    return decode_generate_request(json.dumps({"model": "m", **members}).encode())


def test_prompt_system_and_images_are_a_conversation() -> None:
    request = decoded(
        prompt="What is this?",
        system="Be brief.",
        images=["/9j/4AAQ"],
        format="json",
        think=True,
        options={"num_predict": 5},
        suffix="",
        template=None,
        raw=False,
        context=[],
    )
    assert request.messages == (
        Message(Role.SYSTEM, (Text("Be brief."),)),
        Message(Role.USER, (Media(MediaKind.IMAGE, Base64("image/jpeg", "/9j/4AAQ")), Text("What is this?"))),
    )
    assert request.output.kind is OutputKind.JSON
    assert request.reasoning.enabled is True
    assert request.sampling.max_tokens == 5
    assert request.stream is True
    assert request.extra is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("suffix", "}"), ("template", "{{ .Prompt }}"), ("raw", True), ("context", [1, 2])],
)
def test_what_needs_the_models_template_is_refused(name: str, value: object) -> None:
    with pytest.raises(Refused) as refused:
        decoded(prompt="x", **{name: value})
    assert (refused.value.kind, refused.value.param) == (ErrorKind.UNSUPPORTED, name)


def test_an_empty_prompt_loads_the_model() -> None:
    assert decoded(prompt="", system="s").messages == ()
    assert decoded().messages == ()
    assert json.loads(load_answer(FACTS)) == {**HEAD, "response": "", "done": True, "done_reason": "load"}


def test_a_whole_answer_stands_in_response() -> None:
    response = Response(
        candidates=(Candidate((Thinking("hm"), Text("yes")), Finish(FinishReason.STOP)),),
        usage=Usage(input=1, output=2),
    )
    assert json.loads(encode_generate_response(response, FACTS).body) == {
        **HEAD,
        "response": "yes",
        "thinking": "hm",
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 1,
        "eval_count": 2,
    }


def test_a_streamed_answer_stands_in_response() -> None:
    events: list[Event] = [
        Started(),
        PartStarted(0, Thinking("")),
        Delta(0, Field.TEXT, "hm"),
        PartEnded(0),
        PartStarted(1, Text("")),
        Delta(1, Field.TEXT, "yes"),
        PartEnded(1),
        Finished(Finish(FinishReason.STOP)),
        Ended(),
    ]
    wire = generate_stream_encoder(FACTS).encode(events)
    assert [json.loads(line) for line in wire.splitlines()] == [
        {**HEAD, "response": "", "thinking": "hm", "done": False},
        {**HEAD, "response": "yes", "done": False},
        {**HEAD, "response": "", "done": True, "done_reason": "stop"},
    ]
