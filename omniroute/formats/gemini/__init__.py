"""Gemini generateContent: bytes in, values out, and back."""

from omniroute.formats.gemini.errors import encode_error, stream_error
from omniroute.formats.gemini.request_decode import decode_count_request, decode_request
from omniroute.formats.gemini.request_encode import encode_request
from omniroute.formats.gemini.response_decode import decode_response
from omniroute.formats.gemini.response_encode import encode_response
from omniroute.formats.gemini.stream_decode import StreamDecoder as stream_decoder
from omniroute.formats.gemini.stream_encode import array_stream_encoder, stream_encoder
from omniroute.formats.gemini.watch import KEEPALIVE, STREAM_TYPE, StreamWatch, read_whole

__all__ = [
    "KEEPALIVE",
    "STREAM_TYPE",
    "StreamWatch",
    "array_stream_encoder",
    "decode_count_request",
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
