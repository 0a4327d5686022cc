"""A whole gateway in the test's own process: real store, real sockets, real background loops."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import Connection

from omniroute.api.system import ServerFile
from omniroute.clock import Clock, SystemClock
from omniroute.gateway.gateway import Gateway
from omniroute.paths import Paths
from omniroute.records import Account, ApiKey, ModelFacts, Node, NodeType, RequestRow, Strategy
from omniroute.server.app import App
from omniroute.server.build import build_gateway, close_gateway
from omniroute.server.listener import Listener
from omniroute.server.loops import keep_running
from omniroute.server.sockets import bind, url_of
from omniroute.settings import Settings
from omniroute.store import accounts, combos, keys, models, nodes
from omniroute.store import settings as stored_settings
from omniroute.store.key_value import JSON
from omniroute.store.requests import Filters, listing

TOKEN = "a-local-token-of-a-test-that-is-long-enough"
MASTER_KEY = "0" * 64

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
RESPONSES = "/v1/responses"
EMBEDDINGS = "/v1/embeddings"
CONVERSATIONS = (CHAT, MESSAGES, RESPONSES)

NODE_TYPES = {
    CHAT: NodeType.OPENAI,
    EMBEDDINGS: NodeType.OPENAI,
    MESSAGES: NodeType.ANTHROPIC,
    RESPONSES: NodeType.RESPONSES,
}
"""The kind of server that answers a path."""

QUICK: JSON = {"apikey": {"transientCooldown": 20}}
"""Provider profiles under which a failure holds an account up for so short that no test waits for it."""


def asking(path: str, model: str = "up/m-1", *, stream: bool = False, **members: Any) -> dict[str, Any]:
    """A body as a client of this path sends it."""
    body: dict[str, Any] = {"model": model}
    if path in (EMBEDDINGS, RESPONSES):
        body["input"] = "Say hello"
    else:
        body["messages"] = [{"role": "user", "content": "Say hello"}]
    if path == MESSAGES:
        body["max_tokens"] = 100
    if stream:
        body["stream"] = True
    return body | members


@dataclass(frozen=True, slots=True)
class Got:
    """An answer as the client saw it."""

    status: int
    headers: Mapping[str, str]
    """Looked up without regard to case."""
    body: bytes

    @property
    def json(self) -> Any:  # JSON of any shape
        """The body decoded."""
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """What stands under `error`, where every dialect has it."""
        error: dict[str, Any] = self.json["error"]
        return error


@dataclass(slots=True)
class NoControl:
    """Nothing of the process can be changed; what was asked is kept."""

    asked: list[str] = field(default_factory=list)

    def restart(self) -> None:
        self.asked.append("restart")

    def shutdown(self) -> None:
        self.asked.append("shutdown")

    def rotate_token(self) -> None:
        self.asked.append("rotate token")

    def server_file(self) -> ServerFile:
        return ServerFile(url="", pid=0, version="0", started_at_ms=0)


@dataclass(slots=True)
class RunningGateway:
    """What a test does with one gateway."""

    gateway: Gateway
    app: App
    url: str
    http: aiohttp.ClientSession
    control: NoControl

    async def add_node(
        self, url: str, prefix: str = "up", *, type: NodeType = NodeType.OPENAI, **members: Any
    ) -> Account:
        """A compatible server at `url` with one account; its models are called `{prefix}/…`."""
        node = Node(
            id=f"node-{prefix}",
            type=type,
            name=f"Node {prefix}",
            prefix=prefix,
            base_url=url if type is NodeType.ANTHROPIC else f"{url}/v1",
            created_at_ms=1,
            updated_at_ms=1,
        )
        await self.gateway.database.write(lambda c: nodes.create(c, node))
        return await self.add_account(node.id, "first", **members)

    async def add_account(self, provider_id: str, name: str, **members: Any) -> Account:
        """One more account, asked after those there are."""
        account = Account(
            id=f"{provider_id}-{name}",
            provider_id=provider_id,
            name=name,
            priority=0,
            secret=f"sk-of-{name}-0123456789",
            allow_private=True,
        )
        account = replace(account, **members)
        vault = self.gateway.vault
        stored = await self.gateway.database.write(lambda c: accounts.create(c, vault, account))
        await self.gateway.reload()
        return stored

    async def add_combo(
        self, name: str, *models: str, strategy: Strategy = Strategy.PRIORITY, **config: JSON
    ) -> None:
        """A combo of these models; `config` as the API has it, in camelCase."""
        row = combos.ComboRow(id=f"combo-{name}", name=name, strategy=strategy, models=models, config=config)
        await self.gateway.database.write(lambda c: combos.create(c, row))
        await self.gateway.reload()

    async def set(self, name: str, value: JSON) -> None:
        """Change one of the settings that act on a running gateway."""
        await self.gateway.database.write(lambda c: stored_settings.put(c, name, value))
        await self.gateway.reload()

    async def add_model(self, provider_id: str, facts: ModelFacts) -> None:
        """A model of the user's own."""
        await self.gateway.database.write(lambda c: models.put(c, provider_id, facts))
        await self.gateway.reload()

    async def add_key(self, name: str = "laptop", **members: Any) -> str:
        """One of our own keys, as a client presents it."""
        secret = keys.mint_key()
        key = ApiKey(id=f"key-{name}", name=name, digest=keys.digest(secret), masked=keys.masked(secret))
        key = replace(key, **members)
        await self.gateway.database.write(lambda c: keys.create(c, key))
        await self.gateway.reload()
        return secret

    async def rows(self) -> list[RequestRow]:
        """The row of every request that has ended, oldest first."""
        await self.gateway.usage_log.flush()
        rows, total = await self.gateway.database.read(lambda c: listing(c, Filters(), limit=10_000))
        assert len(rows) == total
        return rows[::-1]

    async def row(self) -> RequestRow:
        """The row of the only request there was."""
        [row] = await self.rows()
        return row

    async def ask(
        self, path: str, body: Mapping[str, Any] | bytes, headers: Mapping[str, str] | None = None
    ) -> Got:
        """One POST, its answer read to the end."""
        return await self.send("POST", path, body, headers)

    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Got:
        """One request, its answer read to the end."""
        async with self.open(method, path, body, headers) as answer:
            return Got(answer.status, answer.headers, await answer.read())

    async def send_raw(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, bytes]
    ) -> tuple[int, bytes]:
        """One POST with headers of any bytes: status, and all that came."""
        content = json.dumps(body).encode()
        host, _, port = self.url.removeprefix("http://").partition(":")
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        more = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in headers.items())
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head.encode() + more + f"Content-Length: {len(content)}\r\n\r\n".encode() + content)
        got = await reader.read()
        writer.close()
        await writer.wait_closed()
        return int(got.split(b" ", 2)[1]), got

    def open(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """One request whose answer is still to be read; leaving early hangs up."""
        content = json.dumps(body).encode() if isinstance(body, Mapping) else body
        sent = {"Content-Type": "application/json", **(headers or {})}
        file = None if content is None else BytesIO(content)
        return self.http.request(method, self.url + path, data=file, headers=sent)


@asynccontextmanager
async def running_gateway(
    directory: Path, *, clock: Clock | None = None, writes_behind: bool = True, **settings: Any
) -> AsyncIterator[RunningGateway]:
    """A gateway that answers on loopback, and a client that keeps its bytes as they came."""
    data_dir = directory / "data"
    paths = Paths(data_dir, data_dir / "config.toml")
    gateway = await build_gateway(paths, Settings(**settings), clock or SystemClock())
    await _hurry(gateway)
    control = NoControl()
    app = App(gateway, control, TOKEN)
    listener = Listener(app.dispatch, app.make_request)
    sockets = bind("127.0.0.1", 0)
    loops = [
        ("live state", gateway.live.run),
        ("keep-alive", gateway.keepalive.run),
        ("access tokens", gateway.tokens.run),
    ]
    if writes_behind:
        loops.append(("usage writer", gateway.usage_log.run))
    try:
        await listener.open(sockets)
        async with asyncio.TaskGroup() as group, _client() as http:
            tasks = [group.create_task(keep_running(name, loop), name=name) for name, loop in loops]
            yield RunningGateway(gateway, app, url_of(sockets), http, control)
            await http.close()
            await listener.stop_accepting()
            listener.end_at_once()
            await listener.close()
            await gateway.usage_log.flush()
            for task in tasks:
                task.cancel()
    finally:
        await listener.stop_accepting()
        await listener.close()
        await close_gateway(gateway)


async def _hurry(gateway: Gateway) -> None:
    """Provider profiles for tests, unless a test has stored its own."""

    def put_once(connection: Connection) -> None:
        if stored_settings.get(connection, "providerProfiles") is None:
            stored_settings.put(connection, "providerProfiles", QUICK)

    await gateway.database.write(put_once)
    await gateway.reload()


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
        timeout=aiohttp.ClientTimeout(total=30),
    )
