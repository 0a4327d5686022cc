"""Gemini generateContent: bytes in, values out, and back."""

from omniroute.formats.gemini.errors import encode_error, stream_error
from omniroute.formats.gemini.watch import FRAME_ENDS, KEEPALIVE, STREAM_TYPE, StreamWatch, read_whole

__all__ = [
    "FRAME_ENDS",
    "KEEPALIVE",
    "STREAM_TYPE",
    "StreamWatch",
    "encode_error",
    "read_whole",
    "stream_error",
]
