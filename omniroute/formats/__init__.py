"""Wire dialects: bytes in, values out; no I/O."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from omniroute.errors import ErrorKind
from omniroute.formats import anthropic, gemini, ollama, openai_chat, openai_responses
from omniroute.formats.watch import Seen
from omniroute.records import FormatName


class PassingStream(Protocol):
    """Reads along with one stream whose bytes go on untouched."""

    seen: Seen

    def pass_on(self, chunk: bytes) -> bytes:
        """The bytes the client is to get for these. Raises ProtocolError."""

    def rest(self) -> bytes:
        """What is still held back when the stream has ended."""

    def text(self) -> str:
        """The output so far, for counting tokens; reads what was left unread."""


class Format(Protocol):
    """What a dialect offers; a plain module satisfies it."""

    KEEPALIVE: bytes
    """A comment for a stream that waits; empty where the dialect has none."""
    STREAM_TYPE: str
    FRAME_ENDS: tuple[bytes, ...]
    """How bytes end that are not in the middle of an event."""

    def StreamWatch(self) -> PassingStream:
        """A reader for a new stream."""

    def read_whole(self, body: bytes) -> Seen:
        """What a whole answer shows. Raises ProtocolError when it is none."""

    def encode_error(
        self,
        kind: ErrorKind,
        message: str,
        *,
        request_id: str,
        param: str | None = None,
        retry_at: str | None = None,
    ) -> bytes:
        """The error body of the dialect."""

    def stream_error(self, kind: ErrorKind, message: str, *, request_id: str) -> bytes:
        """The same inside a stream that has begun, with no normal ending after it."""


FORMATS: Mapping[FormatName, Format] = MappingProxyType(
    {
        FormatName.OPENAI_CHAT: openai_chat,
        FormatName.OPENAI_RESPONSES: openai_responses,
        FormatName.ANTHROPIC: anthropic,
        FormatName.GEMINI: gemini,
        FormatName.OLLAMA: ollama,
    }
)
"""Every dialect that clients can speak to the gateway."""
