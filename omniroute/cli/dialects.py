"""The three ways to ask the gateway for a chat, as bodies and answers of the command line."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

MAX_OUTPUT_TOKENS = 8192
"""Anthropic's dialect asks for a limit; this one is within that of every current model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person asks."""

    model: str
    prompt: str
    system: str | None
    stream: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One wire format, as far as a plain question needs it."""

    path: str
    body: Callable[[Question], dict[str, Any]]
    text: Callable[[Any], str]
    """The text of a whole answer. Any: JSON from outside, looked at with care."""
    delta: Callable[[Any], str]
    """The text that one event of a stream adds."""
    usage: Callable[[Any], object]
    """The token counts in an event or in a whole answer, as the provider gave them; else `None`."""


def encode(dialect: Dialect, question: Question) -> bytes:
    """The request's body."""
    return json.dumps(dialect.body(question)).encode()


def failure_in(event: Any) -> str | None:  # Any: JSON from outside
    """What an error event says; `None` for other events."""
    error = _at(event, "error")
    if _at(event, "type") == "response.failed":
        error = _at(event, "response", "error")
    if error is None:
        return None
    return str(_at(error, "message") or error)


def _chat_body(question: Question) -> dict[str, Any]:
    messages = [{"role": "user", "content": question.prompt}]
    if question.system:
        messages.insert(0, {"role": "system", "content": question.system})
    body: dict[str, Any] = {"model": question.model, "messages": messages, "stream": question.stream}
    if question.stream:
        body["stream_options"] = {"include_usage": True}
    return body


def _messages_body(question: Question) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": question.model,
        "max_tokens": MAX_OUTPUT_TOKENS,
        "messages": [{"role": "user", "content": question.prompt}],
        "stream": question.stream,
    }
    return body | ({"system": question.system} if question.system else {})


def _responses_body(question: Question) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": question.model,
        "input": [{"role": "user", "content": [{"type": "input_text", "text": question.prompt}]}],
        "stream": question.stream,
        "store": False,
    }
    return body | ({"instructions": question.system} if question.system else {})


def _at(value: Any, *path: str | int) -> Any:  # Any: JSON from outside
    """What stands at that place; `None` when the value has another shape."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _texts(blocks: Any, kind: str) -> str:
    found = [_at(block, "text") for block in blocks or () if _at(block, "type") == kind]
    return "".join(text for text in found if isinstance(text, str))


def _response_text(answer: Any) -> str:
    return "".join(_texts(_at(item, "content"), "output_text") for item in _at(answer, "output") or ())


def _messages_usage(event: Any) -> object:
    return _at(event, "usage") or _at(event, "message", "usage")


CHAT = Dialect(
    path="/v1/chat/completions",
    body=_chat_body,
    text=lambda answer: _at(answer, "choices", 0, "message", "content") or "",
    delta=lambda event: _at(event, "choices", 0, "delta", "content") or "",
    usage=lambda event: _at(event, "usage"),
)
MESSAGES = Dialect(
    path="/v1/messages",
    body=_messages_body,
    text=lambda answer: _texts(_at(answer, "content"), "text"),
    delta=lambda event: _at(event, "delta", "text") or "",
    usage=_messages_usage,
)
RESPONSES = Dialect(
    path="/v1/responses",
    body=_responses_body,
    text=_response_text,
    delta=lambda event: (
        _at(event, "delta") or "" if _at(event, "type") == "response.output_text.delta" else ""
    ),
    usage=lambda event: _at(event, "usage") or _at(event, "response", "usage"),
)

BY_PATH: Mapping[str, Dialect] = MappingProxyType({one.path: one for one in (CHAT, MESSAGES, RESPONSES)})
