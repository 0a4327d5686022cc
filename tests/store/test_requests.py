"""The rows of requests: there and back, and found again."""

import dataclasses

import pytest

from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import StoreError
from omniroute.records import AttemptRow, Outcome, RequestRow
from omniroute.store import keys, requests
from omniroute.store.database import SqliteDatabase
from omniroute.store.requests import Filters
from tests.store.samples import NOON_MS, api_key, request_row

BARE = request_row(
    2,
    upstream_format=None,
    requested_model=None,
    provider=None,
    model=None,
    account_id=None,
    account_name=None,
    api_key_id=None,
    api_key_name=None,
    session_id=None,
    outcome=Outcome.ERROR,
    status=401,
    error="wrong key",
    stream=False,
    attempts=(),
    usage=UNKNOWN,
    cost_nano_usd=None,
    price_source=None,
    ttft_ms=None,
    dropped=(),
)


async def add(database: SqliteDatabase, *rows: RequestRow) -> None:
    await database.write(lambda c: requests.append(c, rows))


@pytest.mark.parametrize("row", [request_row(), BARE], ids=["full", "bare"])
async def test_a_row_is_read_as_it_was_written(database: SqliteDatabase, row: RequestRow) -> None:
    await add(database, row)

    assert await database.read(lambda c: requests.find(c, row.id)) == row
    assert await database.read(lambda c: requests.find(c, "other")) is None


def test_no_two_members_of_the_sample_are_equal() -> None:
    row = request_row()
    members = [
        repr(getattr(row, member.name)) for member in dataclasses.fields(row) if member.name != "error"
    ]

    assert len(set(members)) == len(members)


async def test_an_empty_batch_is_nothing(database: SqliteDatabase) -> None:
    await add(database)

    assert await database.read(lambda c: requests.listing(c, Filters(), limit=9)) == ([], 0)


async def test_a_batch_is_kept_whole_or_not_at_all(database: SqliteDatabase) -> None:
    await add(database, request_row(1))
    with pytest.raises(StoreError):
        await add(database, request_row(2), request_row(3, started_at_ms=None))

    rows, total = await database.read(lambda c: requests.listing(c, Filters(), limit=9))
    assert ([row.id for row in rows], total) == ([request_row(1).id], 1)


async def test_a_row_that_is_written_again_is_kept_once(database: SqliteDatabase) -> None:
    await add(database, request_row(1))
    await add(database, request_row(1), request_row(2))

    rows, total = await database.read(lambda c: requests.listing(c, Filters(), limit=9))
    assert (rows, total) == ([request_row(2), request_row(1)], 2)


async def test_a_batch_notes_the_last_use_of_its_keys(database: SqliteDatabase) -> None:
    await database.write(lambda c: keys.create(c, api_key("k1")))
    await database.write(lambda c: keys.create(c, api_key("k2")))
    await add(database, request_row(5), request_row(9), request_row(7), BARE)

    used = {key.id: key.last_used_at_ms for key in await database.read(keys.listing)}
    assert used == {"k1": NOON_MS + 9, "k2": None}


async def test_half_a_surrogate_pair_spoils_no_batch(database: SqliteDatabase) -> None:
    broken = AttemptRow(
        provider="p",
        model="\ud800m",
        account_id="a",
        account_name="n",
        status=None,
        failure=None,
        duration_ms=1,
    )
    await add(
        database,
        request_row(1),
        request_row(2, requested_model="gpt-\ud800", attempts=(broken,), dropped=("\udfff",)),
    )

    rows, _ = await database.read(lambda c: requests.listing(c, Filters(), limit=9))
    assert rows[1] == request_row(1)
    assert (rows[0].requested_model, rows[0].attempts[0].model, rows[0].dropped) == ("gpt-?", "?m", ("?",))


