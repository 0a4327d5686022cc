"""The same gateway for every setting: two providers, three accounts, an upstream, and a client who looks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from omniroute.clock import SystemClock
from omniroute.records import ModelFacts
from omniroute.records.logins import Login
from omniroute.store.key_value import JSON
from tests.running_gateway import CHAT, TOKEN, Got, RunningGateway, asking, running_gateway
from tests.scripted_upstream import ScriptedUpstream

FAR = "203.0.113.9"
"""An address that is not this machine's; our proxy, the test, names it."""
LATER_MS = 30 * 86_400_000


class MovedClock(SystemClock):
    """The machine's clock, some time ahead."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_ms / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a case has to look with."""

    running: RunningGateway
    upstream: ScriptedUpstream
    clock: MovedClock

    async def ask(self, model: str = "one/m-1", **members: Any) -> Got:
        """One chat."""
        return await self.running.ask(CHAT, asking(CHAT, model, **members))

    async def say(self, text: str, model: str = "one/m-1", **members: Any) -> Got:
        """One chat with these words."""
        return await self.ask(model, messages=[{"role": "user", "content": text}], **members)

    async def manage(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # JSON
        """What the management API answers."""
        got = await self.running.send(method, path, body, {"X-OmniRoute-Token": TOKEN})
        assert got.status < 300, got.body
        return got.json

    async def set(self, values: Mapping[str, JSON]) -> None:
        """Change settings, each under the name `omniroute settings set` takes."""
        for name, value in values.items():
            members = name.split(".")
            patch: JSON = value
            for member in reversed(members):
                patch = {member: patch}
            assert isinstance(patch, dict)
            await self.manage("PATCH", "/api/settings", patch)

    def accounts(self) -> list[str]:
        """Whose key came with each request so far."""
        return [one.headers["Authorization"].split("-")[2] for one in self.upstream.requests]

    async def decision(self) -> Any:  # JSON of any shape
        """Why the newest request went where it went."""
        return msgspec.json.decode((await self.running.rows())[-1].decision or b"{}")

    async def held(self, provider: str = "two") -> Mapping[str, Any]:
        """What holds the first account of a provider up, for one of its models or all of it."""
        shown = (await self.manage("GET", "/api/accounts"))["accounts"]
        account = next(one for one in shown if one["provider"] == provider)
        locks: dict[str, Any] = account["locks"]
        found: dict[str, Any] = next(iter(locks.values()), account["cooldown"] or {})
        return found

    async def breaker(self, provider: str = "two") -> Mapping[str, Any]:
        """The breaker of a provider."""
        shown = (await self.manage("GET", "/api/accounts"))["accounts"]
        found: Mapping[str, Any] = next(one for one in shown if one["provider"] == provider)["breaker"]
        return found

    async def second_waits(self, model: str) -> bool:
        """Whether a request stands in line while the one before it is still answered."""
        calls = len(self.upstream.requests)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(self.ask(model))
            await self.upstream.until(lambda up: len(up.requests) == calls + 1)
            second = group.create_task(self.ask(model))
            waits = await self._stands_in_line(second, calls + 2)
            self.upstream.release()
            if waits:
                second.cancel()
        assert first.result().status == 200
        return waits

    async def second_is_sent(self, model: str, *, within_s: float) -> bool:
        """Whether a request is sent on while the one before it is still answered."""
        calls = len(self.upstream.requests)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.ask(model))
            await self.upstream.until(lambda up: len(up.requests) == calls + 1)
            second = group.create_task(self.ask(model))
            await asyncio.wait({second}, timeout=within_s)
            is_sent = len(self.upstream.requests) == calls + 2
            self.upstream.release()
        return is_sent

    async def status_of_the_second(self, model: str, *, patience_s: float) -> int:
        """What a request is answered when the one before it takes that long."""
        calls = len(self.upstream.requests)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.ask(model))
            await self.upstream.until(lambda up: len(up.requests) == calls + 1)
            second = group.create_task(self.ask(model))
            await asyncio.wait({second}, timeout=patience_s)
            self.upstream.release()
        return second.result().status

    async def is_sent_at_once(self, model: str) -> bool:
        """Whether a request is sent on without standing in line, or being refused, before."""
        calls = len(self.upstream.requests)
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(self.ask(model))
            waits = await self._stands_in_line(asked, calls + 1)
            if waits:
                asked.cancel()
        return len(self.upstream.requests) > calls

    async def _stands_in_line(self, asked: asyncio.Task[Got], calls: int) -> bool:
        async with asyncio.timeout(10):
            while not asked.done() and len(self.upstream.requests) < calls:
                shown = (await self.manage("GET", "/api/accounts"))["accounts"]
                if any(one["queued"] for one in shown):
                    return True
        return False


Look = Callable[[Stage], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One setting and what shows that it acts."""

    name: str
    value: JSON
    look: Look
    before: object
    """What is seen without it."""
    after: object
    also: Mapping[str, JSON] = field(default_factory=dict)
    """Settings without which it would mean nothing."""
    process: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the process."""


async def arrange(stage: Stage) -> None:
    """Providers `one`, with two accounts, `two`, and `oauth`, whose account was signed in."""
    running, url = stage.running, stage.upstream.url
    await running.add_node(url, "one")
    await running.add_account("node-one", "second")
    await running.add_node(url, "two")
    login = Login(
        token_url=f"{url}/token", expires_at_ms=stage.clock.now_ms() + LATER_MS + stage.clock.ahead_ms
    )
    await running.add_node(url, "oauth", login=login)
    facts = ModelFacts(id="qwen3:8b", reasoning=True, custom=True)
    await running.add_model("node-one", facts)
    for model in ("m-1", "bad"):
        for prefix in ("one", "two"):
            await running.add_model(f"node-{prefix}", ModelFacts(id=model))


async def seen(directory: Path, case: Case, *, change: bool, restart: bool) -> object:
    """What a case sees in a fresh directory."""
    clock = MovedClock()
    async with ScriptedUpstream() as upstream:
        process = {"trusted_proxies": ("127.0.0.1",), **case.process}
        async with running_gateway(directory, clock=clock, **process) as running:
            stage = Stage(running=running, upstream=upstream, clock=clock)
            await arrange(stage)
            await stage.set(case.also)
            if change:
                await stage.set({case.name: case.value})
            if not restart:
                return await case.look(stage)
        async with running_gateway(directory, clock=clock, **process) as again:
            return await case.look(Stage(running=again, upstream=upstream, clock=clock))
