"""What a change of the configuration makes worthless is not served any more, wherever it is kept."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from omniroute.clock import SystemClock
from omniroute.errors import StoreError
from omniroute.gateway.cache.cache import HIT, MISS, ResponseCache
from omniroute.gateway.cache.changes import outdated
from omniroute.paths import Paths
from omniroute.records import Account, Category, Combo, FormatName, Preferences, Provider, Snapshot
from omniroute.records.preferences import WildcardAlias
from omniroute.store import response_cache as store
from omniroute.store.database import open_database
from tests.gateway.cache.asked import asked, snapshot
from tests.gateway.cache.client import Client
from tests.gateway.cache.test_single_flight import WHOLE, Upstream

SEEN = snapshot()


def with_account(**members: Any) -> Snapshot:
    account = Account(id="a", provider_id="up", name="a", priority=1, **members)
    return replace(SEEN, accounts=MappingProxyType({"up": (account,)}))


def at(url: str) -> Snapshot:
    node = Provider(id="up", name="up", category=Category.NODE, formats={FormatName.OPENAI_CHAT: url})
    return replace(SEEN, providers=MappingProxyType({"up": node}))


HERE, THERE = at("https://here.example/v1"), at("https://there.example/v1")


def preferring(**preferences: Any) -> Snapshot:
    return replace(SEEN, preferences=Preferences(**preferences))


@pytest.mark.parametrize(
    ("old", "new", "gone"),
    [
        (SEEN, SEEN, frozenset()),
        (SEEN, replace(SEEN, version=9), frozenset()),
        (SEEN, preferring(session_affinity=False), frozenset()),
        (SEEN, with_account(), frozenset()),
        (with_account(secret="one"), with_account(secret="other"), frozenset()),
        (SEEN, with_account(base_url="https://elsewhere.example"), None),
        (with_account(variables={"region": "eu"}), with_account(variables={"region": "us"}), None),
        (HERE, THERE, None),
        (SEEN, HERE, frozenset()),
        (SEEN, snapshot("Be brief."), None),
        (SEEN, preferring(wildcard_aliases=(WildcardAlias("gpt-*", "up/m"),)), None),
        (SEEN, replace(SEEN, aliases=MappingProxyType({"short": "up/m"})), frozenset({"short"})),
        (replace(SEEN, combos={"daily": Combo(id="c", name="daily")}), SEEN, frozenset({"daily"})),
    ],
)
def test_a_change_makes_the_answers_worthless_that_others_would_give_now(
    old: Snapshot, new: Snapshot, gone: frozenset[str] | None
) -> None:
    assert outdated(old, new) == gone


@pytest.fixture
async def cache(tmp_path: Path) -> Any:
    database = await open_database(Paths(tmp_path, tmp_path / "config.toml"), SystemClock())
    yield ResponseCache(database, SystemClock(), zone=None, cost=lambda *_: 7, wait_s=10)
    await database.close()


async def ask(cache: ResponseCache, upstream: Upstream | None = None) -> str | None:
    """What the cache did with a request."""
    if upstream is None:
        upstream = Upstream()
        upstream.go.set()
    client = Client()
    await cache.answer(asked(), client, client.entry, upstream)
    assert client.body == WHOLE
    return client.entry.cache


async def test_an_answer_asked_for_before_a_change_is_told_but_not_kept(cache: ResponseCache) -> None:
    class Changing(Upstream):
        async def __call__(self, reply: Any) -> None:
            cache.follow(HERE, THERE)
            await super().__call__(reply)

    upstream = Changing()
    upstream.go.set()
    assert await ask(cache, upstream) == MISS
    assert await ask(cache) == MISS
    assert await ask(cache) == HIT


async def test_what_is_still_on_disk_after_a_change_is_not_found(cache: ResponseCache) -> None:
    await ask(cache)
    await cache.flush()
    cache.follow(HERE, THERE)
    assert await ask(cache) == MISS
    cache.memory.forget()
    await cache.flush()
    cache.memory.forget()
    assert await ask(cache) == HIT, "the newer answer was written, and the older one is gone"


async def test_a_disk_that_cannot_be_written_does_not_make_a_change_forgotten(
    cache: ResponseCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(cache)
    await cache.flush()
    cache.follow(HERE, THERE)

    def full(*_: Any, **__: Any) -> int:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(store, "delete", full)
        with pytest.raises(StoreError):
            await cache.flush()
    assert await ask(cache) == MISS
