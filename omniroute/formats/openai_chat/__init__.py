"""OpenAI Chat Completions: bytes in, values out, and back."""

from omniroute.formats.openai_chat.errors import encode_error, stream_error
from omniroute.formats.openai_chat.request_decode import decode_request
from omniroute.formats.openai_chat.request_encode import encode_request
from omniroute.formats.openai_chat.response import decode_response, encode_response
from omniroute.formats.openai_chat.stream import stream_decoder
from omniroute.formats.openai_chat.stream_encode import stream_encoder
from omniroute.formats.openai_chat.watch import KEEPALIVE, STREAM_TYPE, StreamWatch, read_whole

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
