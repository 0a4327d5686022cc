"""Whole answers of Chat (API reference, read 2026-11-22)."""

import msgspec

from omniroute.conversation.fold import StreamFailed
from omniroute.conversation.parts import (
    Base64,
    Extra,
    Media,
    MediaKind,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolUse,
    Url,
)
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import UNKNOWN
from omniroute.errors import ProtocolError
from omniroute.formats.codec import Encoded, Losses, ReplyFacts, call_id
from omniroute.formats.openai_chat.answer_parts import (
    annotation_of,
    audio_media,
    broken_off,
    citation_of,
    encode_logprobs,
    finish_of,
    finish_word,
    images_of,
    logprobs_of,
    sources_of,
)
from omniroute.formats.openai_chat.node import DIALECT, Malformed, Node, NotJson, as_raw, is_list, read
from omniroute.formats.openai_chat.parts_decode import take_assistant, take_tool_calls
from omniroute.formats.openai_chat.reasoning import is_detail, joined, whole_detail
from omniroute.formats.openai_chat.tools import own_members
from omniroute.formats.openai_chat.usage import encode_usage
from omniroute.formats.openai_usage import decode_usage
from omniroute.formats.watch import in_band
from omniroute.formats.wire_error import WireError

Json = dict[str, object]


def decode_response(body: bytes) -> Response:
    """A whole answer. Raises ProtocolError, and `StreamFailed` for an error that came as success."""
    try:
        return read(body, _response)
    except Malformed as error:
        raise ProtocolError(f"the upstream's answer is not a chat completion: {error}") from None
    except NotJson:
        raise ProtocolError("the upstream's answer is not JSON") from None


def _response(root: Node) -> Response:
    choices = root.nodes("choices")
    if not choices:
        told = root.raw("error")
        if told is not None:
            error = WireError.of(b'{"error":' + bytes(told) + b"}")
            raise StreamFailed(in_band(error.message, error.code or error.type))
        raise ProtocolError("the upstream's answer holds no choices")
    for name in ("object", "created"):
        root.raw(name)
    usage = root.raw("usage")
    sources = sources_of(_list(root, "citations"), _list(root, "search_results"))
    candidates = [_candidate(choice) for choice in choices]
    if sources and len(candidates) == 1:
        candidates[0] = _with_sources(candidates[0], sources)
    return Response(
        id=root.text("id") or None,
        model=root.text("model") or None,
        candidates=tuple(candidates),
        usage=UNKNOWN if usage is None else decode_usage(usage),
        extra=root.extra(),
    )


def _list(node: Node, name: str) -> list[msgspec.Raw]:
    value = node.raw(name)
    if value is None or not is_list(value):
        return []
    node.put_back(name, value)
    return node.items(name)


def _candidate(choice: Node) -> Candidate:
    choice.raw("index")
    message = choice.node("message")
    if message is None:
        raise Malformed(f"{choice.path}.message", "is missing")
    choice.raw("delta")  # Perplexity's, empty here
    message.raw("role")
    annotations = _list(message, "annotations")
    parts = take_assistant(message)
    if "audio" in message:
        _take_audio(message, parts)
    if "images" in message:
        parts += images_of(message.nodes("images"))
    if annotations:
        _cite(parts, annotations, message.path)
    calls = take_tool_calls(message)
    parts += calls
    logprobs = choice.raw("logprobs")
    sequence = choice.text_or_raw("stop_reason")  # vLLM's: the sequence met, or the number of a token
    raw = choice.text("finish_reason")
    if raw is None and (older := choice.node("finish_details")) is not None:
        raw = older.text("type")  # early vision models
    finish = finish_of(raw, calls=bool(calls), sequence=sequence if isinstance(sequence, str) else None)
    if finish.reason is FinishReason.ERROR:
        raise broken_off(raw)
    members = choice.rest()
    if rest := message.rest():
        members["message"] = as_raw(rest)
    return Candidate(
        parts=tuple(parts),
        finish=finish,
        logprobs=logprobs_of(logprobs) if logprobs is not None else (),
        extra=Extra(DIALECT, members) if members else None,
    )


def _take_audio(message: Node, parts: list[Part]) -> None:
    audio = message.node("audio")
    if audio is None:
        return
    words, media = audio_media(audio)
    if words:
        parts.append(Text(words))
    if media is not None:
        parts.append(media)


def _cite(parts: list[Part], annotations: list[msgspec.Raw], path: str) -> None:
    """Annotations speak of the message's text."""
    citations = tuple(
        citation_of(Node.of(raw, f"{path}.annotations[{place}]"), raw)
        for place, raw in enumerate(annotations)
    )
    for place in range(len(parts) - 1, -1, -1):
        part = parts[place]
        if isinstance(part, Text):
            parts[place] = msgspec.structs.replace(part, citations=citations)
            return
    parts.append(Text("", citations))


def _with_sources(candidate: Candidate, sources: tuple) -> Candidate:  # type: ignore[type-arg]
    parts = list(candidate.parts)
    for place in range(len(parts) - 1, -1, -1):
        part = parts[place]
        if isinstance(part, Text) and not part.citations:
            parts[place] = msgspec.structs.replace(part, citations=sources)
            return msgspec.structs.replace(candidate, parts=tuple(parts))
    return candidate


