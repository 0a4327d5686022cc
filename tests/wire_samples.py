"""Answers as upstreams write them in each dialect, whole and in frames."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

JSONObject = dict[str, Any]  # JSON of any shape

CHAT_USAGE: JSONObject = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 30},
    "completion_tokens_details": {"reasoning_tokens": 5},
}
MESSAGES_USAGE: JSONObject = {
    "input_tokens": 70,
    "cache_read_input_tokens": 30,
    "cache_creation_input_tokens": 0,
    "output_tokens": 20,
}
RESPONSES_USAGE: JSONObject = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 30},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 120,
}
GEMINI_USAGE: JSONObject = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 30,
    "candidatesTokenCount": 15,
    "thoughtsTokenCount": 5,
    "totalTokenCount": 120,
}
OLLAMA_USAGE: JSONObject = {"prompt_eval_count": 100, "eval_count": 20}


@dataclass(frozen=True, slots=True)
class StreamFrames:
    """A stream taken apart where it matters."""

    opening: tuple[bytes, ...]
    """Frames before any content."""
    content: tuple[bytes, ...]
    ending: tuple[bytes, ...]
    """The dialect's own ending, with usage."""
    error: bytes
    """The event that tells of an error instead of the ending."""

    @property
    def whole(self) -> tuple[bytes, ...]:
        """A stream without fault."""
        return self.opening + self.content + self.ending


class StreamsBy(StrEnum):
    """How a dialect's clients say that they want a stream."""

    MEMBER = "`stream` is true"
    PATH = "another verb"
    DEFAULT = "`stream` is not false"


@dataclass(frozen=True, slots=True)
class Sample:
    """How one dialect answers."""

    whole: Callable[[str, bool], JSONObject]
    """(text, with usage)"""
    stream: Callable[[Sequence[str], bool], StreamFrames] | None
    """(pieces of text, with usage)"""
    error: Callable[[str, str], JSONObject]
    """(type, message)"""
    streams: StreamsBy = StreamsBy.MEMBER
    stream_type: str = "text/event-stream"


def data_frame(value: object) -> bytes:
    """One event without a name."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def event_frame(value: Mapping[str, object]) -> bytes:
    """One event named by its own `type`."""
    return f"event: {value['type']}\n".encode() + data_frame(value)


def chat_whole(text: str, usage: bool = True) -> JSONObject:
    """A `chat.completion`."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m-1"}
    return answer | {"choices": [choice]} | ({"usage": CHAT_USAGE} if usage else {})


def chat_chunk(delta: Mapping[str, object], finish_reason: str | None = None) -> bytes:
    """One frame with a `chat.completion.chunk`."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    return data_frame(head | {"choices": [choice]})


def chat_usage_chunk(usage: Mapping[str, object]) -> bytes:
    """The chunk that holds nothing but usage."""
    return data_frame({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [], "usage": usage})


def chat_stream(pieces: Sequence[str], usage: bool = True) -> StreamFrames:
    """A stream of `chat.completion.chunk`."""
    return StreamFrames(
        opening=(chat_chunk({"role": "assistant", "content": ""}),),
        content=tuple(chat_chunk({"content": piece}) for piece in pieces),
        ending=(
            chat_chunk({}, "stop"),
            *((chat_usage_chunk(CHAT_USAGE),) if usage else ()),
            b"data: [DONE]\n\n",
        ),
        error=data_frame(openai_error("server_error", "the model fell over")),
    )


def messages_whole(text: str, usage: bool = True) -> JSONObject:
    """A message."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m-1"}
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    content = [{"type": "text", "text": text}]
    return message | {"content": content} | ending | ({"usage": MESSAGES_USAGE} if usage else {})


def messages_stream(pieces: Sequence[str], usage: bool = True) -> StreamFrames:
    """A stream of message events."""
    message = messages_whole("", usage) | {"content": [], "stop_reason": None}
    if usage:
        message["usage"] = MESSAGES_USAGE | {"output_tokens": 1}
    delta: JSONObject = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}}
    if usage:
        delta["usage"] = {"output_tokens": MESSAGES_USAGE["output_tokens"]}
    block = {"type": "text", "text": ""}
    texts = [{"type": "text_delta", "text": piece} for piece in pieces]
    return StreamFrames(
        opening=(
            event_frame({"type": "message_start", "message": message}),
            event_frame({"type": "ping"}),
            event_frame({"type": "content_block_start", "index": 0, "content_block": block}),
        ),
        content=tuple(
            event_frame({"type": "content_block_delta", "index": 0, "delta": one}) for one in texts
        ),
        ending=(
            event_frame({"type": "content_block_stop", "index": 0}),
            event_frame(delta),
            event_frame({"type": "message_stop"}),
        ),
        error=event_frame(messages_error("overloaded_error", "the model fell over")),
    )


def responses_whole(text: str, usage: bool = True, status: str = "completed") -> JSONObject:
    """A response object."""
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    response = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m-1", "status": status}
    output = [item] if status == "completed" else []
    return response | {"output": output} | ({"usage": RESPONSES_USAGE} if usage else {})


