"""Gemini's embeddings, asked of a provider that speaks OpenAI's (API reference, read 2026-11-23)."""

from typing import Any

import msgspec

from omniroute.errors import ErrorKind, Refused
from omniroute.formats.codec import Encoded, Losses, cannot_carry
from omniroute.formats.embeddings import vectors
from omniroute.formats.envelope import Envelope

MAX_REQUESTS = 2048

_OTHER_CASE = {
    "task_type": "taskType",
    "output_dimensionality": "outputDimensionality",
    "auto_truncate": "autoTruncate",
    "embed_content_config": "embedContentConfig",
}
_LOST = ("taskType", "title", "autoTruncate")


def openai_request(body: bytes, *, model: str, batch: bool) -> Encoded:
    """The same request in OpenAI's dialect. Raises `Refused` naming what is at fault."""
    envelope = Envelope(body)
    if not batch:
        whole = {name: envelope.value(name) for name in _names(envelope)}
        requests, places = [whole], [""]
    else:
        requests = envelope.value("requests")
        if not isinstance(requests, list) or not requests:
            raise Refused(ErrorKind.BAD_REQUEST, "requests: a list that is not empty", param="requests")
        if len(requests) > MAX_REQUESTS:
            raise Refused(ErrorKind.BAD_REQUEST, f"requests: at most {MAX_REQUESTS}", param="requests")
        places = [f"requests[{number}]." for number in range(len(requests))]
    losses = Losses()
    texts: list[str] = []
    dimensions: list[int | None] = []
    for request, place in zip(requests, places, strict=True):
        members = _members(request, place)
        texts.append(_text(members.get("content"), f"{place}content"))
        dimensions.append(_dimensions(members.get("outputDimensionality"), place))
        for name in _LOST:
            if members.get(name) is not None:
                losses.add(name)
    if len(set(dimensions)) > 1:
        message = "requests: all have to ask for the same outputDimensionality"
        raise Refused(ErrorKind.UNSUPPORTED, message, param="requests")
    asked: dict[str, Any] = {"model": model, "input": texts if batch else texts[0]}
    if dimensions[0] is not None:
        asked["dimensions"] = dimensions[0]
    return Encoded(msgspec.json.encode(asked), losses.names)


def answer(body: bytes, *, batch: bool) -> bytes:
    """OpenAI's answer in this dialect. Raises ProtocolError when it is none."""
    found, tokens = vectors(body)
    values = [{"values": vector} for vector in found]
    shown: dict[str, Any] = {"embeddings": values} if batch else {"embedding": values[0] if values else {}}
    if tokens is not None:
        shown["usageMetadata"] = {"promptTokenCount": tokens}
    return msgspec.json.encode(shown)


def _names(envelope: Envelope) -> list[str]:
    known = ("content", "embedContentConfig", "outputDimensionality", *_LOST, *_OTHER_CASE)
    return [name for name in known if name in envelope]


def _members(request: object, place: str) -> dict[str, Any]:
    """One request's members in camelCase, those of its configuration among them."""
    if not isinstance(request, dict):
        where = place.removesuffix(".")
        raise Refused(ErrorKind.BAD_REQUEST, f"{where}: a JSON object", param=where)
    members = _in_camel_case(request)
    config = members.get("embedContentConfig")
    return members | _in_camel_case(config) if isinstance(config, dict) else members


def _in_camel_case(members: dict[str, Any]) -> dict[str, Any]:
    return {_OTHER_CASE.get(name, name): value for name, value in members.items()}


def _text(content: object, place: str) -> str:
    """The texts of a content, one below the other."""
    if isinstance(content, str):
        return content
    parts = content.get("parts") if isinstance(content, dict) else None
    if isinstance(parts, dict):
        parts = [parts]
    if not isinstance(parts, list) or not parts:
        raise Refused(ErrorKind.BAD_REQUEST, f"{place}: nothing to embed", param=place)
    texts = []
    for number, part in enumerate(parts):
        text = part.get("text") if isinstance(part, dict) else None
        if not isinstance(text, str):
            what = next(iter(part), "an empty part") if isinstance(part, dict) else "this"
            raise cannot_carry(str(what), f"{place}.parts[{number}]", "openai-embeddings")
        texts.append(text)
    return "\n".join(texts)


def _dimensions(value: object, place: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        where = f"{place}outputDimensionality"
        raise Refused(ErrorKind.BAD_REQUEST, f"{where}: a whole number above 0", param=where)
    return value
