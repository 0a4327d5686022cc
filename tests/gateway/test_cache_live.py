"""The response cache and idempotency in a running gateway."""

import asyncio

import pytest

from omniroute.store import settings
from omniroute.store.key_value import JSON
from tests.running_gateway import CHAT, CONVERSATIONS, NODE_TYPES, RunningGateway, asking
from tests.scripted_upstream import ScriptedUpstream


async def test_identical_requests_at_the_same_time_cause_one_call(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)

    got = await asyncio.gather(*(running.ask(CHAT, asking(CHAT, temperature=0)) for _ in range(64)))

    assert len(upstream.requests) == 1
    assert {one.body for one in got} == {got[0].body}
    assert sorted(one.headers["X-OmniRoute-Cache"] for one in got) == ["HIT"] * 63 + ["MISS"]
    hits = [row for row in await running.rows() if row.cache == "HIT"]
    assert len(hits) == 63
    assert {(row.cost_nano_usd, row.usage.input, row.account_id, len(row.attempts)) for row in hits} == {
        (0, 0, None, 0)
    }


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_every_dialect_is_served_from_the_cache_in_its_own_words(
    running: RunningGateway, upstream: ScriptedUpstream, path: str
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])

    first = await running.ask(path, asking(path, temperature=0))
    second = await running.ask(path, asking(path, temperature=0))

    assert (first.headers["X-OmniRoute-Cache"], second.headers["X-OmniRoute-Cache"]) == ("MISS", "HIT")
    assert second.body == first.body
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert len(upstream.requests) == 1


async def test_an_answer_by_chance_is_asked_for_each_time(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    for _ in range(2):
        got = await running.ask(CHAT, asking(CHAT))
        assert got.headers["X-OmniRoute-Cache"] == "MISS"

    assert len(upstream.requests) == 2
    assert [row.cache for row in await running.rows()] == [None, None]


async def test_two_keys_do_not_see_each_others_answers(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    for name in ("laptop", "phone"):
        secret = await running.add_key(name)
        headers = {"Authorization": f"Bearer {secret}"}
        got = await running.ask(CHAT, asking(CHAT, temperature=0), headers)
        assert got.headers["X-OmniRoute-Cache"] == "MISS"

    assert len(upstream.requests) == 2


async def test_a_request_with_a_known_idempotency_key_is_not_done_again(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    headers = {"Idempotency-Key": "one"}

    got = await asyncio.gather(*(running.ask(CHAT, asking(CHAT), headers) for _ in range(8)))
    other = await running.ask(CHAT, asking(CHAT, top_p=0.5), headers)

    assert len(upstream.requests) == 1
    assert {one.body for one in got} == {got[0].body}
    assert sum("X-OmniRoute-Idempotent" in one.headers for one in got) == 7
    assert (other.status, other.error["code"]) == (422, "idempotency_key_reused")
    rows = [row for row in await running.rows() if row.cache == "idempotent"]
    assert [row.cost_nano_usd for row in rows] == [0] * 7


async def test_shadow_learns_questions_by_the_embedding_model_it_is_given(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    shadow: JSON = {"semantic": "shadow", "semanticModel": "up/embed"}
    await running.gateway.database.write(lambda c: settings.put(c, "cache", shadow))
    await running.gateway.reload()
    for question in ("Explain recursion", "Explain recursion well"):
        turns = [{"role": "user", "content": question}]
        await running.ask(CHAT, asking(CHAT, temperature=0, messages=turns))
        await running.gateway.cache.likeness.work()

    [sighting] = running.gateway.cache.likeness.sighted
    assert (sighting.asked, sighting.known) == ("Explain recursion well", "Explain recursion")
    assert [row.operation for row in await running.rows()].count("embeddings") == 2
