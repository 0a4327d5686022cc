"""One request of a client, as the server hands it over, and how it is answered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from omniroute.errors import ErrorKind
from omniroute.formats import FORMATS, Format, embeddings
from omniroute.formats.watch import Seen
from omniroute.records import ApiKey, Endpoint, FormatName


@dataclass(frozen=True, slots=True)
class Operation:
    """What a path of the data plane does."""

    name: str
    dialect: FormatName
    """Whose errors, headers and streams these are."""
    read_whole: Callable[[bytes], Seen]
    format: FormatName | None = None
    """The conversation's dialect; `None` for an endpoint that is none."""
    endpoint: Endpoint | None = None

    @property
    def codec(self) -> Format:
        """Speaks the errors, and reads streams."""
        return FORMATS[self.dialect]


def _conversation(name: str, format_name: FormatName) -> Operation:
    return Operation(name, format_name, FORMATS[format_name].read_whole, format=format_name)


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
    model: str | None = None
    """The model, where the path names it and not the body."""
    stream: bool | None = None
    """Whether a stream is asked for, where that is not said by `"stream": true` alone."""
    only_provider: str | None = None
    """Set on `/v1/providers/{provider}/…`: the request never leaves that provider."""


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
        """Send some of a stream; waits while the client is slow."""

    async def end(self) -> None:
        """Close the stream normally."""

    async def fail(self, error: ErrorAnswer, headers: Mapping[str, str]) -> None:
        """Tell of an error: with its status, or in-band when the status is spent."""

    async def keep_alive(self) -> None:
        """Send a comment, and the head of a stream before it when none was sent."""