def responses_stream(pieces: Sequence[str], usage: bool = True) -> StreamFrames:
    """A stream of `response.*` events."""
    begun = responses_whole("", usage=False, status="in_progress")
    text = "".join(pieces)
    done = responses_whole(text, usage)
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    empty = {"type": "output_text", "text": "", "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    failed = responses_whole("", usage=False, status="failed")
    failed["error"] = {"code": "server_error", "message": "the model fell over"}
    return StreamFrames(
        opening=(
            event_frame({"type": "response.created", "response": begun}),
            event_frame({"type": "response.in_progress", "response": begun}),
            event_frame({"type": "response.output_item.added", "output_index": 0, "item": item}),
            event_frame({"type": "response.content_part.added", "part": empty} | place),
        ),
        content=tuple(
            event_frame({"type": "response.output_text.delta", "delta": piece} | place) for piece in pieces
        ),
        ending=(
            event_frame({"type": "response.output_text.done", "text": text} | place),
            event_frame({"type": "response.content_part.done", "part": empty | {"text": text}} | place),
            event_frame(
                {"type": "response.output_item.done", "output_index": 0, "item": done["output"][0]},
            ),
            event_frame({"type": "response.completed", "response": done}),
        ),
        error=event_frame({"type": "response.failed", "response": failed}),
    )


def gemini_answer(text: str, finish: str | None = None, usage: bool = False) -> JSONObject:
    """A `GenerateContentResponse`, or one of a stream."""
    candidate: JSONObject = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    if finish is not None:
        candidate["finishReason"] = finish
    answer = {"candidates": [candidate], "modelVersion": "m-1", "responseId": "r-1"}
    return answer | ({"usageMetadata": GEMINI_USAGE} if usage else {})


def gemini_whole(text: str, usage: bool = True) -> JSONObject:
    """A whole answer."""
    return gemini_answer(text, "STOP", usage)


def gemini_stream(pieces: Sequence[str], usage: bool = True) -> StreamFrames:
    """A stream of answers; the dialect opens with nothing of its own."""
    return StreamFrames(
        opening=(),
        content=tuple(data_frame(gemini_answer(piece)) for piece in pieces),
        ending=(data_frame(gemini_answer("", "STOP", usage)),),
        error=data_frame(gemini_error("UNAVAILABLE", "the model fell over")),
    )


def ollama_line(text: str) -> bytes:
    """A line of a stream before its last."""
    message = {"role": "assistant", "content": text}
    line = {"model": "m-1", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": False}
    return json.dumps(line).encode() + b"\n"


def ollama_whole(text: str, usage: bool = True) -> JSONObject:
    """A whole answer, which is what the last line of a stream is too."""
    answer: JSONObject = {"model": "m-1", "created_at": "2026-01-01T00:00:00Z"}
    answer |= {"message": {"role": "assistant", "content": text}, "done": True, "done_reason": "stop"}
    return answer | (OLLAMA_USAGE if usage else {})


def ollama_stream(pieces: Sequence[str], usage: bool = True) -> StreamFrames:
    """A stream of lines."""
    return StreamFrames(
        opening=(),
        content=tuple(ollama_line(piece) for piece in pieces),
        ending=(json.dumps(ollama_whole("", usage)).encode() + b"\n",),
        error=json.dumps(ollama_error("", "the model fell over")).encode() + b"\n",
    )


def embeddings_whole(text: str, usage: bool = True) -> JSONObject:
    """A list of one embedding."""
    del text
    row = {"object": "embedding", "index": 0, "embedding": [0.6, -0.8]}
    told = {"usage": {"prompt_tokens": 4, "total_tokens": 4}} if usage else {}
    return {"object": "list", "model": "m-1", "data": [row]} | told


def models_whole(text: str, usage: bool = True) -> JSONObject:
    """A list of one model."""
    del text, usage
    return {"object": "list", "data": [{"id": "m-1", "object": "model", "created": 1, "owned_by": "test"}]}


def openai_error(kind: str, message: str) -> JSONObject:
    """An error body of the OpenAI dialects."""
    return {"error": {"message": message, "type": kind, "param": None, "code": kind}}


def messages_error(kind: str, message: str) -> JSONObject:
    """An error body of the Messages dialect."""
    return {"type": "error", "error": {"type": kind, "message": message}}


def gemini_error(kind: str, message: str) -> JSONObject:
    """An error body of Gemini's dialect."""
    return {"error": {"code": 503, "message": message, "status": kind}}


def ollama_error(kind: str, message: str) -> JSONObject:
    """An error body of Ollama's dialect, which has no types."""
    del kind
    return {"error": message}


CHAT = Sample(chat_whole, chat_stream, openai_error)
MESSAGES = Sample(messages_whole, messages_stream, messages_error)
RESPONSES = Sample(responses_whole, responses_stream, openai_error)
GEMINI = Sample(gemini_whole, gemini_stream, gemini_error, streams=StreamsBy.PATH)
OLLAMA = Sample(
    ollama_whole, ollama_stream, ollama_error, streams=StreamsBy.DEFAULT, stream_type="application/x-ndjson"
)
EMBEDDINGS = Sample(embeddings_whole, None, openai_error)
MODELS = Sample(models_whole, None, openai_error)

BY_PATH: Mapping[str, Sample] = {
    "/chat/completions": CHAT,
    "/messages": MESSAGES,
    "/responses": RESPONSES,
    ":generateContent": GEMINI,
    ":streamGenerateContent": GEMINI,
    "/api/chat": OLLAMA,
    "/embeddings": EMBEDDINGS,
    "/models": MODELS,
}
"""By the end of the path that is asked."""
