"""A client of the gateway's core that keeps what it is told."""

from collections.abc import Mapping
from typing import Any

from omniroute.gateway.call import ErrorAnswer
from omniroute.gateway.recording import Told, ToldError
from omniroute.gateway.usage_log import UsageEntry


class Client:
    """Gets whole answers and errors; of streams it sees only that they were."""

    begun = False
    wants_progress = False

    def __init__(self) -> None:
        self.told: Told | ToldError | None = None
        self.entry = UsageEntry(request_id="r", method="POST", path="/", operation="chat", client_format="x")

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.told = Told(status, headers, body)

    async def begin(self, headers: Mapping[str, str]) -> None:
        self.begun = True

    async def write(self, chunk: bytes) -> None:
        pass

    async def end(self) -> None:
        pass

    async def fail(self, error: ErrorAnswer, headers: Mapping[str, str], **_: Any) -> None:
        self.told = ToldError(error, headers)

    async def progress(self, event: bytes) -> None:
        pass

    async def keep_alive(self) -> None:
        pass

    @property
    def body(self) -> bytes:
        """Of the whole answer."""
        assert isinstance(self.told, Told)
        return self.told.body
