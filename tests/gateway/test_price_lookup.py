"""Prices are never read from their table on the event loop."""

import asyncio
import threading
from dataclasses import replace

import pytest

from omniroute.providers.pricing import Prices
from omniroute.records import EVERYTHING, Budget, Combo, ComboEntry, Price, Strategy
from tests.running_gateway import CHAT, RunningGateway, asking
from tests.scripted_upstream import ScriptedUpstream

UNLISTED = "groq/model-of-tomorrow"


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads that looked a price up where it was not at hand."""
    found: list[str] = []
    price_of = Prices.price_of

    def watched(self: Prices, provider_id: str, model_id: str) -> Price | None:
        if not self.is_at_hand(provider_id, model_id):
            found.append(threading.current_thread().name)
        return price_of(self, provider_id, model_id)

    monkeypatch.setattr(Prices, "price_of", watched)
    return found


async def test_under_a_budget_the_table_is_read_beside_the_loop_before_anything_is_reserved(
    running: RunningGateway, upstream: ScriptedUpstream, readers: list[str]
) -> None:
    await running.add_account("groq", "first", base_url=f"{upstream.url}/openai/v1")
    budget = Budget(subject=EVERYTHING, daily_nano_usd=10**9)
    running.gateway.snapshot = replace(running.gateway.snapshot, budgets={EVERYTHING: budget})

    got = await asyncio.gather(*(running.ask(CHAT, asking(CHAT, UNLISTED)) for _ in range(3)))

    assert [one.status for one in got] == [200] * 3
    assert readers
    assert threading.main_thread().name not in readers


@pytest.mark.parametrize("strategy", [Strategy.COST_OPTIMIZED, Strategy.AUTO])
async def test_an_order_by_price_has_the_prices_it_needs(
    running: RunningGateway, upstream: ScriptedUpstream, readers: list[str], strategy: Strategy
) -> None:
    await running.add_account("groq", "first", base_url=f"{upstream.url}/openai/v1")
    entries = (ComboEntry(model=UNLISTED), ComboEntry(model="groq/llama-3.3-70b-versatile"))
    combo = Combo(id="c", name="cheap", strategy=strategy, entries=entries)
    running.gateway.snapshot = replace(running.gateway.snapshot, combos={"cheap": combo})

    assert (await running.ask(CHAT, asking(CHAT, "cheap"))).status == 200

    assert readers
    assert threading.main_thread().name not in readers


async def test_without_a_budget_the_table_is_not_read_before_the_answer(
    running: RunningGateway, upstream: ScriptedUpstream, readers: list[str]
) -> None:
    await running.add_account("groq", "first", base_url=f"{upstream.url}/openai/v1")
    answered = await running.ask(CHAT, asking(CHAT, UNLISTED, temperature=0))
    assert answered.status == 200
    assert not [name for name in readers if not name.startswith("store-write")]
