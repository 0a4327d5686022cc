"""OpenAI Chat Completions: bytes in, values out, and back."""

from omniroute.formats.openai_chat.errors import encode_error, stream_error
from omniroute.formats.openai_chat.watch import FRAME_ENDS, KEEPALIVE, STREAM_TYPE, StreamWatch, read_whole

__all__ = [
    "FRAME_ENDS",
    "KEEPALIVE",
    "STREAM_TYPE",
    "StreamWatch",
    "encode_error",
    "read_whole",
    "stream_error",
]
