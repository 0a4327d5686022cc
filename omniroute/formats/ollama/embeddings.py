"""Ollama's embeddings asked of a provider that speaks OpenAI's (API reference, read 2026-11-23)."""

from typing import Any

import msgspec

from omniroute.errors import ErrorKind, Refused
from omniroute.formats.codec import Encoded, Losses
from omniroute.formats.embeddings import vectors
from omniroute.formats.envelope import Envelope


def openai_request(body: bytes, *, legacy: bool) -> Encoded | None:
    """The same request in OpenAI's dialect; `None` when there is nothing to embed.

    `legacy`: `/api/embeddings`, which takes one `prompt`. Raises `Refused` naming what is at fault.
    """
    envelope = Envelope(body)
    model = envelope.model
    member = "prompt" if legacy else "input"
    texts = _texts(envelope.value(member), member, legacy=legacy)
    losses = Losses()
    if envelope.value("options"):
        losses.add("options")
    if envelope.value("truncate") is not None:
        losses.add("truncate")
    if not texts:
        return None
    asked: dict[str, Any] = {"model": model, "input": texts}
    dimensions = envelope.value("dimensions")
    if dimensions is not None and not legacy:
        if isinstance(dimensions, bool) or not isinstance(dimensions, int) or dimensions < 1:
            message = "dimensions: a whole number above 0"
            raise Refused(ErrorKind.BAD_REQUEST, message, param="dimensions")
        asked["dimensions"] = dimensions
    return Encoded(msgspec.json.encode(asked), losses.names)


def answer(body: bytes, *, model: str, legacy: bool, took_ns: int) -> bytes:
    """OpenAI's answer in this dialect. Raises ProtocolError when it is none."""
    found, tokens = vectors(body)
    if legacy:
        return msgspec.json.encode({"embedding": found[0] if found else []})
    shown: dict[str, Any] = {"model": model, "embeddings": found, "total_duration": took_ns}
    shown["load_duration"] = 0
    if tokens is not None:
        shown["prompt_eval_count"] = tokens
    return msgspec.json.encode(shown)


def nothing(model: str, *, legacy: bool) -> bytes:
    """The answer to a request that only wants the model to be loaded."""
    return msgspec.json.encode({"embedding": []} if legacy else {"model": model, "embeddings": []})


def _texts(given: object, member: str, *, legacy: bool) -> list[str]:
    """The texts to embed; none for one that is empty."""
    if given is None:
        return []
    if isinstance(given, str):
        return [given] if given else []
    if legacy or not isinstance(given, list):
        raise Refused(ErrorKind.BAD_REQUEST, f"{member}: not of a type that can be embedded", param=member)
    texts = []
    for place, one in enumerate(given):
        if not isinstance(one, str):
            where = f"{member}[{place}]"
            raise Refused(ErrorKind.BAD_REQUEST, f"{where}: a text", param=where)
        texts.append(one)
    return texts
