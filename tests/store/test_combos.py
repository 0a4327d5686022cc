"""Combos, fallback chains, and what combos did."""

from dataclasses import replace
from typing import Any

import pytest

from omniroute.gateway.combo_uses import ComboUses
from omniroute.records import AttemptRow, AutoMode, ChainStep, ComboEntry, Outcome, RequestRow, Strategy
from omniroute.store import chains, combo_hours, combos, requests, settings
from omniroute.store.chains import ChainRow
from omniroute.store.combo_hours import HOUR_MS
from omniroute.store.combos import ComboRow
from omniroute.store.configuration import load_configuration
from omniroute.store.database import SqliteDatabase
from omniroute.store.failures import Duplicate, NotFound
from omniroute.store.key_value import JSON
from omniroute.store.secrets import Vault
from tests.store.samples import NOON_MS, StillClock, request_row

NOTHING: dict[str, JSON] = {}
DAILY = ComboRow(
    id="c1",
    name="daily",
    strategy=Strategy.WEIGHTED,
    models=("cc/opus", {"model": "glm/glm-5", "weight": 30, "accounts": ["work"]}, {"model": "plain"}),
    config={"maxRetries": 2, "autoMode": "fast"},
    created_at_ms=1,
    updated_at_ms=2,
)


async def test_models_come_back_in_the_form_they_were_given(database: SqliteDatabase) -> None:
    await database.write(lambda c: combos.create(c, DAILY))
    assert await database.read(combos.rows) == (DAILY,)


async def test_routing_sees_entries_and_configuration(database: SqliteDatabase, vault: Vault) -> None:
    await database.write(lambda c: combos.create(c, DAILY))
    steps = [ChainRow(provider="github", priority=2), ChainRow(provider="openai", model="m", enabled=False)]
    await database.write(lambda c: chains.put(c, "gpt", steps))

    configuration = await database.read(lambda c: load_configuration(c, vault))

    (combo,) = configuration.combos
    assert combo.entries == (
        ComboEntry(model="cc/opus"),
        ComboEntry(model="glm/glm-5", weight=30, accounts=("work",)),
        ComboEntry(model="plain"),
    )
    assert (combo.config.max_retries, combo.config.auto_mode) == (2, AutoMode.FAST)
    assert configuration.chains == {
        "gpt": (
            ChainStep(provider_id="openai", model="m", is_enabled=False),
            ChainStep(provider_id="github"),
        )
    }
    assert configuration.version == 2


async def test_a_combo_is_changed_and_removed(database: SqliteDatabase) -> None:
    await database.write(lambda c: combos.create(c, DAILY))
    changed = replace(DAILY, name="nightly", models=(), is_active=False)
    await database.write(lambda c: combos.update(c, changed))
    assert await database.read(combos.rows) == (changed,)
    assert await database.write(lambda c: (combos.delete(c, "c1"), combos.delete(c, "c1"))) == (True, False)
    with pytest.raises(NotFound):
        await database.write(lambda c: combos.update(c, changed))


async def test_names_are_unique(database: SqliteDatabase) -> None:
    await database.write(lambda c: combos.create(c, DAILY))
    with pytest.raises(Duplicate):
        await database.write(lambda c: combos.create(c, replace(DAILY, id="c2")))


async def test_a_chain_is_replaced_and_removed(database: SqliteDatabase) -> None:
    await database.write(lambda c: chains.put(c, "gpt", [ChainRow(provider="a")]))
    await database.write(lambda c: chains.put(c, "gpt", [ChainRow(provider="b")]))
    assert await database.read(chains.rows) == {"gpt": (ChainRow(provider="b"),)}
    assert await database.write(lambda c: (chains.delete(c, "gpt"), chains.delete(c, "gpt"))) == (True, False)


def attempt(model: str, failure: str | None = None) -> AttemptRow:
    return AttemptRow(
        provider="up",
        model=model,
        account_id="a",
        account_name="a",
        status=503 if failure else 200,
        failure=failure,
        duration_ms=10,
    )


def answered(number: int, *attempts: AttemptRow, hour: int = 0, **members: Any) -> RequestRow:
    at_ms = NOON_MS + hour * HOUR_MS
    return replace(
        request_row(number, combo="daily", started_at_ms=at_ms, attempts=attempts, duration_ms=25), **members
    )


ROWS = [
    answered(1, attempt("a", "overloaded: busy"), attempt("b")),
    answered(2, attempt("a"), hour=1),
    answered(3, attempt("a", "cut: x"), hour=1, outcome=Outcome.CUT),
    answered(4, attempt("a"), outcome=Outcome.CANCELLED),
    answered(5, attempt("a"), operation=combo_hours.TEST),
    answered(6, attempt("a"), combo=None),
    answered(7, attempt("a"), combo="forgotten"),
]


async def test_requests_are_counted_with_their_rows_by_member(database: SqliteDatabase) -> None:
    await database.write(lambda c: combos.create(c, DAILY))
    await database.write(lambda c: requests.append(c, ROWS[:2]))
    await database.write(lambda c: requests.append(c, ROWS[2:]))

    found = await database.read(combo_hours.totals)

    assert set(found) == {"c1"}
    whole, by_model = found["c1"].whole, found["c1"].by_model
    assert (whole.requests, whole.successes, whole.failures, whole.fallbacks) == (3, 2, 1, 1)
    assert whole.latency_ms == 75
    assert {name: (one.requests, one.failures) for name, one in by_model.items()} == {
        "up/a": (3, 2),
        "up/b": (1, 0),
    }
    assert by_model["up/a"].last_used_at_ms == NOON_MS + HOUR_MS
    assert await database.write(combo_hours.clear) > 0
    assert await database.read(combo_hours.totals) == {}


@pytest.mark.parametrize("own", [True, False])
async def test_a_combo_that_is_not_to_be_counted_is_not(database: SqliteDatabase, *, own: bool) -> None:
    quiet: dict[str, JSON] = {"trackMetrics": False}
    await database.write(lambda c: combos.create(c, replace(DAILY, config=quiet if own else NOTHING)))
    if not own:
        await database.write(lambda c: settings.put(c, "comboDefaults", {"trackMetrics": False}))
    await database.write(lambda c: requests.append(c, ROWS))
    assert await database.read(combo_hours.totals) == {}


async def test_the_last_day_is_known_at_once_and_after_a_restart(
    database: SqliteDatabase, clock: StillClock
) -> None:
    await database.write(lambda c: combos.create(c, DAILY))
    old = answered(8, attempt("a"), hour=-24)
    rows = [*ROWS, old]
    await database.write(lambda c: requests.append(c, rows))

    running, restarted = ComboUses(clock), ComboUses(clock)
    for member in ("up/a", "up/b", "up/a", "up/a"):
        running.asked("c1", member)
    restarted.restore(await database.read(lambda c: combo_hours.by_hour(c, since_ms=restarted.since_ms)))

    assert running.counts("c1") == restarted.counts("c1") == {"up/a": 3, "up/b": 1}
    assert running.counts("other") == {}
    running.forget("c1")
    assert running.counts("c1") == {}
