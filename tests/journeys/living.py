"""A gateway in a process of its own that is configured, asked, killed and started again."""

import asyncio
import json
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp

from omniroute.server.lock import is_alive
from tests.journeys.ledger import JSONObject
from tests.scripted_upstream import ScriptedUpstream
from tests.server.installation import Installation, eventually

PRICED_KEY = "sk-groq-0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Got:
    """What became of a request."""

    status: int
    message: str
    """Of an error."""
    cache: str | None
    model: str | None
    """Who answered."""


@dataclass(slots=True)
class Living:
    """One data directory, the gateway that runs on it, and its only upstream."""

    installation: Installation
    upstream: ScriptedUpstream
    session: aiohttp.ClientSession
    keys: dict[str, str] = field(default_factory=dict)
    """Of clients, by name."""

    async def command(self, *words: str, **variables: str) -> JSONObject:
        """The document that a command prints."""
        done = await asyncio.to_thread(partial(self.installation.run, *words, "--json", **variables))
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        document: JSONObject = json.loads(done.stdout)
        return document

    async def apply(self, configuration: JSONObject) -> None:
        """Make this the configuration; the priced provider's key is in its variable."""
        file = self.installation.directory / "all.json"
        file.write_text(json.dumps(configuration))
        done = await self.command("apply", str(file), "--yes", PRICED_KEY=PRICED_KEY)
        self.keys |= {one["name"]: one["key"] for one in done["keys"]}

    def priced(self) -> JSONObject:
        """An account of Groq's, whose models have prices, that asks the upstream instead."""
        url = f"{self.upstream.url}/openai/v1"
        return {"allowPrivate": True, "baseUrl": url, "apiKey": "env:PRICED_KEY"}

    def post(
        self, model: str, *, key: str | None = None, text: str = "hi", **members: Any
    ) -> "aiohttp.client._RequestContextManager":
        """One request whose answer is still to be read."""
        asked = {"model": model, "messages": [{"role": "user", "content": text}], **members}
        headers = {} if key is None else {"Authorization": f"Bearer {self.keys.get(key, key)}"}
        url = f"{self.installation.server().url}/v1/chat/completions"
        return self.session.post(url, json=asked, headers=headers)

    async def ask(self, model: str, **members: Any) -> Got:
        """One request to its end; `key` is the name of a client's key, or a key."""
        async with self.post(model, **members) as response:
            body = await response.read()
            message = "" if response.ok else json.loads(body)["error"]["message"]
            told = [response.headers.get(f"X-OmniRoute-{name}") for name in ("Cache", "Model")]
            return Got(response.status, message, *told)

    def asked(self) -> list[str]:
        """The models that the upstream was asked for an answer of."""
        return [one.json["model"] for one in self.upstream.requests if "model" in one.json]

    def kept(self, table: str) -> int:
        """Rows on disk."""
        with closing(sqlite3.connect(self.installation.paths.database)) as connection:
            count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            return count

    async def kill(self) -> None:
        """No last word, no last row."""
        server = self.installation.server()
        os.kill(server.pid, signal.SIGKILL)
        await asyncio.to_thread(eventually, lambda: not is_alive(server))

    async def start(self) -> None:
        """A gateway on the same directory."""
        await asyncio.to_thread(self.installation.serve)


@asynccontextmanager
async def living_on(installation: Installation) -> AsyncIterator[Living]:
    """A gateway that runs, with nothing configured."""
    connector = aiohttp.TCPConnector(limit=0)
    async with ScriptedUpstream() as upstream, aiohttp.ClientSession(connector=connector) as session:
        made = Living(installation, upstream, session)
        await made.start()
        yield made
