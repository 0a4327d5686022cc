"""OpenAI Embeddings as they pass by (API reference, read 2026-11-22)."""

import sys
from array import array
from base64 import b64encode
from dataclasses import replace

import msgspec

from omniroute.errors import ProtocolError
from omniroute.formats.openai_usage import decode_usage
from omniroute.formats.watch import ABSENT, Seen, decode, is_something


class _Whole(msgspec.Struct):
    data: list[msgspec.Raw]
    model: str | None = None
    usage: msgspec.Raw = ABSENT


_WHOLE = msgspec.json.Decoder(_Whole)


def read_whole(body: bytes) -> Seen:
    """What a whole answer shows. Raises ProtocolError when it is no list of embeddings."""
    try:
        whole = decode(_WHOLE, body)
    except (msgspec.ValidationError, ProtocolError):
        raise ProtocolError("the upstream's answer is not a list of embeddings") from None
    seen = Seen()
    seen.finished = True
    seen.model = whole.model
    if is_something(whole.usage):
        seen.usage = replace(decode_usage(whole.usage), output=0)  # an embedding has no output tokens
    return seen


class _Answer(msgspec.Struct):
    data: list[dict[str, msgspec.Raw]]


def in_base64(body: bytes) -> bytes:
    """The answer with its vectors as base64 of little-endian 32-bit floats, which OpenAI's SDKs ask for.

    The same bytes where a vector is no list of numbers, as from a provider that knows base64 itself.
    """
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        items = msgspec.json.decode(body, type=_Answer).data
        if not items or any(not bytes(item.get("embedding", ABSENT)).startswith(b"[") for item in items):
            return body
        packed = [item | {"embedding": _packed(item["embedding"])} for item in items]
    except msgspec.MsgspecError:
        return body
    return msgspec.json.encode(members | {"data": msgspec.Raw(msgspec.json.encode(packed))})


def _packed(vector: msgspec.Raw) -> msgspec.Raw:
    floats = array("f", msgspec.json.decode(vector, type=list[float]))
    if sys.byteorder == "big":
        floats.byteswap()
    return msgspec.Raw(msgspec.json.encode(b64encode(floats.tobytes()).decode()))
