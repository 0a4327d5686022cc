"""Streams of Chat, made short."""

import json

from omniroute.conversation.events import Event
from omniroute.conversation.fold import fold
from omniroute.conversation.response import Response
from omniroute.formats import openai_chat

DONE = b"data: [DONE]\n\n"


def event(**members: object) -> bytes:
    return b"data: " + json.dumps({"id": "c1", "model": "m", **members}).encode() + b"\n\n"


def chunk(delta: object = None, finish: str | None = None, index: int = 0, **more: object) -> bytes:
    choice: dict[str, object] = {"index": index, "delta": delta or {}, "finish_reason": finish, **more}
    return event(choices=[choice])


def events_of(wire: bytes, size: int | None = None) -> list[Event]:
    decoder = openai_chat.stream_decoder()
    pieces = [wire] if size is None else [wire[at : at + size] for at in range(0, len(wire), size)]
    told = [event for piece in pieces for event in decoder.feed(piece)]
    return told + decoder.close()


def answer(*wire: bytes) -> Response:
    return fold(events_of(b"".join(wire)))


def call(
    index: int | None, id: str | None = None, name: str | None = None, text: str | None = None
) -> object:
    function = {"name": name, "arguments": text}
    return {"index": index, "id": id, "type": "function", "function": function}
