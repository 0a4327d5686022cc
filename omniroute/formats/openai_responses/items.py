"""Items of a turn of the model, as parts: the same in histories and in answers."""

import msgspec

from omniroute.conversation.parts import Citation, Extra, Opaque, Part, Refusal, Text, Thinking, ToolUse
from omniroute.conversation.request import TokenLogprob
from omniroute.formats.openai_responses.members import (
    DIALECT,
    MARK,
    Members,
    Objects,
    WrongShape,
    is_text,
    plain_texts,
    raw_json,
    text_of,
)

REASONING = "reasoning"
FUNCTION_CALL = "function_call"
CUSTOM_CALL = "custom_tool_call"
MESSAGE = "message"
IMAGE_CALL = "image_generation_call"

BLANK_LINE = "\n\n"
"""Between the parts of a summary that are shown as one text."""


def decode_call(item: Members, *, custom: bool) -> ToolUse:
    """A `function_call` or a `custom_tool_call`. Raises `WrongShape`."""
    name = item.text("name")
    if name is None:
        raise WrongShape(item.at("name"), "a string")
    return ToolUse(
        item.text("call_id") or "",
        name,
        _arguments(item, "input" if custom else "arguments"),
        custom=custom,
        namespace=item.text("namespace"),
        extra=item.rest(),
    )


def _arguments(item: Members, name: str) -> str:
    """Text; a few servers and clients give the object itself."""
    raw = item.peek(name)
    if raw is not None and bytes(raw).startswith(b"{"):
        del item.left[name]
        return bytes(raw).decode()
    return item.text(name) or ""


def decode_reasoning(item: Members, *, exact: bool) -> Thinking:
    """A `reasoning` item. `exact`: it is to be written back as it stood. Raises `WrongShape`."""
    summary, content = item.raw("summary"), item.raw("content")
    summaries = _texts(summary, item, "summary")
    contents = _texts(content, item, "content")
    signature, id = item.text("encrypted_content"), item.text("id")
    kept = item.left
    if contents and (exact or summaries):
        kept["content"] = content or raw_json([])
    if exact and (contents or len(summaries) > 1):
        kept["summary"] = summary or raw_json([])
    return Thinking(
        BLANK_LINE.join(filter(None, summaries or contents)),
        signature or None,
        origin=DIALECT if signature or exact else None,
        id=id,
        extra=item.rest(),
    )


def _texts(raw: msgspec.Raw | None, item: Members, name: str) -> list[str]:
    if raw is None:
        return []
    if is_text(raw):
        return [text_of(raw)]
    return [part.text("text") or "" for part in Objects(raw, item, name).members]


def decode_message(item: Members, *, logprobs: list[TokenLogprob] | None = None) -> list[Part]:
    """A `message` of the model. `logprobs` gathers its log probabilities. Raises `WrongShape`."""
    content = item.raw("content")
    item.left.pop("role", None)
    if content is None:
        return []
    found: list[Part]
    if is_text(content):
        text = text_of(content)
        found = [Text(text)] if text else []
    else:
        found = _contents(content, item, logprobs)
    return _placed(found, item.rest())


def _contents(raw: msgspec.Raw, item: Members, logprobs: list[TokenLogprob] | None) -> list[Part]:
    texts = plain_texts(raw)
    if texts is not None:
        return [Text(text) for text in texts]
    parts = Objects(raw, item, "content")
    said = (_content(part, parts, place, logprobs) for place, part in enumerate(parts.members))
    return [part for part in said if part is not None]


def _placed(found: list[Part], extra: Extra | None) -> list[Part]:
    """The parts of one item: the first carries what the item says, each further one that it goes on."""
    placed: list[Part] = []
    opened = False
    for part in found:
        if isinstance(part, (Text, Refusal)):
            placed.append(_with_item(part, MARK if opened else extra))
            opened = True
        else:
            placed.append(part)
            opened = False
            extra = None
    return placed


def _with_item(part: Text | Refusal, item: Extra | None) -> Text | Refusal:
    if item is None:
        return part
    if part.extra is None:
        return msgspec.structs.replace(part, extra=item)
    members = item.members or {"continues": msgspec.Raw(b"true")}
    return msgspec.structs.replace(part, extra=Extra(DIALECT, {**part.extra.members, **members}))


def _content(part: Members, parts: Objects, place: int, logprobs: list[TokenLogprob] | None) -> Part | None:
    """One content part; what only this dialect knows becomes an item of its own."""
    kind = part.text("type") or "output_text"
    if kind == "refusal":
        text = part.text("refusal") or part.text("text")
        return Refusal(text, _content_extra(part)) if text else None
    if kind not in ("output_text", "input_text", "text"):
        message = {"type": MESSAGE, "role": "assistant", "content": [parts.raw(place)]}
        return Opaque(DIALECT, kind, raw_json(message))
    text = part.text("text")
    citations = tuple(decode_annotation(annotation) for annotation in part.objects("annotations").members)
    tokens = part.peek("logprobs")
    if tokens is not None and (logprobs is not None or bytes(tokens) == b"[]"):
        del part.left["logprobs"]
        if logprobs is not None:
            logprobs.extend(decode_logprobs(tokens))
    return Text(text, citations, extra=_content_extra(part)) if text else None


def _content_extra(part: Members) -> Extra | None:
    rest = part.rest_json()
    return None if rest is None else Extra(DIALECT, {"content": rest})


def decode_annotation(annotation: Members) -> Citation:
    """Where a text has something from; files are cited by what only this dialect knows."""
    url, title = annotation.text("url"), annotation.text("title")
    start, end = annotation.count("start_index"), annotation.count("end_index")
    complete = None not in (url, title, start, end)
    if complete and annotation.peek("type") == _URL_CITATION:
        del annotation.left["type"]  # the encoder makes it so by itself
    return Citation(url, title, start=start, end=end, extra=annotation.rest())


_URL_CITATION = msgspec.Raw(b'"url_citation"')


class _Token(msgspec.Struct):
    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top_logprobs: "tuple[_Token, ...]" = ()


_TOKENS = msgspec.json.Decoder(list[_Token])


def decode_logprobs(raw: msgspec.Raw) -> tuple[TokenLogprob, ...]:
    """The log probabilities; none for a list nobody can make sense of."""
    try:
        return tuple(_logprob(token) for token in _TOKENS.decode(raw))
    except msgspec.ValidationError:
        return ()


def _logprob(token: _Token) -> TokenLogprob:
    top = tuple(_logprob(other) for other in token.top_logprobs)
    return TokenLogprob(token.token, token.logprob, token.bytes, top)