@pytest.mark.parametrize("absurd", [-1, 10**16, 10**40])
async def test_an_absurd_count_is_an_unknown_one(database: SqliteDatabase, absurd: int) -> None:
    await add(database, request_row(usage=Usage(input=absurd, output=3), cost_nano_usd=absurd))

    row = await database.read(lambda c: requests.find(c, request_row().id))
    assert row is not None
    assert (row.usage, row.cost_nano_usd) == (Usage(input=None, output=3), None)


ROWS = (
    request_row(1),
    request_row(2, provider="anthropic", model="claude-opus", account_id="a2", account_name="home"),
    request_row(3, outcome=Outcome.ERROR, status=429, error="upstream said 100% no_way"),
    request_row(4, outcome=Outcome.CANCELLED, status=499, api_key_id="k2", api_key_name="Phone"),
    request_row(5, outcome=Outcome.CUT, requested_model="slow", path="/v1/responses"),
)

FILTERS: list[tuple[Filters, list[int]]] = [
    (Filters(), [5, 4, 3, 2, 1]),
    (Filters(status="ok"), [2, 1]),
    (Filters(status="error"), [5, 4, 3]),
    (Filters(status="cancelled"), [4]),
    (Filters(status="429"), [3]),
    (Filters(model="OPUS"), [2]),
    (Filters(model="slow"), [5]),
    (Filters(provider="anthropic"), [2]),
    (Filters(provider="anthro"), []),
    (Filters(account="home"), [2]),
    (Filters(account="a2"), [2]),
    (Filters(api_key="phon"), [4]),
    (Filters(api_key="k2"), [4]),
    (Filters(search="100% no_w"), [3]),
    (Filters(search="1%no"), []),
    (Filters(search="responses"), [5]),
    (Filters(search="REQ-4"), [4]),
    (Filters(since_ms=NOON_MS + 2, until_ms=NOON_MS + 4), [3, 2]),
    (Filters(status="ok", provider="openai"), [1]),
]


@pytest.mark.parametrize(("filters", "numbers"), FILTERS, ids=[str(filters) for filters, _ in FILTERS])
async def test_requests_are_listed_by_what_they_were(
    database: SqliteDatabase, filters: Filters, numbers: list[int]
) -> None:
    await add(database, *ROWS)
    rows, total = await database.read(lambda c: requests.listing(c, filters, limit=9))

    assert [row.started_at_ms - NOON_MS for row in rows] == numbers
    assert total == len(numbers)


async def test_pages_do_not_overlap_and_all_tell_the_total(database: SqliteDatabase) -> None:
    await add(database, *ROWS)
    pages = [
        await database.read(lambda c: requests.listing(c, Filters(), limit=2, offset=0)),
        await database.read(lambda c: requests.listing(c, Filters(), limit=2, offset=2)),
        await database.read(lambda c: requests.listing(c, Filters(), limit=2, offset=4)),
    ]

    assert [row.started_at_ms - NOON_MS for rows, _ in pages for row in rows] == [5, 4, 3, 2, 1]
    assert [total for _, total in pages] == [5, 5, 5]


async def test_the_calls_of_the_newest_requests_are_told_oldest_first(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "MOST_CALLS", 2)

    def calling(number: int, *accounts: str) -> RequestRow:
        [one] = request_row().attempts
        tries = tuple(dataclasses.replace(one, account_id=account) for account in accounts)
        return request_row(number, started_at_ms=NOON_MS + number, attempts=tries)

    await add(database, calling(1, "a"), calling(3, "b"), calling(2, "a", "c"), calling(4))
    found = await database.read(lambda c: requests.calls(c, since_ms=NOON_MS))
    monkeypatch.setattr(requests, "MOST_CALLS", 10)
    since = await database.read(lambda c: requests.calls(c, since_ms=NOON_MS + 2))

    assert [(at_ms - NOON_MS, call.account_id) for at_ms, call in found] == [(3, "b")]
    assert [(at_ms - NOON_MS, call.account_id) for at_ms, call in since] == [(2, "a"), (2, "c"), (3, "b")]
