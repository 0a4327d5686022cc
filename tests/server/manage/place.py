"""A whole gateway inside a test: its store, its server on loopback, and clients of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import aiohttp

from omniroute.api.system import ServerFile
from omniroute.client.http import Client
from omniroute.clock import SystemClock
from omniroute.conversation.usage import Usage
from omniroute.gateway.gateway import Gateway
from omniroute.paths import Paths
from omniroute.records import Outcome, RequestRow
from omniroute.server.app import App
from omniroute.server.build import build_gateway, close_gateway
from omniroute.server.listener import Listener
from omniroute.server.sockets import bind, url_of
from omniroute.settings import load_settings
from omniroute.store import requests
from omniroute.ulid import new_ulid

P = ParamSpec("P")
T = TypeVar("T")

TOKEN = "the-local-token-of-this-test-gateway"


class MovedClock(SystemClock):
    """The machine's clock, some time ahead."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_ms / 1000


@dataclass
class Control:
    """Notes what was asked of the process."""

    asked: list[str] = field(default_factory=list)
    url: str = ""

    def restart(self) -> None:
        self.asked.append("restart")

    def shutdown(self) -> None:
        self.asked.append("shutdown")

    def rotate_token(self) -> None:
        self.asked.append("rotate_token")

    def server_file(self) -> ServerFile:
        return ServerFile(url=self.url, pid=1, version="0", started_at_ms=0)


@dataclass
class Place:
    """The gateway, and ways to call it."""

    gateway: Gateway
    url: str
    client: Client
    """With the local token."""
    control: Control
    clock: MovedClock

    async def call(self, fn: Callable[Concatenate[Client, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function of `omniroute.client` returns, called as a command would."""
        return await asyncio.to_thread(partial(fn, self.client, *args, **kwargs))

    async def raw(
        self, method: str, path: str, *, key: str | None = TOKEN, body: Any = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, decoded body and headers."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, headers=headers, json=body) as answer,
        ):
            return answer.status, await answer.json(), dict(answer.headers)

    async def log(self, *rows: RequestRow) -> None:
        """Requests that have ended."""
        await self.gateway.database.write(lambda c: requests.append(c, rows))


@asynccontextmanager
async def open_place(directory: Path) -> AsyncIterator[Place]:
    """A gateway over an empty data directory, listening."""
    paths = Paths(directory / "data", directory / "data" / "config.toml")
    clock = MovedClock()
    gateway = await build_gateway(paths, load_settings(paths.config_file), clock)
    control = Control()
    app = App(gateway, control, TOKEN)
    listener = Listener(app.dispatch, app.make_request)
    sockets = bind("127.0.0.1", 0)
    control.url = url = url_of(sockets)
    await listener.open(sockets)
    try:
        async with asyncio.TaskGroup() as group:
            renewing = group.create_task(gateway.tokens.run(), name="access tokens")
            yield Place(gateway, url, Client(url, TOKEN, timeout_s=30), control, clock)
            renewing.cancel()
    finally:
        await listener.stop_accepting()
        await listener.close()
        await close_gateway(gateway)


def request_row(at_ms: int, **members: Any) -> RequestRow:
    """A chat that went well, but for `members`."""
    known: dict[str, Any] = {
        "id": new_ulid(at_ms),
        "request_id": "r-1",
        "started_at_ms": at_ms,
        "method": "POST",
        "path": "/v1/chat/completions",
        "operation": "chat",
        "client_format": "openai-chat",
        "upstream_format": "openai-chat",
        "requested_model": "fast",
        "provider": "groq",
        "model": "m-1",
        "account_id": "a-1",
        "account_name": "work",
        "api_key_id": None,
        "api_key_name": None,
        "session_id": None,
        "outcome": Outcome.OK,
        "status": 200,
        "error": None,
        "stream": False,
        "attempts": (),
        "usage": Usage(input=100, cache_read=20, output=10),
        "cost_nano_usd": 2_000_000,
        "price_source": "test",
        "ttft_ms": 5,
        "duration_ms": 9,
    }
    return RequestRow(**{**known, **members})


def names(things: Sequence[Any]) -> list[str]:
    """The `name` of each."""
    return [thing.name for thing in things]
