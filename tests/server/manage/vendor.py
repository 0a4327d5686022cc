"""A provider on loopback: it knows one key, lists models and answers conversations as a test says."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from omniroute.api.providers import NewConnection

KEY = "sk-vendor-0123456789abcdef"
MODELS = ("gpt-fast", "gpt-large", "text-embedding-9")


@dataclass
class Vendor:
    """What it answers may be changed at any time."""

    url: str = ""
    """Without a slash at the end: `http://127.0.0.1:PORT/v1`."""
    key: str | None = KEY
    """Without this key everything is refused; `None`: nothing is."""
    list_is_public: bool = False
    models: tuple[str, ...] = MODELS
    list_answer: tuple[int, str] | None = None
    """Instead of the list: status and body."""
    call_answer: tuple[int, str] | None = None
    """Instead of an answer to a conversation."""
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    """Method, path with query, headers, and the decoded body."""

    @property
    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [f"{method} {path}" for method, path, _, _ in self.asked]

    async def serve(self, request: web.Request) -> web.Response:
        """Any request."""
        text = await request.text()
        body = json.loads(text) if text else None
        self.asked.append((request.method, request.path_qs, dict(request.headers), body))
        is_list = request.path.endswith("/models")
        given = self.list_answer if is_list else self.call_answer
        if not self._knows(request) and not (is_list and self.list_is_public):
            message = f"Incorrect API key provided: {request.headers.get('Authorization', '')[7:]}"
            return web.json_response({"error": {"message": message}}, status=401)
        if given is not None:
            return web.Response(status=given[0], text=given[1])
        if is_list:
            return web.json_response({"object": "list", "data": [{"id": model} for model in self.models]})
        return web.json_response({"id": "c1", "choices": [{"message": {"content": "H"}}]})

    def _knows(self, request: web.Request) -> bool:
        return self.key is None or request.headers.get("Authorization") == f"Bearer {self.key}"


@asynccontextmanager
async def listening() -> AsyncIterator[Vendor]:
    """A vendor that listens until the end of the block."""
    vendor = Vendor()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", vendor.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    vendor.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield vendor
    finally:
        await runner.cleanup()


def at(vendor: Vendor, name: str = "work", **members: Any) -> NewConnection:
    """A connection to that vendor, as OpenAI behind a company's proxy."""
    known: dict[str, Any] = {
        "provider": "openai",
        "name": name,
        "api_key": KEY,
        "base_url": vendor.url,
        "allow_private": True,
    }
    return NewConnection(**{**known, **members})
