"""OpenAI Embeddings as they pass by (API reference, read 2026-11-22)."""

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
