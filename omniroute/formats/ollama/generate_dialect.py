"""`/api/generate` as a dialect of its own: what `call.Dialect` asks for."""

from collections.abc import Mapping

import msgspec

from omniroute.conversation.request import Request
from omniroute.formats.ollama.errors import stream_error
from omniroute.formats.ollama.generate import (
    decode_generate_request,
    encode_generate_response,
    generate_stream_encoder,
    load_answer,
)
from omniroute.formats.ollama.watch import STREAM_TYPE

__all__ = [
    "STREAM_TYPE",
    "decode_request",
    "encode_response",
    "load_answer",
    "stream_encoder",
    "stream_error",
]

encode_response = encode_generate_response
stream_encoder = generate_stream_encoder


def decode_request(
    body: bytes,
    *,
    model: str | None = None,
    stream: bool | None = None,
    members: Mapping[str, msgspec.Raw] | None = None,
) -> Request:
    """What the client asks. Raises `Refused` naming the field that is at fault."""
    request = decode_generate_request(body, members)
    return msgspec.structs.replace(
        request,
        model=request.model if model is None else model,
        stream=request.stream if stream is None else stream,
    )
