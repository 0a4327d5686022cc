"""What the gateway has learned outlives `kill -9`: who is left alone, what was spent, what was counted."""

import asyncio
import json
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
import pytest

from omniroute.server.lock import is_alive
from tests.journeys.ledger import JSONObject
from tests.scripted_upstream import ScriptedUpstream, error, slow_first_byte
from tests.server.installation import PATIENCE_S, Installation, eventually

PRICED = "groq/llama-3.3-70b-versatile"
NODES = ("quota", "locked", "refused", "broken", "one", "two")
WRONG_KEY = "sk-omr-wrong-0123456789abcdefghijkl"
PASSING = frozenset({"remainingMs", "retryAfterMs", "running", "queued", "limit", "lastUsedAt"})
"""Members that change by the clock, or that only the next answer tells."""


def configuration(url: str) -> JSONObject:
    """A provider with prices, servers that fail in their own ways, a combo that takes turns, and budgets."""
    impatient = {"transientCooldown": 1, "circuitBreakerThreshold": 2, "circuitBreakerReset": 900_000}
    account = {"allowPrivate": True}
    priced = {"allowPrivate": True, "baseUrl": f"{url}/openai/v1", "apiKey": "env:PRICED_KEY"}
    return {
        "nodes": {name: {"baseUrl": f"{url}/v1"} for name in NODES},
        "accounts": {**{f"{name}/{name}": account for name in NODES}, "groq/work": priced},
        "keys": {"laptop": {}},
        "settings": {"providerProfiles": {"apikey": impatient}},
        "combos": {"turns": {"strategy": "round-robin", "models": ["one/o", "two/t"]}},
        "budgets": {
            "*": {"dailyUsd": 10},
            "key:laptop": {"monthlyUsd": 0.001},
            "account:groq/work": {"weeklyUsd": 10},
        },
    }


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
    """A gateway in a process of its own, and who asks it."""

    installation: Installation
    upstream: ScriptedUpstream
    session: aiohttp.ClientSession
    key: str = ""

    async def command(self, *words: str, **variables: str) -> JSONObject:
        """The document that a command prints."""
        done = await asyncio.to_thread(partial(self.installation.run, *words, "--json", **variables))
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        document: JSONObject = json.loads(done.stdout)
        return document

    async def ask(self, model: str, *, key: str | None = None, **members: Any) -> Got:
        """One request to its end."""
        asked = {"model": model, "messages": [{"role": "user", "content": "hi"}], **members}
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        url = f"{self.installation.server().url}/v1/chat/completions"
        async with self.session.post(url, json=asked, headers=headers) as response:
            body = await response.json()
            message = "" if response.ok else body["error"]["message"]
            told = [response.headers.get(f"X-OmniRoute-{name}") for name in ("Cache", "Model")]
            return Got(response.status, message, *told)

    async def ask_until(self, model: str, times: int) -> None:
        """Ask a model until its upstream was asked so often."""
        async with asyncio.timeout(PATIENCE_S):
            while self.asked().count(model.partition("/")[2]) < times:
                await self.ask(model)

    def asked(self) -> list[str]:
        """The models that the upstream was asked for an answer of."""
        return [one.json["model"] for one in self.upstream.requests if "model" in one.json]

    async def state(self) -> JSONObject:
        """What the management API says of all that is to outlive the process."""
        cache = await self.command("cache", "stats")
        return {
            "accounts": _lasting((await self.command("accounts", "list"))["accounts"]),
            "breakers": _lasting((await self.command("resilience", "show"))["circuitBreakers"]),
            "budgets": (await self.command("budgets", "list"))["budgets"],
            "combo": await self.command("combos", "show", "turns"),
            "kept answers": cache["layers"]["disk"],
            "cache by day": cache["daily"],
            "usage": (await self.command("usage"))["groups"],
        }

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


def _lasting(value: Any) -> Any:  # JSON of any shape
    if isinstance(value, dict):
        return {name: _lasting(one) for name, one in value.items() if name not in PASSING}
    return [_lasting(one) for one in value] if isinstance(value, list) else value


@pytest.fixture
async def living(installation: Installation) -> AsyncIterator[Living]:
    """A gateway with everything configured, its upstreams scripted."""
    async with ScriptedUpstream() as upstream, aiohttp.ClientSession() as session:
        upstream.by_model |= {
            "q": error(402, kind="insufficient_quota", headers={"Retry-After": "900"}),
            "l": error(429, headers={"Retry-After": "600"}),
            "r": error(401, headers={"Retry-After": "1"}),
            "b": error(503),
        }
        made = Living(installation, upstream, session)
        await made.start()
        file = installation.directory / "all.json"
        file.write_text(json.dumps(configuration(upstream.url)))
        done = await made.command("apply", str(file), "--yes", PRICED_KEY="sk-groq-0123456789abcdef")
        made.key = done["keys"][0]["key"]
        yield made


async def live_through_much(living: Living) -> None:
    """Every kind of thing that is to be remembered has happened."""
    await living.ask("quota/q")
    await living.ask("locked/l")
    await living.ask_until("broken/b", 2)
    await living.ask_until("refused/r", 3)
    for _ in range(3):
        assert (await living.ask("turns")).status == 200
    assert (await living.ask(PRICED, temperature=0, key=living.key)).cache == "MISS"
    for _ in range(6):
        locked_out = await living.ask(PRICED, key=WRONG_KEY)
    assert "too many wrong keys" in locked_out.message


async def test_after_a_kill_everything_learned_is_as_it_was(living: Living) -> None:
    await live_through_much(living)
    before = await living.state()
    states = {one["name"]: one["state"] for one in before["accounts"]}
    assert states == {
        "quota": "cooling",
        "refused": "cooling",
        "locked": "locked",
        "broken": "broken",
        **dict.fromkeys(("one", "two", "work"), "ready"),
    }
    [refused] = [one for one in before["accounts"] if one["name"] == "refused"]
    assert refused["until"] is None
    assert {one["keyName"]: one["monthlyUsed"] > 0 for one in before["budgets"]} == {
        "all requests": True,
        "laptop": True,
        "groq/work": True,
    }
    assert before["combo"]["metrics"]["totalRequests"] == 3
    await asyncio.to_thread(eventually, lambda: living.kept("health_states") >= 4)
    asked = living.asked()

    await living.kill()
    await living.start()

    assert await living.state() == before
    turn = await living.ask("turns")
    assert (turn.status, turn.model) == (200, "two/t")
    hit = await living.ask(PRICED, temperature=0, key=living.key)
    assert (hit.status, hit.cache) == (200, "HIT")
    for model in ("quota/q", "locked/l", "refused/r"):
        assert (await living.ask(model)).status >= 400
    assert "too many wrong keys" in (await living.ask(PRICED, key=WRONG_KEY)).message
    assert living.asked() == [*asked, "t"]


async def test_what_a_request_had_reserved_when_the_gateway_was_killed_is_free_again(living: Living) -> None:
    async def held() -> None:
        with suppress(aiohttp.ClientError):
            await living.ask(PRICED, key=living.key, max_tokens=1000)

    model = PRICED.partition("/")[2]
    living.upstream.by_model[model] = slow_first_byte()
    async with asyncio.TaskGroup() as group:
        group.create_task(held())
        await living.upstream.until(lambda _: living.asked() == [model])
        refused = await living.ask(PRICED, key=living.key, max_tokens=1000)
        assert "reserved by requests under way" in refused.message

        await living.kill()
    del living.upstream.by_model[model]
    await living.start()

    assert (await living.ask(PRICED, key=living.key, max_tokens=1000)).status == 200
