"""A way back to the client that remembers the whole answer that went over it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from omniroute.gateway.call import ErrorAnswer, Reply, TellInBand


@dataclass(frozen=True, slots=True)
class Told:
    """A whole answer as the client got it."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ToldError:
    """An error as the client got it."""

    error: ErrorAnswer
    headers: Mapping[str, str]


class RecordingReply:
    """Passes everything on; `told` is the whole answer or the error with a status of its own, if one came."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.told: Told | ToldError | None = None

    @property
    def begun(self) -> bool:
        """The status is spent."""
        return self._reply.begun

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer. It is remembered even when the client has left."""
        self.told = Told(status, dict(headers), body)
        await self._reply.whole(status, headers, body)

    async def begin(self, headers: Mapping[str, str]) -> None:
        """Send the head of a stream, once."""
        await self._reply.begin(headers)

    async def write(self, chunk: bytes) -> None:
        """Send some of a stream."""
        await self._reply.write(chunk)

    async def end(self) -> None:
        """Close the stream normally."""
        await self._reply.end()

    async def fail(
        self, error: ErrorAnswer, headers: Mapping[str, str], *, in_band: TellInBand | None = None
    ) -> None:
        """Tell of an error."""
        if not self._reply.begun:
            self.told = ToldError(error, dict(headers))
        await self._reply.fail(error, headers, in_band=in_band)

    @property
    def wants_progress(self) -> bool:
        """The client asks to be told how far its stream is."""
        return self._reply.wants_progress

    async def progress(self, event: bytes) -> None:
        """Send an event about the stream."""
        await self._reply.progress(event)

    async def keep_alive(self) -> None:
        """Send a comment."""
        await self._reply.keep_alive()


Ask = Callable[[Reply], Awaitable[None]]
"""Goes on with the request, and answers it over the reply it is given."""
