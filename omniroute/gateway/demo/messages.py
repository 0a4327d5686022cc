"""The demo in Anthropic Messages (API reference, read 2026-11-22)."""

from collections.abc import Iterator

import msgspec

from omniroute.formats.envelope import Envelope
from omniroute.gateway.demo.answer import Answer
from omniroute.gateway.demo.ask import (
    Ask,
    JSONObject,
    Tool,
    forced_tool,
    last_text,
    objects,
    text_of,
    tokens_in,
    tool,
    unreadable,
)


def read(request: Envelope) -> Ask:
    """What the request asks. Raises `Refused`."""
    messages, tools = request.value("messages"), request.value("tools")
    said = objects(messages)
    if not said:
        raise unreadable("messages: at least one message is required", "messages")
    users = [message for message in said if message.get("role") == "user"]
    content = users[-1].get("content") if users else ""
    results = [block for block in objects(content) if block.get("type") == "tool_result"]
    choice = request.value("tool_choice")
    refused = isinstance(choice, dict) and choice.get("type") == "none"
    return Ask(
        text=last_text(content),
        input_tokens=tokens_in(request.value("system"), messages, tools),
        tool_result="\n".join(text_of(block.get("content")) for block in results) if results else None,
        tools=() if refused else _tools(tools),
        forced=forced_tool(choice),
        stream=request.stream,
    )


def _tools(tools: object) -> tuple[Tool, ...]:
    """The client's own tools; those that Anthropic runs itself have another type."""
    return tuple(
        found
        for offered in objects(tools)
        if offered.get("type", "custom") == "custom"
        for found in tool(offered.get("name"), offered.get("input_schema"))
    )


def whole(answer: Answer) -> bytes:
    """A message."""
    block: JSONObject = {"type": "text", "text": answer.text}
    if answer.call is not None:
        block = _opened(answer) | {"input": answer.call.arguments}
    message = _message(answer, [block])
    return msgspec.json.encode(message | {"stop_reason": _reason(answer), "usage": _usage(answer)})


def stream(answer: Answer, ask: Ask) -> Iterator[bytes]:
    """The frames of a stream of message events."""
    del ask  # usage is always told
    yield _frame("message_start", message=_message(answer, []))
    yield _frame("content_block_start", index=0, content_block=_opened(answer))
    yield _frame("ping")
    for piece in answer.pieces:
        delta = {"type": "text_delta", "text": piece}
        if answer.call is not None:
            delta = {"type": "input_json_delta", "partial_json": piece}
        yield _frame("content_block_delta", index=0, delta=delta)
    yield _frame("content_block_stop", index=0)
    ending = {"stop_reason": _reason(answer), "stop_sequence": None}
    yield _frame("message_delta", delta=ending, usage=_usage(answer))
    yield _frame("message_stop")


def _message(answer: Answer, content: list[JSONObject]) -> JSONObject:
    return {
        "id": f"msg_{answer.id}",
        "type": "message",
        "role": "assistant",
        "model": answer.model,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(answer) | {"output_tokens": 1},
    }


def _opened(answer: Answer) -> JSONObject:
    """The answer's one block, as it begins."""
    if answer.call is None:
        return {"type": "text", "text": ""}
    return {"type": "tool_use", "id": f"toolu_{answer.call.id}", "name": answer.call.name, "input": {}}


def _frame(kind: str, **members: object) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode({"type": kind} | members) + b"\n\n"


def _reason(answer: Answer) -> str:
    return "end_turn" if answer.call is None else "tool_use"


def _usage(answer: Answer) -> JSONObject:
    return {
        "input_tokens": answer.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": answer.output_tokens,
    }