def encode_response(response: Response, facts: ReplyFacts) -> Encoded:
    """A whole answer for a client of Chat."""
    losses = Losses()
    index = 0
    choices: list[object] = []
    for number, candidate in enumerate(response.candidates):
        message = _message(candidate, facts, index, losses)
        index += len(candidate.parts)
        choices.append(_choice(number, candidate, message, losses))
    body: Json = {
        "id": f"chatcmpl-{facts.id}",
        "object": "chat.completion",
        "created": facts.created_s,
        "model": facts.model,
        "choices": choices,
    }
    usage = encode_usage(response.usage)
    if usage is not None:
        body["usage"] = usage
    for name, value in own_members(response.extra, losses).items():
        body.setdefault(name, value)
    return Encoded(msgspec.json.encode(body), losses.names)


def _choice(number: int, candidate: Candidate, message: Json, losses: Losses) -> Json:
    members = dict(own_members(candidate.extra, losses))
    inner = members.pop("message", None)
    if inner is not None:
        for name, value in msgspec.json.decode(inner, type=dict[str, msgspec.Raw]).items():
            message.setdefault(name, value)
    choice: Json = {
        "index": number,
        "message": message,
        "logprobs": encode_logprobs(candidate.logprobs) if candidate.logprobs else None,
        "finish_reason": finish_word(candidate.finish),
    }
    _add_sequence(choice, candidate.finish)
    for name, raw in members.items():
        choice.setdefault(name, raw)
    return choice


def _add_sequence(choice: Json, finish: Finish) -> None:
    if finish.sequence is not None:
        choice["stop_reason"] = finish.sequence


def _message(candidate: Candidate, facts: ReplyFacts, index: int, losses: Losses) -> Json:
    """The message; `index` is the number of its first part among those of all candidates."""
    written = _Written()
    for place, part in enumerate(candidate.parts, index):
        match part:
            case Text():
                _add_text(written, part, losses)
            case Thinking():
                _add_thought(written, part, losses)
            case Refusal(text):
                written.refusal.append(text)
            case ToolUse():
                written.calls.append(encode_call(part, call_id(part.id, facts, place), losses))
            case Media():
                _add_media(written, part, losses)
            case Opaque() if part.format == DIALECT:
                written.content.append(part.value)
                written.lists = True
            case Opaque():
                losses.add(part.type)
            case _:
                losses.add("tool_result")
    return written.message()


class _Written:
    """What of a message has been written."""

    def __init__(self) -> None:
        self.content: list[object] = []
        self.lists = False
        self.text: list[str] = []
        self.annotations: list[object] = []
        self.refusal: list[str] = []
        self.thoughts: list[Thinking] = []
        self.calls: list[object] = []
        self.images: list[object] = []
        self.audio: Json | None = None

    def message(self) -> Json:
        """The whole of it; what Chat always has is there, and null when there is none."""
        text: object = "".join(self.text)
        nothing = None if self.calls or self.refusal or self.audio is not None else ""
        message: Json = {
            "role": "assistant",
            "content": self.content if self.lists else text or nothing,
            "refusal": "".join(self.refusal) or None,
        }
        if reasoning := joined(self.thoughts):
            message["reasoning_content"] = reasoning
        if details := [whole_detail(thought) for thought in self.thoughts if is_detail(thought)]:
            message["reasoning_details"] = details
        members = {
            "annotations": self.annotations,
            "tool_calls": self.calls,
            "images": self.images,
            "audio": self.audio,
        }
        message.update((name, value) for name, value in members.items() if value)
        return message


def _add_text(written: _Written, part: Text, losses: Losses) -> None:
    offset = sum(map(len, written.text))
    for citation in part.citations:
        annotation = annotation_of(citation, offset)
        if annotation is None:
            losses.add("citations")
        else:
            written.annotations.append(annotation)
    written.text.append(part.text)
    if part.text:
        written.content.append({"type": "text", "text": part.text, **own_members(part.extra, losses)})
        written.lists = written.lists or (part.extra is not None and part.extra.format == DIALECT)


def _add_thought(written: _Written, part: Thinking, losses: Losses) -> None:
    if part.redacted and part.origin != DIALECT:
        losses.add("redacted_thinking")
        return
    written.thoughts.append(part)


def encode_call(call: ToolUse, id: str, losses: Losses) -> Json:
    """A call of a tool."""
    written: Json = {"id": id}
    if call.custom:
        written |= {"type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    else:
        function = {"name": call.name, "arguments": call.arguments or "{}"}
        written |= {"type": "function", "function": function}
    if call.signature is not None and call.origin == DIALECT:
        written["extra_content"] = {"google": {"thought_signature": call.signature}}
    for name, value in own_members(call.extra, losses).items():
        written.setdefault(name, value)
    return written


def _add_media(written: _Written, part: Media, losses: Losses) -> None:
    source = part.source
    if part.kind is MediaKind.AUDIO and isinstance(source, Base64) and written.audio is None:
        written.audio = encode_audio(part, source, losses)
    elif part.kind is MediaKind.IMAGE and isinstance(source, Base64 | Url):
        written.images.append(encode_image(source))
    else:
        losses.add(part.kind.value)


def encode_audio(part: Media, source: Base64, losses: Losses) -> Json:
    """What was said aloud; its words stand in the content."""
    own = own_members(part.extra, losses)
    return {"id": "", "expires_at": 0, "transcript": "", **own, "data": source.data}


def encode_image(source: Base64 | Url) -> Json:
    """An image the model made, as OpenRouter gives it."""
    url = source.url if isinstance(source, Url) else f"data:{source.media_type};base64,{source.data}"
    return {"type": "image_url", "image_url": {"url": url}}
