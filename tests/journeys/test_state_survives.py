"""What the gateway has learned outlives `kill -9`: who is left alone, what was spent, what was counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from tests.journeys.ledger import JSONObject
from tests.journeys.living import Living, living_on
from tests.scripted_upstream import error, slow_first_byte
from tests.server.installation import PATIENCE_S, Installation, eventually

PRICED = "groq/llama-3.3-70b-versatile"
NODES = ("quota", "locked", "refused", "broken", "one", "two")
WRONG_KEY = "sk-omr-wrong-0123456789abcdefghijkl"
PASSING = frozenset({"remainingMs", "retryAfterMs", "running", "queued", "limit", "lastUsedAt"})
"""Members that change by the clock, or that only the next answer tells."""


def configuration(living: Living) -> JSONObject:
    """A provider with prices, servers that fail in their own ways, a combo that takes turns, and budgets."""
    impatient = {"transientCooldown": 1, "circuitBreakerThreshold": 2, "circuitBreakerReset": 900_000}
    account = {"allowPrivate": True}
    return {
        "nodes": {name: {"baseUrl": f"{living.upstream.url}/v1"} for name in NODES},
        "accounts": {**{f"{name}/{name}": account for name in NODES}, "groq/work": living.priced()},
        "keys": {"laptop": {}},
        "settings": {"providerProfiles": {"apikey": impatient}},
        "combos": {"turns": {"strategy": "round-robin", "models": ["one/o", "two/t"]}},
        "budgets": {
            "*": {"dailyUsd": 10},
            "key:laptop": {"monthlyUsd": 0.001},
            "account:groq/work": {"weeklyUsd": 10},
        },
    }


async def state(living: Living) -> JSONObject:
    """What the management API says of all that is to outlive the process."""
    cache = await living.command("cache", "stats")
    return {
        "accounts": _lasting((await living.command("accounts", "list"))["accounts"]),
        "breakers": _lasting((await living.command("resilience", "show"))["circuitBreakers"]),
        "budgets": (await living.command("budgets", "list"))["budgets"],
        "combo": await living.command("combos", "show", "turns"),
        "kept answers": cache["layers"]["disk"],
        "cache by day": cache["daily"],
        "usage": (await living.command("usage"))["groups"],
    }


async def ask_until(living: Living, model: str, times: int) -> None:
    """Ask a model until its upstream was asked so often."""
    async with asyncio.timeout(PATIENCE_S):
        while living.asked().count(model.partition("/")[2]) < times:
            await living.ask(model)


def _lasting(value: Any) -> Any:  # JSON of any shape
    if isinstance(value, dict):
        return {name: _lasting(one) for name, one in value.items() if name not in PASSING}
    return [_lasting(one) for one in value] if isinstance(value, list) else value


@pytest.fixture
async def living(installation: Installation) -> AsyncIterator[Living]:
    """A gateway with everything configured, its upstreams scripted."""
    async with living_on(installation) as made:
        made.upstream.by_model |= {
            "q": error(402, kind="insufficient_quota", headers={"Retry-After": "900"}),
            "l": error(429, headers={"Retry-After": "600"}),
            "r": error(401, headers={"Retry-After": "1"}),
            "b": error(503),
        }
        await made.apply(configuration(made))
        yield made


async def live_through_much(living: Living) -> None:
    """Every kind of thing that is to be remembered has happened."""
    await living.ask("quota/q")
    await living.ask("locked/l")
    await ask_until(living, "broken/b", 2)
    await ask_until(living, "refused/r", 3)
    for _ in range(3):
        assert (await living.ask("turns")).status == 200
    assert (await living.ask(PRICED, temperature=0, key="laptop")).cache == "MISS"
    for _ in range(6):
        locked_out = await living.ask(PRICED, key=WRONG_KEY)
    assert "too many wrong keys" in locked_out.message


async def test_after_a_kill_everything_learned_is_as_it_was(living: Living) -> None:
    await live_through_much(living)
    before = await state(living)
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

    assert await state(living) == before
    turn = await living.ask("turns")
    assert (turn.status, turn.model) == (200, "two/t")
    hit = await living.ask(PRICED, temperature=0, key="laptop")
    assert (hit.status, hit.cache) == (200, "HIT")
    for model in ("quota/q", "locked/l", "refused/r"):
        assert (await living.ask(model)).status >= 400
    assert "too many wrong keys" in (await living.ask(PRICED, key=WRONG_KEY)).message
    assert living.asked() == [*asked, "t"]


async def test_what_a_request_had_reserved_when_the_gateway_was_killed_is_free_again(living: Living) -> None:
    async def held() -> None:
        with suppress(aiohttp.ClientError):
            await living.ask(PRICED, key="laptop", max_tokens=1000)

    model = PRICED.partition("/")[2]
    living.upstream.by_model[model] = slow_first_byte()
    async with asyncio.TaskGroup() as group:
        group.create_task(held())
        await living.upstream.until(lambda _: living.asked() == [model])
        refused = await living.ask(PRICED, key="laptop", max_tokens=1000)
        assert "reserved by requests under way" in refused.message

        await living.kill()
    del living.upstream.by_model[model]
    await living.start()

    assert (await living.ask(PRICED, key="laptop", max_tokens=1000)).status == 200
