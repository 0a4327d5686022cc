"""Wire dialects: bytes in, values out; no I/O."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import msgspec

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.request import Request
from omniroute.conversation.response import Response
from omniroute.errors import ErrorKind
from omniroute.formats import anthropic, gemini, ollama, openai_chat, openai_responses
from omniroute.formats.codec import Encoded, ReplyFacts, StreamDecoder, StreamEncoder
from omniroute.formats.watch import Seen
from omniroute.records import FormatName


class PassingStream(Protocol):
    """Reads along with one stream on its way to the client."""

    seen: Seen

    def pass_on(self, chunk: bytes) -> bytes:
        """The bytes the client is to get for these: whole events. Raises ProtocolError."""

    def rest(self) -> bytes:
        """What is still held back when the stream has ended."""

    def text(self) -> str:
        """The output so far, for counting tokens; reads what was left unread."""


class Format(Protocol):
    """What a dialect offers; a plain module satisfies it."""

    KEEPALIVE: bytes
    """A comment for a stream that waits; empty where the dialect has none."""
    STREAM_TYPE: str

    def StreamWatch(self) -> PassingStream:
        """A reader for a new stream that passes untouched."""

    def read_whole(self, body: bytes) -> Seen:
        """What a whole answer that passes untouched shows. Raises ProtocolError when it is none."""

    def decode_request(
        self,
        body: bytes,
        *,
        model: str | None = None,
        stream: bool | None = None,
        members: Mapping[str, msgspec.Raw] | None = None,
    ) -> Request:
        """What the client asks. `model` and `stream` are given where the path says them, not the body.

        `members` are the body's where it was taken apart already.
        Raises `Refused` naming the field that is at fault.
        """

    def encode_request(self, request: Request, abilities: Abilities) -> Encoded:
        """The body for an upstream. Raises `Refused` for content the dialect cannot carry."""

    def decode_response(self, body: bytes) -> Response:
        """A whole answer. Raises ProtocolError."""

    def encode_response(self, response: Response, facts: ReplyFacts) -> Encoded:
        """A whole answer for a client."""

    def stream_decoder(self) -> StreamDecoder:
        """A reader for a new stream."""

    def stream_encoder(self, facts: ReplyFacts) -> StreamEncoder:
        """A writer for a new stream."""

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
