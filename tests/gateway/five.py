"""Clients and upstreams of all five dialects, for tables over every pair."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from omniroute.conversation.events import Delta, Ended, Event, Failed, Field, PartStarted
from omniroute.conversation.fold import fold
from omniroute.conversation.parts import Text
from omniroute.conversation.response import Response
from omniroute.errors import ProtocolError
from omniroute.formats import FORMATS
from omniroute.records import FormatName, NodeType
from tests.formats.laws.grammar import CHECKS
from tests.running_gateway import Got

NODES: Mapping[FormatName, NodeType] = {
    FormatName.OPENAI_CHAT: NodeType.OPENAI,
    FormatName.OPENAI_RESPONSES: NodeType.RESPONSES,
    FormatName.ANTHROPIC: NodeType.ANTHROPIC,
    FormatName.GEMINI: NodeType.GEMINI,
    FormatName.OLLAMA: NodeType.OLLAMA,
}
"""The kind of server that speaks each dialect."""

FIVE = tuple(NODES)
PAIRS = [(client, upstream) for client in FIVE for upstream in FIVE]
TRANSLATED = [(client, upstream) for client, upstream in PAIRS if client is not upstream]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a client of one dialect sends it."""

    path: str
    body: dict[str, Any]


def asking(dialect: FormatName, model: str = "up/m-1", *, stream: bool = False, **members: Any) -> Asked:
    """One short question."""
    question: Any = [{"role": "user", "content": "Say hello"}]
    match dialect:
        case FormatName.OPENAI_CHAT:
            body = {"model": model, "messages": question, "stream": stream}
            if stream:
                body["stream_options"] = {"include_usage": True}
            return Asked("/v1/chat/completions", body | members)
        case FormatName.OPENAI_RESPONSES:
            return Asked("/v1/responses", {"model": model, "input": question, "stream": stream} | members)
        case FormatName.ANTHROPIC:
            body = {"model": model, "messages": question, "max_tokens": 100, "stream": stream}
            return Asked("/v1/messages", body | members)
        case FormatName.GEMINI:
            verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
            body = {"contents": [{"role": "user", "parts": [{"text": "Say hello"}]}]}
            return Asked(f"/v1beta/models/{model}:{verb}", body | members)
        case FormatName.OLLAMA:
            return Asked("/api/chat", {"model": model, "messages": question, "stream": stream} | members)


def read(dialect: FormatName, got: Got, *, stream: bool, ours: bool = True) -> Response:
    """The answer as this dialect's clients understand it.

    `ours`: we wrote the stream, so it is held to the dialect's grammar; an upstream's own bytes are not.
    """
    if not stream:
        return FORMATS[dialect].decode_response(got.body)
    assert not ours or CHECKS[dialect](got.body).ended, got.body
    return fold(events_of(dialect, got.body))


def is_told_as_broken(dialect: FormatName, wire: bytes, *, ours: bool = True) -> bool:
    """The stream ends in an error, and nothing in it says that the answer is whole."""
    if ours:
        walk = CHECKS[dialect](wire)
        return walk.failed and not walk.ended
    last = wire.rstrip(b"\n").rpartition(b"\n\n" if b"\n\n" in wire else b"\n")[2]
    told = json.loads(last[last.index(b"{") :])
    is_error = "error" in told or told.get("type") in ("error", "response.failed")
    events = events_of(dialect, wire)
    return is_error and isinstance(events[-1], Failed) and not any(isinstance(e, Ended) for e in events)


def events_of(dialect: FormatName, wire: bytes) -> list[Event]:
    """All events of a stream."""
    decoder = FORMATS[dialect].stream_decoder()
    return [*decoder.feed(wire), *decoder.close()]


def text_of(response: Response) -> str:
    """What the model said."""
    return "".join(part.text for part in response.candidates[0].parts if isinstance(part, Text))


def content_of(dialect: FormatName, wire: bytes) -> str:
    """The text in a stream, however it ended."""
    decoder = FORMATS[dialect].stream_decoder()
    told = ""
    events: list[Event] = []
    with suppress(ProtocolError):
        for place in range(len(wire)):
            events += decoder.feed(wire[place : place + 1])
    for event in events:
        match event:
            case PartStarted(part=Text(text=text)) | Delta(field=Field.TEXT, text=text):
                told += text
            case _:
                pass
    return told
