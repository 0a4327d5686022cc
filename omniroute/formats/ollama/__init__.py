"""Ollama: bytes in, values out, and back."""

from omniroute.formats.ollama.errors import encode_error, stream_error
from omniroute.formats.ollama.request_decode import decode_request
from omniroute.formats.ollama.request_encode import encode_request
from omniroute.formats.ollama.response_decode import decode_response
from omniroute.formats.ollama.response_encode import encode_response, load_answer
from omniroute.formats.ollama.stream_decode import stream_decoder
from omniroute.formats.ollama.stream_encode import stream_encoder
from omniroute.formats.ollama.watch import KEEPALIVE, STREAM_TYPE, StreamWatch, read_whole

__all__ = [
    "KEEPALIVE",
    "STREAM_TYPE",
    "StreamWatch",
    "decode_request",
    "decode_response",
    "encode_error",
    "encode_request",
    "encode_response",
    "load_answer",
    "read_whole",
    "stream_decoder",
    "stream_encoder",
    "stream_error",
]
