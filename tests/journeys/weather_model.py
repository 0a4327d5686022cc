"""A model that knows the weather, behind an upstream of any dialect; what goes over the wire is hand-made."""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.recorded import Recorded
from tests.scripted_upstream import JSON, Behaviour, Ending
from tests.wire_samples import (
    CHAT,
    CHAT_USAGE,
    GEMINI,
    GEMINI_USAGE,
    MESSAGES,
    MESSAGES_USAGE,
    OLLAMA,
    OLLAMA_USAGE,
    RESPONSES,
    RESPONSES_USAGE,
    JSONObject,
    Sample,
    chat_chunk,
    chat_usage_chunk,
    data_frame,
    event_frame,
)

QUESTION = "What is the weather in Paris?"
CITY: JSONObject = {"city": "Paris", "days": 2}
SCHEMA: JSONObject = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOL = "weather"
REPORT = "18 degrees"
THOUGHT = "I have to look it up."
ANNOUNCED = "I will look."
TOLD = f"It is {REPORT}."
HELLO = "Hello, ☀ and 雨."
SEEN = "A red dot."
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
USED = (100, 20)
"""Input and output tokens of every answer, cached and reasoning ones included."""
_ANSWER_TOOLS = ("json_answer", "json")
"""What the gateway and Vercel's SDK call a tool whose input is the answer."""
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model says."""

    text: str = ""
    thought: str = ""
    tool: str = ""
    """Called with the city after the text; none when empty."""


def weather() -> Behaviour:
    """Answers greetings, looks at pictures, calls the tool it is given, and writes JSON when asked to."""
    return Behaviour(chunks=_said, content_type=_type_of)


def cut_weather() -> Behaviour:
    """A stream of which the end is missing."""

    def chunks(request: Recorded) -> list[bytes]:
        return _frames(request.sample, Turn(HELLO))[: -_ENDINGS[id(request.sample)]]

    return Behaviour(chunks=chunks, content_type=_type_of, ending=Ending.CUT)


def _said(request: Recorded) -> list[bytes]:
    if not request.body:  # asked for its models
        return [b'{"data": []}']
    turn = _turn(request)
    if request.wants_stream:
        return _frames(request.sample, turn)
    return [json.dumps(_WHOLES[id(request.sample)](turn)).encode()]


def _type_of(request: Recorded) -> str:
    return request.sample.stream_type if request.body and request.wants_stream else JSON


def _turn(request: Recorded) -> Turn:
    """Told from words that are the same in every dialect."""
    asked, tools = request.body.decode(), request.json.get("tools")
    for tool in _ANSWER_TOOLS:
        if f'"{tool}"' in asked:
            return Turn(tool=tool)
    if REPORT in asked:
        return Turn(TOLD)
    if tools:
        return Turn(ANNOUNCED, THOUGHT, TOOL)
    if PNG in asked:
        return Turn(SEEN)
    if "days" in asked:
        return Turn(json.dumps(CITY))
    return Turn(HELLO, THOUGHT)


def _frames(sample: Sample, turn: Turn) -> list[bytes]:
    return _STREAMS[id(sample)](turn)


def _number() -> str:
    return f"{next(_numbers):020d}"


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def _chat_message(turn: Turn) -> JSONObject:
    message: JSONObject = {"role": "assistant", "content": turn.text or None}
    if turn.thought:
        message["reasoning_content"] = turn.thought
    if turn.tool:
        function = {"name": turn.tool, "arguments": json.dumps(CITY)}
        message["tool_calls"] = [{"id": f"call_{_number()}", "type": "function", "function": function}]
    return message


def _chat_whole(turn: Turn) -> JSONObject:
    reason = "tool_calls" if turn.tool else "stop"
    choice = {"index": 0, "message": _chat_message(turn), "finish_reason": reason}
    answer = {"id": f"chatcmpl-{_number()}", "object": "chat.completion", "created": 1, "model": "m-1"}
    return answer | {"choices": [choice], "usage": CHAT_USAGE}


def _chat_stream(turn: Turn) -> list[bytes]:
    frames = [chat_chunk({"role": "assistant", "content": ""})]
    frames += [chat_chunk({"reasoning_content": piece}) for piece in _halves(turn.thought) if piece]
    frames += [chat_chunk({"content": piece}) for piece in _halves(turn.text) if piece]
    for place, call in enumerate(_chat_message(turn).get("tool_calls", [])):
        function = call["function"]
        opened = {"index": place, **call, "function": {**function, "arguments": ""}}
        frames.append(chat_chunk({"tool_calls": [opened]}))
        for piece in _halves(function["arguments"]):
            frames.append(chat_chunk({"tool_calls": [{"index": place, "function": {"arguments": piece}}]}))
    frames.append(chat_chunk({}, "tool_calls" if turn.tool else "stop"))
    return [*frames, chat_usage_chunk(CHAT_USAGE), b"data: [DONE]\n\n"]


def _blocks(turn: Turn) -> list[JSONObject]:
    blocks: list[JSONObject] = []
    if turn.thought:
        blocks.append({"type": "thinking", "thinking": turn.thought, "signature": "c2lnbmVk"})
    if turn.text:
        blocks.append({"type": "text", "text": turn.text})
    if turn.tool:
        blocks.append({"type": "tool_use", "id": f"toolu_{_number()}", "name": turn.tool, "input": CITY})
    return blocks


def _messages_whole(turn: Turn) -> JSONObject:
    message: JSONObject = {"id": f"msg_{_number()}", "type": "message", "role": "assistant", "model": "m-1"}
    message |= {"content": _blocks(turn), "stop_reason": "tool_use" if turn.tool else "end_turn"}
    return message | {"stop_sequence": None, "usage": MESSAGES_USAGE}


def _messages_stream(turn: Turn) -> list[bytes]:
    whole = _messages_whole(turn)
    begun = whole | {"content": [], "stop_reason": None, "usage": MESSAGES_USAGE | {"output_tokens": 1}}
    frames = [event_frame({"type": "message_start", "message": begun}), event_frame({"type": "ping"})]
    for index, block in enumerate(whole["content"]):
        opened, deltas = _block_deltas(block)
        frames.append(event_frame({"type": "content_block_start", "index": index, "content_block": opened}))
        steps = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        frames += [event_frame(step) for step in (*steps, {"type": "content_block_stop", "index": index})]
    ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    usage = {"output_tokens": MESSAGES_USAGE["output_tokens"]}
    frames.append(event_frame({"type": "message_delta", "delta": ended, "usage": usage}))
    return [*frames, event_frame({"type": "message_stop"})]


def _block_deltas(block: JSONObject) -> tuple[JSONObject, list[JSONObject]]:
    match block["type"]:
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _halves(block["thinking"])]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
            return {"type": "thinking", "thinking": "", "signature": ""}, deltas
        case "text":
            deltas = [{"type": "text_delta", "text": piece} for piece in _halves(block["text"])]
            return {"type": "text", "text": ""}, deltas
    pieces = _halves(json.dumps(block["input"]))
    return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": one} for one in pieces]


def _items(turn: Turn) -> list[JSONObject]:
    items: list[JSONObject] = []
    if turn.thought:
        summary = [{"type": "summary_text", "text": turn.thought}]
        items.append(
            {
                "type": "reasoning",
                "id": f"rs_{_number()}",
                "summary": summary,
                "encrypted_content": "c2VjcmV0",
            }
        )
    if turn.text:
        part = {"type": "output_text", "text": turn.text, "annotations": []}
        item = {"type": "message", "id": f"msg_{_number()}", "role": "assistant", "status": "completed"}
        items.append({**item, "content": [part]})
    if turn.tool:
        call = {"type": "function_call", "id": f"fc_{_number()}", "call_id": f"call_{_number()}"}
        call |= {"name": turn.tool, "arguments": json.dumps(CITY), "status": "completed"}
        items.append({**call})
    return items


def _responses_whole(turn: Turn) -> JSONObject:
    response: JSONObject = {"id": f"resp_{_number()}", "object": "response", "created_at": 1, "model": "m-1"}
    response |= {"status": "completed", "error": None, "incomplete_details": None}
    return response | {"output": _items(turn), "usage": RESPONSES_USAGE}


def _responses_stream(turn: Turn) -> list[bytes]:
    whole = _responses_whole(turn)
    begun = whole | {"status": "in_progress", "output": []}
    del begun["usage"]
    events: list[JSONObject] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(whole["output"]):
        events += _item_events(item, {"item_id": item["id"], "output_index": index})
    events.append({"type": "response.completed", "response": whole})
    return [event_frame({**event, "sequence_number": at}) for at, event in enumerate(events)]


def _item_events(item: JSONObject, place: JSONObject) -> list[JSONObject]:
    index = place["output_index"]
    match item["type"]:
        case "reasoning":
            empty, told = {**item, "summary": []}, item["summary"][0]
            of, name = {**place, "summary_index": 0}, "response.reasoning_summary"
            body = [{"type": f"{name}_part.added", "part": {**told, "text": ""}, **of}]
            body += [{"type": f"{name}_text.delta", "delta": one, **of} for one in _halves(told["text"])]
            body += [{"type": f"{name}_text.done", "text": told["text"], **of}]
            body += [{"type": f"{name}_part.done", "part": told, **of}]
        case "message":
            empty, told = {**item, "content": [], "status": "in_progress"}, item["content"][0]
            of = {**place, "content_index": 0}
            body = [{"type": "response.content_part.added", "part": {**told, "text": ""}, **of}]
            for piece in _halves(told["text"]):
                body.append({"type": "response.output_text.delta", "delta": piece, "logprobs": [], **of})
            body += [{"type": "response.output_text.done", "text": told["text"], "logprobs": [], **of}]
            body += [{"type": "response.content_part.done", "part": told, **of}]
        case _:
            empty, text = {**item, "arguments": "", "status": "in_progress"}, item["arguments"]
            name = "response.function_call_arguments"
            body = [{"type": f"{name}.delta", "delta": piece, **place} for piece in _halves(text)]
            body += [{"type": f"{name}.done", "arguments": text, "name": item["name"], **place}]
    added: JSONObject = {"type": "response.output_item.added", "output_index": index, "item": empty}
    return [added, *body, {"type": "response.output_item.done", "output_index": index, "item": item}]


def _gemini_parts(turn: Turn) -> list[JSONObject]:
    parts: list[JSONObject] = []
    if turn.thought:
        parts.append({"text": turn.thought, "thought": True})
    if turn.text:
        parts.append({"text": turn.text})
    if turn.tool:
        call = {"name": turn.tool, "args": CITY}
        parts.append({"functionCall": call, "thoughtSignature": "c2lnbmVk"})
    return parts


def _gemini_answer(parts: list[JSONObject], *, ends: bool) -> JSONObject:
    candidate: JSONObject = {"content": {"role": "model", "parts": parts}, "index": 0}
    if ends:
        candidate["finishReason"] = "STOP"
    answer: JSONObject = {"candidates": [candidate], "modelVersion": "m-1", "responseId": "r-1"}
    return answer | ({"usageMetadata": GEMINI_USAGE} if ends else {})


def _gemini_whole(turn: Turn) -> JSONObject:
    return _gemini_answer(_gemini_parts(turn), ends=True)


def _gemini_stream(turn: Turn) -> list[bytes]:
    pieces: list[JSONObject] = []
    for part in _gemini_parts(turn):
        pieces += [{**part, "text": one} for one in _halves(part["text"])] if "text" in part else [part]
    frames = [data_frame(_gemini_answer([part], ends=False)) for part in pieces]
    return [*frames, data_frame(_gemini_answer([{"text": ""}], ends=True))]


def _ollama_line(message: Mapping[str, object], *, ends: bool) -> JSONObject:
    line: JSONObject = {"model": "m-1", "created_at": "2026-01-01T00:00:00Z"}
    line |= {"message": {"role": "assistant", "content": "", **message}, "done": ends}
    return line | ({"done_reason": "stop", **OLLAMA_USAGE} if ends else {})


def _ollama_calls(turn: Turn) -> JSONObject:
    call = {"function": {"name": turn.tool, "arguments": CITY}}
    return {"tool_calls": [call]} if turn.tool else {}


def _ollama_whole(turn: Turn) -> JSONObject:
    thought = {"thinking": turn.thought} if turn.thought else {}
    return _ollama_line({"content": turn.text, **thought, **_ollama_calls(turn)}, ends=True)


def _ollama_stream(turn: Turn) -> list[bytes]:
    messages: list[JSONObject] = [{"thinking": piece} for piece in _halves(turn.thought) if piece]
    messages += [{"content": piece} for piece in _halves(turn.text) if piece]
    if turn.tool:
        messages.append(_ollama_calls(turn))
    lines = [*(_ollama_line(one, ends=False) for one in messages), _ollama_line({}, ends=True)]
    return [json.dumps(line).encode() + b"\n" for line in lines]


_WHOLES: Mapping[int, Callable[[Turn], JSONObject]] = {
    id(CHAT): _chat_whole,
    id(MESSAGES): _messages_whole,
    id(RESPONSES): _responses_whole,
    id(GEMINI): _gemini_whole,
    id(OLLAMA): _ollama_whole,
}
_STREAMS: Mapping[int, Callable[[Turn], list[bytes]]] = {
    id(CHAT): _chat_stream,
    id(MESSAGES): _messages_stream,
    id(RESPONSES): _responses_stream,
    id(GEMINI): _gemini_stream,
    id(OLLAMA): _ollama_stream,
}
_ENDINGS: Mapping[int, int] = {id(CHAT): 3, id(MESSAGES): 3, id(RESPONSES): 1, id(GEMINI): 1, id(OLLAMA): 1}
"""How many frames at the end of a stream tell that it is over."""
