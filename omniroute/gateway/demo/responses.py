"""The demo in OpenAI Responses (API reference, read 2026-11-22)."""

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
    given, tools = request.value("input"), request.value("tools")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else objects(given)
    if not items:
        raise unreadable("the request holds no input: set `input`", "input")
    users = [item for item in items if item.get("role") == "user"]
    choice = request.value("tool_choice")
    last = items[-1]
    is_result = last.get("type") in ("function_call_output", "custom_tool_call_output")
    return Ask(
        text=last_text(users[-1].get("content")) if users else "",
        input_tokens=tokens_in(request.value("instructions"), given, tools),
        tool_result=text_of(last.get("output")) if is_result else None,
        tools=() if choice == "none" else _tools(tools),
        forced=forced_tool(choice),
        stream=request.stream,
    )


def _tools(tools: object) -> tuple[Tool, ...]:
    return tuple(
        found
        for offered in objects(tools)
        if offered.get("type") == "function"
        for found in tool(offered.get("name"), offered.get("parameters"))
    )


def whole(answer: Answer) -> bytes:
    """A finished response object."""
    return msgspec.json.encode(_response(answer, finished=True))


def stream(answer: Answer, ask: Ask) -> Iterator[bytes]:
    """The frames of a stream of `response.*` events."""
    del ask  # usage is always told
    for number, (kind, members) in enumerate(_events(answer)):
        event = {"type": kind, "sequence_number": number} | members
        yield b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"


def _events(answer: Answer) -> Iterator[tuple[str, JSONObject]]:
    begun = {"response": _response(answer, finished=False)}
    yield "response.created", begun
    yield "response.in_progress", begun
    yield "response.output_item.added", {"output_index": 0, "item": _item(answer, finished=False)}
    yield from _text_events(answer) if answer.call is None else _call_events(answer)
    yield "response.output_item.done", {"output_index": 0, "item": _item(answer, finished=True)}
    yield "response.completed", {"response": _response(answer, finished=True)}


def _text_events(answer: Answer) -> Iterator[tuple[str, JSONObject]]:
    place = {"item_id": _item_id(answer), "output_index": 0, "content_index": 0}
    yield "response.content_part.added", place | {"part": _part("")}
    for piece in answer.pieces:
        yield "response.output_text.delta", place | {"delta": piece, "logprobs": []}
    yield "response.output_text.done", place | {"text": answer.text, "logprobs": []}
    yield "response.content_part.done", place | {"part": _part(answer.text)}


def _call_events(answer: Answer) -> Iterator[tuple[str, JSONObject]]:
    assert answer.call is not None, "asked for only when there is a call"  # noqa: S101
    place = {"item_id": _item_id(answer), "output_index": 0}
    for piece in answer.pieces:
        yield "response.function_call_arguments.delta", place | {"delta": piece}
    done = {"arguments": answer.call.json, "name": answer.call.name}
    yield "response.function_call_arguments.done", place | done


def _response(answer: Answer, *, finished: bool) -> JSONObject:
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "created_at": answer.created_s,
        "status": "completed" if finished else "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": answer.model,
        "output": [_item(answer, finished=True)] if finished else [],
        "parallel_tool_calls": False,
        "previous_response_id": None,
        "store": False,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": _usage(answer) if finished else None,
    }


def _item_id(answer: Answer) -> str:
    return f"msg_{answer.id}" if answer.call is None else f"fc_{answer.call.id}"


def _item(answer: Answer, *, finished: bool) -> JSONObject:
    item: JSONObject = {"id": _item_id(answer), "status": "completed" if finished else "in_progress"}
    if answer.call is None:
        content = [_part(answer.text)] if finished else []
        return item | {"type": "message", "role": "assistant", "content": content}
    return item | {
        "type": "function_call",
        "call_id": f"call_{answer.call.id}",
        "name": answer.call.name,
        "arguments": answer.call.json if finished else "",
    }


def _part(text: str) -> JSONObject:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage(answer: Answer) -> JSONObject:
    return {
        "input_tokens": answer.input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }
