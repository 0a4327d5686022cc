"""Pieces that whole answers and streams of Chat share (API reference, read 2026-11-22)."""

from collections.abc import Iterable, Sequence

import msgspec

from omniroute.conversation.parts import Base64, Citation, Extra, Media, MediaKind
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Finish, FinishReason
from omniroute.errors import ProtocolError
from omniroute.formats.openai_chat.node import DIALECT, Malformed, Node
from omniroute.formats.openai_chat.parts_decode import linked

_REASONS = {
    "stop": FinishReason.STOP,
    "": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "eos_token": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP_SEQUENCE,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,  # Mistral
    "tool_calls": FinishReason.TOOL_USE,
    "tool_use": FinishReason.TOOL_USE,
    "function_call": FinishReason.TOOL_USE,
    "content_filter": FinishReason.CONTENT_FILTER,
    "sensitive": FinishReason.CONTENT_FILTER,  # Z.ai
    "error": FinishReason.ERROR,
    "network_error": FinishReason.ERROR,  # Z.ai
    "insufficient_system_resource": FinishReason.ERROR,  # DeepSeek
}
_WORDS = {
    FinishReason.TOOL_USE: "tool_calls",
    FinishReason.LENGTH: "length",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.REFUSAL: "content_filter",
}


def finish_of(raw: str | None, *, calls: bool, sequence: str | None = None) -> Finish:
    """Why a candidate stopped; `calls`: it calls a tool of the client, whatever the server says."""
    reason = FinishReason.UNKNOWN if raw is None else _REASONS.get(raw, FinishReason.UNKNOWN)
    if calls and reason in (FinishReason.STOP, FinishReason.UNKNOWN):
        reason = FinishReason.TOOL_USE
    elif reason is FinishReason.STOP and sequence is not None:
        reason = FinishReason.STOP_SEQUENCE
    return Finish(reason, raw, sequence)


def finish_word(finish: Finish) -> str:
    """Chat's word for it."""
    return _WORDS.get(finish.reason, "stop")


class _Logprob(msgspec.Struct):
    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top_logprobs: tuple["_Logprob", ...] | None = None


class _Logprobs(msgspec.Struct):
    content: tuple[_Logprob, ...] | None = None
    refusal: tuple[_Logprob, ...] | None = None


_LOGPROBS = msgspec.json.Decoder(_Logprobs)


def logprobs_of(raw: msgspec.Raw) -> tuple[TokenLogprob, ...]:
    """The likelihoods; none for an object nobody can make sense of."""
    try:
        told = _LOGPROBS.decode(raw)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
        return ()
    return tuple(_logprob(entry) for entry in (*(told.content or ()), *(told.refusal or ())))


def _logprob(entry: _Logprob) -> TokenLogprob:
    top = tuple(_logprob(other) for other in entry.top_logprobs or ())
    return TokenLogprob(entry.token, entry.logprob, entry.bytes, top)


def encode_logprobs(tokens: Iterable[TokenLogprob]) -> dict[str, object]:
    """The `logprobs` object."""
    return {"content": [_encode_logprob(token, top=True) for token in tokens], "refusal": None}


def _encode_logprob(token: TokenLogprob, *, top: bool) -> dict[str, object]:
    written: dict[str, object] = {"token": token.token, "logprob": token.logprob, "bytes": token.bytes}
    if top:
        written["top_logprobs"] = [_encode_logprob(other, top=False) for other in token.top]
    return written


def citation_of(annotation: Node, raw: msgspec.Raw) -> Citation:
    """An annotation as a citation; one that is no address is kept as it stood."""
    kind = annotation.text("type")
    link = annotation.node("url_citation")
    if kind not in (None, "url_citation") or link is None:
        return Citation(extra=Extra(DIALECT, {"annotation": raw}))
    return Citation(
        url=link.text("url"),
        title=link.text("title") or None,
        cited_text=link.text("content"),
        start=link.integer("start_index"),
        end=link.integer("end_index"),
    )


def annotation_of(citation: Citation, offset: int = 0) -> object:
    """A citation as an annotation; `None` for one without an address, which Chat has no place for."""
    extra = citation.extra
    if extra is not None and extra.format == DIALECT and "annotation" in extra.members:
        return extra.members["annotation"]
    if citation.url is None:
        return None
    link: dict[str, object] = {"url": citation.url, "title": citation.title or ""}
    if citation.start is not None and citation.end is not None:
        link |= {"start_index": citation.start + offset, "end_index": citation.end + offset}
    if citation.cited_text is not None:
        link["content"] = citation.cited_text
    return {"type": "url_citation", "url_citation": link}


def sources_of(links: Sequence[msgspec.Raw], found: Sequence[msgspec.Raw]) -> tuple[Citation, ...]:
    """Perplexity's and xAI's lists beside the answer: addresses, and what was found there."""
    titles: dict[str, str | None] = {}
    for raw in found:
        try:
            node = Node.of(raw, "search_results")
            url = node.text("url")
            if url:
                titles.setdefault(url, node.text("title"))
        except (Malformed, UnicodeDecodeError):
            continue
    for raw in links:
        url = _text_or_none(raw)
        if url:
            titles.setdefault(url, None)
    return tuple(Citation(url=url, title=title) for url, title in titles.items())


def _text_or_none(raw: msgspec.Raw) -> str | None:
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def images_of(nodes: Iterable[Node]) -> list[Media]:
    """The images of an answer, as OpenRouter gives them."""
    return [linked(node, "image_url", MediaKind.IMAGE) for node in nodes if node.text("type") is not None]


def audio_media(audio: Node) -> tuple[str, Media | None]:
    """What was said aloud, in words and in sound."""
    words = audio.text("transcript") or ""
    sound = audio.text("data") or ""
    if not sound:
        return words, None
    return words, Media(MediaKind.AUDIO, Base64("", sound), extra=audio.extra())


def broken_off(word: str | None) -> ProtocolError:
    """A finish reason that tells of an error."""
    return ProtocolError(f"the upstream broke off its answer: {word}")
