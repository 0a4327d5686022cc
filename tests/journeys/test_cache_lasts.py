"""The response cache of a real gateway: one call for many, apart for each key, there after a kill."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.journeys.living import Living, living_on
from tests.scripted_upstream import answer, slow_first_byte
from tests.server.installation import Installation, eventually

CLIENTS = 64
MODEL = "groq/openai/gpt-oss-120b"


@pytest.fixture
async def living(installation: Installation) -> AsyncIterator[Living]:
    """Two keys for one account."""
    async with living_on(installation) as made:
        await made.apply({"accounts": {"groq/work": made.priced()}, "keys": {"laptop": {}, "phone": {}}})
        yield made


async def ask(living: Living, key: str) -> tuple[str | None, str]:
    """Whether the cache answered, and what was said."""
    async with living.post(MODEL, key=key, temperature=0) as response:
        body = json.loads(await response.read())
        assert response.status == 200, body
        return response.headers["X-OmniRoute-Cache"], body["choices"][0]["message"]["content"]


async def test_many_share_one_call_but_not_with_another_key_and_a_kill_forgets_nothing(
    living: Living,
) -> None:
    model = MODEL.partition("/")[2]
    living.upstream.by_model[model] = slow_first_byte()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(living, "laptop")) for _ in range(CLIENTS)]
        await living.upstream.until(lambda _: model in living.asked())
        living.upstream.release()
    told = Counter(task.result() for task in tasks)
    said = tasks[0].result()[1]
    assert told == {("MISS", said): 1, ("HIT", said): CLIENTS - 1}
    assert living.asked() == [model]

    living.upstream.by_model[model] = answer(("for the phone",))
    assert await ask(living, "phone") == ("MISS", "for the phone")
    assert await ask(living, "laptop") == ("HIT", said)
    await asyncio.to_thread(eventually, lambda: living.kept("response_cache") == 2)
    await asyncio.to_thread(eventually, lambda: living.kept("usage") == CLIENTS + 2)

    await living.kill()
    await living.start()

    living.upstream.by_model[model] = answer(("something else",))
    assert await ask(living, "laptop") == ("HIT", said)
    assert await ask(living, "phone") == ("HIT", "for the phone")
    assert living.asked() == [model] * 2
    hits = [
        row
        for row in (await living.command("requests", "--limit", "1000"))["requests"]
        if row["cache"] == "HIT"
    ]
    assert len(hits) == CLIENTS + 2
    assert {row["costUsd"] for row in hits} == {0}


async def test_answers_of_a_server_that_was_moved_while_no_gateway_ran_are_not_served(living: Living) -> None:
    assert (await ask(living, "laptop"))[0] == "MISS"
    await living.command("stop")
    assert living.kept("response_cache") == 1
    await living.apply(
        {"accounts": {"groq/work": living.priced() | {"baseUrl": f"{living.upstream.url}/v1"}}}
    )
    await living.start()
    assert (await ask(living, "laptop"))[0] == "MISS"
    assert (await ask(living, "laptop"))[0] == "HIT"
