"""Requests as the cache sees them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from multidict import CIMultiDict

from omniroute.conversation.edits import SystemPrompt
from omniroute.formats.envelope import Envelope
from omniroute.gateway.cache.rules import Asked
from omniroute.gateway.call import CHAT, Call, Operation
from omniroute.records import ApiKey, Category, Preferences, Provider, Snapshot
from omniroute.records.preferences import CacheSettings
from omniroute.routing.route import Member, Route

SNAPSHOT = Snapshot(version=1, providers={}, names={}, accounts={}, keys={}, aliases={}, owners={})


def snapshot(prompt: str = "", **cache: Any) -> Snapshot:
    preferences = Preferences(
        cache=CacheSettings(**cache), system_prompt=SystemPrompt(enabled=bool(prompt), prompt=prompt)
    )
    return replace(SNAPSHOT, preferences=preferences)


def key(name: str, **members: Any) -> ApiKey:
    return ApiKey(id=name, name=name, digest=name.encode(), masked="sk-****", **members)


def route(*targets: str) -> Route:
    provider, _, model = (targets or ("up/m",))[0].partition("/")
    facts = Provider(id=provider, name=provider, category=Category.API_KEY)
    return Route(requested="m", root=Member(provider=facts, model=model))


def body_of(question: str = "Say hello", **members: Any) -> dict[str, Any]:
    """A chat with temperature 0."""
    body = {"model": "up/m", "messages": [{"role": "user", "content": question}], "temperature": 0}
    return body | members


def asked(
    body: Mapping[str, Any] | bytes | None = None,
    *,
    operation: Operation = CHAT,
    api_key: ApiKey | None = None,
    headers: Mapping[str, str] | None = None,
    stream: bool = False,
    seen: Snapshot = SNAPSHOT,
    to: str = "up/m",
) -> Asked:
    content = body if isinstance(body, bytes) else json.dumps(body_of() if body is None else body).encode()
    call = Call(
        operation=operation,
        method="POST",
        path="/",
        headers=CIMultiDict(headers or {}),
        body=content,
        request_id="r",
        key=api_key,
    )
    return Asked(seen, call, Envelope(content), stream, route(to), "up/m")
