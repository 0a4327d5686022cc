"""Anthropic Messages: bytes in, values out, and back."""

from omniroute.formats.anthropic.errors import encode_error, stream_error
from omniroute.formats.anthropic.watch import FRAME_ENDS, KEEPALIVE, STREAM_TYPE, StreamWatch, read_whole

__all__ = [
    "FRAME_ENDS",
    "KEEPALIVE",
    "STREAM_TYPE",
    "StreamWatch",
    "encode_error",
    "read_whole",
    "stream_error",
]
