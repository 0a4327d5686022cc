"""What is on record of the way of a request, and what a client is told that nobody can serve."""

import gc
from dataclasses import replace
from typing import Any

import pytest

from omniroute.gateway.dialogue import Dialogue
from omniroute.records import ModelFacts, Policy, PolicyType
from omniroute.routing.decision import Decision, decode
from omniroute.store import combos
from omniroute.store.combos import ComboRow
from omniroute.store.key_value import JSON
from tests import scripted_upstream as script
from tests.running_gateway import CHAT, QUICK, RunningGateway, asking
from tests.scripted_upstream import ScriptedUpstream

TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


async def decision(running: RunningGateway) -> Decision:
    stored = (await running.row()).decision
    assert stored is not None
    return decode(stored)


async def test_the_conversation_that_chose_the_account_is_on_record(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    account = await running.add_node(upstream.url)
    await running.add_account(account.provider_id, "second", base_url=upstream.url)
    await running.set("fallbackStrategy", "round-robin")
    got = await running.ask(CHAT, asking(CHAT), {"X-Session-Id": "s-1"})
    assert got.status == 200, got.body
    made = await decision(running)
    assert made.session == "s-1"
    assert made.timings_ms.keys() == {"plan"}
    assert made.timings_ms["plan"] > 0


async def test_a_pause_before_a_retry_is_on_record(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    await running.set("providerProfiles", QUICK)
    upstream.script(script.error(500), script.answer())
    got = await running.ask(CHAT, asking(CHAT))
    assert got.status == 200, got.body
    assert (await decision(running)).timings_ms["wait"] >= 200


@pytest.mark.parametrize(
    ("facts", "asked", "says"),
    [
        ({"inputs": ("text",)}, {"messages": [{"role": "user", "content": [IMAGE]}]}, "takes no images"),
        ({"tools": False}, {"tools": [TOOL]}, "takes no tools"),
    ],
)
async def test_what_no_member_can_take_is_the_clients_to_mend(
    running: RunningGateway,
    upstream: ScriptedUpstream,
    facts: dict[str, Any],
    asked: dict[str, Any],
    says: str,
) -> None:
    account = await running.add_node(upstream.url)
    for model in ("a", "b"):
        await running.add_model(account.provider_id, ModelFacts(id=model, **facts))
    await running.add_combo("plain", "up/a", "up/b")
    got = await running.ask(CHAT, asking(CHAT, "plain", **asked))
    assert (got.status, got.error["code"]) == (400, "unsupported_feature")
    assert says in got.error["message"]
    assert upstream.requests == []


async def test_a_step_for_an_account_that_is_not_there_is_no_outage(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    pinned: JSON = {"model": "up/a", "accounts": ["gone"]}
    row = ComboRow(id="c", name="pinned", models=(pinned,))
    await running.gateway.database.write(lambda c: combos.create(c, row))
    await running.gateway.reload()
    got = await running.ask(CHAT, asking(CHAT, "pinned"))
    assert (got.status, got.error["code"]) == (404, "no_credentials")
    assert "no account 'gone' is switched on" in got.error["message"]
    assert (got.headers["X-OmniRoute-Combo"], got.headers["X-OmniRoute-Attempts"]) == ("pinned", "0")


async def test_what_was_decided_before_a_cached_answer_is_on_record(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    await running.add_combo("daily", "up/a", "up/b")
    for _ in range(2):
        got = await running.ask(CHAT, asking(CHAT, "daily", temperature=0))
    assert got.headers["X-OmniRoute-Cache"] == "HIT"
    cached = (await running.rows())[-1].decision
    assert cached is not None
    assert decode(cached) == Decision(requested="daily", combo="daily")


async def test_a_request_that_a_policy_blocks_keeps_what_its_name_stood_for(
    running: RunningGateway,
) -> None:
    policy = Policy(id="p", name="none", type=PolicyType.ACCESS, block_model=("*",))
    running.gateway.snapshot = replace(
        running.gateway.snapshot, policies=(policy,), aliases={"mine": "demo/echo"}
    )
    got = await running.ask(CHAT, asking(CHAT, "mine"))
    assert got.status == 403
    assert await decision(running) == Decision(requested="mine", aliases=("demo/echo",))


async def test_what_a_client_said_is_let_go_with_its_request(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    gc.collect()
    gc.disable()  # it would find what still holds on to itself, but late
    try:
        assert (await running.ask(CHAT, asking(CHAT))).status == 200
        await running.row()
        assert not [one for one in gc.get_objects() if isinstance(one, Dialogue)]
    finally:
        gc.enable()
