"""Anthropic Messages: bytes in, values out, and back."""

from omniroute.formats.anthropic.errors import encode_error, stream_error
from omniroute.formats.anthropic.request_decode import decode_request
from omniroute.formats.anthropic.request_encode import encode_request
from omniroute.formats.anthropic.response_decode import decode_response
from omniroute.formats.anthropic.response_encode import encode_response
from omniroute.formats.anthropic.stream_decode import stream_decoder
from omniroute.formats.anthropic.stream_encode import stream_encoder
from omniroute.formats.anthropic.watch import KEEPALIVE, STREAM_TYPE, StreamWatch, read_whole

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
