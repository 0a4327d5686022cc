"""OpenAI Embeddings as they pass by (API reference, read 2026-11-22)."""

import sys
from array import array
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
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


class _Vector(msgspec.Struct):
    embedding: msgspec.Raw
    index: int | None = None


class _Vectors(msgspec.Struct):
    data: list[_Vector]
    usage: msgspec.Raw = ABSENT


_VECTORS = msgspec.json.Decoder(_Vectors)


def vectors(body: bytes) -> tuple[list[msgspec.Raw], int | None]:
    """The numbers of each vector in the order asked for, as they stood, and the tokens they took.

    Raises ProtocolError when it is no list of embeddings.
    """
    try:
        whole = _VECTORS.decode(body)
        items = whole.data
        if all(item.index is not None for item in items):
            items = sorted(items, key=lambda item: item.index or 0)
        found = [_unpacked(item.embedding) for item in items]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Base64Error, ValueError):
        raise ProtocolError("the upstream's answer is not a list of embeddings") from None
    usage = decode_usage(whole.usage) if is_something(whole.usage) else None
    return found, None if usage is None else usage.prompt


def _unpacked(vector: msgspec.Raw) -> msgspec.Raw:
    if bytes(vector).startswith(b"["):
        return vector
    packed = array("f", b64decode(msgspec.json.decode(vector, type=str), validate=True))
    if sys.byteorder == "big":
        packed.byteswap()
    return msgspec.Raw(msgspec.json.encode(packed.tolist()))
