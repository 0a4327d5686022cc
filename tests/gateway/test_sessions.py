"""Conversations as the rows of their requests tell of them."""

import pytest

from omniroute.conversation.usage import Usage
from omniroute.gateway import sessions as module
from omniroute.gateway.sessions import TTL_MS, Sessions
from omniroute.records import Outcome
from tests.running_gateway import CHAT, RunningGateway, asking
from tests.scripted_upstream import ScriptedUpstream
from tests.store.samples import NOON_MS, request_row


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.ms = NOON_MS

    def now_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return self.ms / 1000


def test_the_requests_of_a_conversation_are_summed_and_the_last_says_where_it_is() -> None:
    known = Sessions(SetClock())
    usage = Usage(input=10, output=5)
    known.observe(
        [
            request_row(1, usage=usage, cost_nano_usd=None),
            request_row(2, usage=usage, cost_nano_usd=7, provider="groq", model="m", account_name="main"),
            request_row(3, usage=Usage(), provider=None, cost_nano_usd=None, outcome=Outcome.ERROR),
            request_row(4, session_id=None),
        ]
    )
    [session] = known.listing()
    assert (session.requests, session.tokens_in, session.tokens_out, session.cost_nano_usd) == (3, 20, 10, 7)
    assert (session.provider, session.model, session.account_name) == ("groq", "m", "main")
    assert (session.created_at_ms, session.last_active_ms) == (NOON_MS + 1, NOON_MS + 3 + 800)


def test_a_cost_that_nobody_knows_is_not_nothing() -> None:
    known = Sessions(SetClock())
    known.observe([request_row(1, cost_nano_usd=None)])
    assert [one.cost_nano_usd for one in known.listing()] == [None]


def test_two_keys_do_not_share_a_conversation() -> None:
    known = Sessions(SetClock())
    known.observe([request_row(1, api_key_id="k1"), request_row(2, api_key_id="k2")])
    assert [(one.api_key_id, one.requests) for one in known.listing()] == [("k2", 1), ("k1", 1)]
    assert known.forget("session") == 2
    assert known.listing() == []


def test_a_conversation_is_over_half_an_hour_after_its_last_request() -> None:
    clock = SetClock()
    known = Sessions(clock)
    known.observe([request_row(0, duration_ms=0)])
    clock.ms += TTL_MS - 1
    assert len(known.listing()) == 1
    clock.ms += 1
    assert known.listing() == []
    known.observe([request_row(0, duration_ms=0, started_at_ms=clock.ms)])
    assert [(one.requests, one.created_at_ms) for one in known.listing()] == [(1, clock.ms)]


def test_the_conversation_that_was_silent_longest_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SESSIONS", 2)
    known = Sessions(SetClock())
    known.observe([request_row(place, session_id=name) for place, name in enumerate("abac")])
    assert [one.id for one in known.listing()] == ["c", "a"]


async def test_a_conversation_without_a_name_has_the_one_that_keeps_it_at_its_account(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    first = await running.add_node(upstream.url)
    await running.add_account(first.provider_id, "second")
    await running.set("fallbackStrategy", "round-robin")
    for text in ("one", "one", "two"):
        await running.ask(CHAT, asking(CHAT, messages=[{"role": "user", "content": text}]))
    await running.gateway.usage_log.flush()

    assert sorted(one.requests for one in running.gateway.sessions.listing()) == [1, 2]
    assert all(len(one.id) == 16 for one in running.gateway.sessions.listing())


async def test_with_one_account_nothing_is_made_up_for_a_request_without_a_name(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    await running.ask(CHAT, asking(CHAT))
    await running.gateway.usage_log.flush()

    assert running.gateway.sessions.listing() == []
