"""The demo in OpenAI Chat Completions (API reference, read 2026-11-22)."""

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
        raise unreadable("the request holds no messages: set `messages`", "messages")
    users = [message for message in said if message.get("role") == "user"]
    choice, options = request.value("tool_choice"), request.value("stream_options")
    return Ask(
        text=last_text(users[-1].get("content")) if users else "",
        input_tokens=tokens_in(messages, tools),
        tool_result=text_of(said[-1].get("content")) if said[-1].get("role") == "tool" else None,
        tools=() if choice == "none" else _tools(tools),
        forced=forced_tool(choice),
        stream=request.stream,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _tools(tools: object) -> tuple[Tool, ...]:
    functions = (offered.get("function") for offered in objects(tools))
    return tuple(
        found
        for function in functions
        if isinstance(function, dict)
        for found in tool(function.get("name"), function.get("parameters"))
    )


def whole(answer: Answer) -> bytes:
    """A `chat.completion`."""
    message: JSONObject = {"role": "assistant", "content": answer.text, "refusal": None}
    if answer.call is not None:
        message |= {"content": None, "tool_calls": [_call(answer, answer.call.json)]}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _reason(answer)}
    return msgspec.json.encode(
        _head(answer, "chat.completion") | {"choices": [choice], "usage": _usage(answer)}
    )


def stream(answer: Answer, ask: Ask) -> Iterator[bytes]:
    """The frames of a stream of `chat.completion.chunk`."""
    head = _head(answer, "chat.completion.chunk")
    if ask.include_usage:
        head["usage"] = None
    yield _chunk(head, {"role": "assistant", "content": None if answer.call else "", "refusal": None})
    if answer.call is not None:
        yield _chunk(head, {"tool_calls": [{"index": 0} | _call(answer, "")]})
    for piece in answer.pieces:
        if answer.call is None:
            yield _chunk(head, {"content": piece})
        else:
            yield _chunk(head, {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    yield _chunk(head, {}, _reason(answer))
    if ask.include_usage:
        yield _frame(head | {"choices": [], "usage": _usage(answer)})
    yield b"data: [DONE]\n\n"


def _head(answer: Answer, kind: str) -> JSONObject:
    return {
        "id": f"chatcmpl-{answer.id}",
        "object": kind,
        "created": answer.created_s,
        "model": answer.model,
        "system_fingerprint": None,
    }


def _chunk(head: JSONObject, delta: JSONObject, reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return _frame(head | {"choices": [choice]})


def _frame(chunk: JSONObject) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def _call(answer: Answer, arguments: str) -> JSONObject:
    assert answer.call is not None, "asked for only when there is a call"  # noqa: S101
    function = {"name": answer.call.name, "arguments": arguments}
    return {"id": f"call_{answer.call.id}", "type": "function", "function": function}


def _reason(answer: Answer) -> str:
    return "stop" if answer.call is None else "tool_calls"


def _usage(answer: Answer) -> JSONObject:
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
