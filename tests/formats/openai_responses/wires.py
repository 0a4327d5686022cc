"""Small answers of OpenAI Responses, and what they are read with."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from omniroute.conversation.events import Event
from omniroute.formats.codec import ReplyFacts
from omniroute.formats.openai_responses import decode_request, stream_decoder, stream_encoder

JSON = dict[str, Any]  # JSON of any shape

USAGE: JSON = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 17,
}
MESSAGE: JSON = {
    "id": "msg_1",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
}
THOUGHT: JSON = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "One."}, {"type": "summary_text", "text": "Two."}],
    "encrypted_content": "sealed",
}
CALL: JSON = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "call_abc",
    "name": "f",
    "arguments": '{"a": 1.0}',
}
PATCH: JSON = {
    "id": "ctc_1",
    "type": "custom_tool_call",
    "call_id": "call_p",
    "name": "patch",
    "input": "*** Go",
}
SEARCH: JSON = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search"}}


def answer(*items: JSON, **members: object) -> JSON:
    """A whole answer with these items."""
    begun = {"id": "resp_1", "object": "response", "status": "completed", "model": "m-1", "usage": USAGE}
    return {**begun, "output": list(items), **members}


def whole(*items: JSON, **members: object) -> bytes:
    """The same as it is sent."""
    return msgspec.json.encode(answer(*items, **members))


def wire(*events: JSON, named: bool = True) -> bytes:
    """Events as they are sent."""
    lines = []
    for event in events:
        name = f"event: {event['type']}\n" if named else ""
        lines.append(name.encode() + b"data: " + msgspec.json.encode(event) + b"\n\n")
    return b"".join(lines)


def event(kind: str, **members: object) -> JSON:
    """One event."""
    return {"type": f"response.{kind}", **members}


CREATED = event("created", response={"id": "resp_1", "model": "m-1", "status": "in_progress", "output": []})


def completed(*items: JSON, **members: object) -> JSON:
    """The end."""
    return event("completed", response=answer(*items, **members))


def read(pieces: Iterable[bytes]) -> list[Event]:
    """All events of a stream that comes in these pieces."""
    decoder = stream_decoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.close()


def facts(**members: object) -> ReplyFacts:
    """What answers are dressed in, for a request with these members."""
    request = decode_request(msgspec.json.encode({"model": "nice", "input": "hi"} | members))
    return ReplyFacts(id="abc", created_s=5, model="nice", request=request)


def told(*batches: Sequence[Event], given: ReplyFacts | None = None) -> list[JSON]:
    """The events a client gets for these."""
    encoder = stream_encoder(given or facts())
    return parsed(b"".join(encoder.encode(batch) for batch in batches))


def parsed(sent: bytes) -> list[JSON]:
    """Events as sent, checked for their outer form."""
    found: list[JSON] = []
    for frame in sent.decode().removesuffix("\n\n").split("\n\n"):
        name, data = frame.split("\n")
        value: JSON = msgspec.json.decode(data.removeprefix("data: "))
        assert name == f"event: {value['type']}"
        assert value["sequence_number"] == len(found)
        found.append(value)
    return found
