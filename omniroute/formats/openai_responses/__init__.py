"""OpenAI Responses: bytes in, values out, and back."""

from omniroute.formats.openai_responses.errors import encode_error, stream_error
from omniroute.formats.openai_responses.request_decode import decode_request
from omniroute.formats.openai_responses.request_encode import encode_request
from omniroute.formats.openai_responses.response_decode import decode_response
from omniroute.formats.openai_responses.response_encode import encode_response
from omniroute.formats.openai_responses.stream_decode import ResponsesStreamDecoder as stream_decoder
from omniroute.formats.openai_responses.stream_encode import ResponsesStreamEncoder as stream_encoder
from omniroute.formats.openai_responses.watch import (
    KEEPALIVE,
    STREAM_TYPE,
    StreamWatch,
    read_whole,
)

__all__ = [
    "KEEPALIVE",
    "STREAM_TYPE",
    "StreamWatch",
    "decode_request",
    "decode_response",
    "encode_error",
    "encode_request",
    "encode_response",
    "read_whole",
    "stream_decoder",
    "stream_encoder",
    "stream_error",
]
