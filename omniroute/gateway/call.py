"""One request of a client, as the server hands it over, and how it is answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from omniroute.conversation.request import Request
from omniroute.conversation.response import Response
from omniroute.errors import ErrorKind
from omniroute.formats import FORMATS, Format, embeddings
from omniroute.formats.codec import Encoded, ReplyFacts, StreamEncoder
from omniroute.formats.envelope import Envelope
from omniroute.formats.watch import Seen
from omniroute.records import ApiKey, Endpoint, FormatName


class Dialect(Protocol):
    """How the clients of one path speak: a `Format`, or a variant of one."""

    STREAM_TYPE: str

    def decode_request(
        self,
        body: bytes,
        *,
        model: str | None = None,
        stream: bool | None = None,
        members: Mapping[str, msgspec.Raw] | None = None,
    ) -> Request:
        """What the client asks. Raises `Refused`."""

    def encode_response(self, response: Response, facts: ReplyFacts) -> Encoded:
        """A whole answer."""

    def stream_encoder(self, facts: ReplyFacts) -> StreamEncoder:
        """A writer for a new stream."""

    def stream_error(self, kind: ErrorKind, message: str, *, request_id: str) -> bytes:
        """An error inside a stream that has begun."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a path of the data plane does."""

    name: str
    dialect: FormatName
    """Whose errors and headers these are."""
    read_whole: Callable[[bytes], Seen]
    format: FormatName | None = None
    """The conversation's dialect; `None` for an endpoint that is none."""
    endpoint: Endpoint | None = None
    variant: Dialect | None = None
    """How this path's requests and answers differ from its dialect's; then nothing passes untouched."""

    @property
    def codec(self) -> Format:
        """Speaks the errors, and reads streams that pass."""
        return FORMATS[self.dialect]

    @property
    def writer(self) -> Dialect:
        """Reads the client's requests, and writes its answers."""
        return self.variant or FORMATS[self.dialect]

    @property
    def passes(self) -> bool:
        """Bytes may pass to and from an upstream of the same dialect."""
        return self.variant is None

    def decode_request(self, envelope: Envelope, *, model: str | None, stream: bool) -> Request:
        """What the client asks. Raises `Refused`."""
        return self.writer.decode_request(envelope.body, model=model, stream=stream, members=envelope.members)


def _conversation(name: str, format_name: FormatName, variant: Dialect | None = None) -> Operation:
    return Operation(name, format_name, FORMATS[format_name].read_whole, format=format_name, variant=variant)


CHAT = _conversation("chat", FormatName.OPENAI_CHAT)
MESSAGES = _conversation("messages", FormatName.ANTHROPIC)
RESPONSES = _conversation("responses", FormatName.OPENAI_RESPONSES)
GENERATE = _conversation("generate", FormatName.GEMINI)
OLLAMA_CHAT = _conversation("ollama-chat", FormatName.OLLAMA)
EMBEDDINGS = Operation(
    "embeddings", FormatName.OPENAI_CHAT, embeddings.read_whole, endpoint=Endpoint.EMBEDDINGS
)


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One client request, read whole."""

    operation: Operation
    method: str
    path: str
    headers: Mapping[str, str]
    """The client's own, looked up without regard to case."""
    body: bytes
    request_id: str
    key: ApiKey | None
    """The gateway key it presented; `None` for a loopback caller without one."""
    client_ip: str | None = None
    """Where the client is, as far as is known."""
    model: str | None = None
    """The model, where the path names it and not the body."""
    stream: bool | None = None
    """Whether a stream is asked for, where that is not said by `"stream": true` alone."""
    only_provider: str | None = None
    """Set on `/v1/providers/{provider}/…`: the request never leaves that provider."""
    losses: tuple[str, ...] = ()
    """What of the client's request is not in the body any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorAnswer:
    """An error for the client."""

    kind: ErrorKind
    message: str
    status: int
    retry_after_s: float | None = None
    param: str | None = None
    body: bytes | None = None
    """The upstream's own error body, when it is one of the client's dialect; else it is written anew."""
    should_retry: bool = True


class TellInBand(Protocol):
    """Words an error for a stream that has begun."""

    def __call__(self, kind: ErrorKind, message: str, *, request_id: str) -> bytes:
        """The event that ends the stream."""


class Reply(Protocol):
    """The way back to the client."""

    @property
    def begun(self) -> bool:
        """The status is spent: a stream has begun, with comments or content."""

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer."""

    async def begin(self, headers: Mapping[str, str]) -> None:
        """Send the head of a stream, once."""

    async def write(self, chunk: bytes) -> None:
        """Send whole events of a stream; waits while the client is slow."""

    async def end(self) -> None:
        """Close the stream normally."""

    async def fail(
        self, error: ErrorAnswer, headers: Mapping[str, str], *, in_band: TellInBand | None = None
    ) -> None:
        """Tell of an error: with its status, or when the status is spent in-band, as `in_band` words it."""

    @property
    def wants_progress(self) -> bool:
        """The client asks to be told how far its stream is."""

    async def progress(self, event: bytes) -> None:
        """Send an event about the stream, and the head of the stream before it when none was sent."""

    async def keep_alive(self) -> None:
        """Send a comment, and the head of a stream before it when none was sent."""
