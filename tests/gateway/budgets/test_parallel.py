"""Many clients at once, and rows that are written later."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from omniroute.errors import Refused
from omniroute.gateway.budgets.book import Reservation
from omniroute.records import EVERYTHING, Budget, RequestRow, of_account
from omniroute.store.budgets import NOTHING
from tests.gateway.budgets.world import A, World

CLIENTS = 64
LIMIT = 1000


@dataclass(slots=True)
class Client:
    """One request: what it may cost, what it will have cost, and how it is known by its end."""

    row_id: str
    estimate: int
    cost: int
    told: bool
    key_id: str | None
    reservation: Reservation | None = None
    has_ended: bool = False


@dataclass(slots=True)
class Play:
    """Clients that begin, end and are written down in any order."""

    world: World
    ended: list[RequestRow] = field(default_factory=list)
    committed: int = 0
    """What was really spent, written down or not."""
    written: int = 0
    most_asked: int = 0
    """The largest that a request cost beyond its estimate."""

    def step(self, client: Client) -> None:
        """Begin, else end."""
        if client.has_ended:
            return
        if client.reservation is None:
            self._begin(client)
            return
        client.has_ended = True
        client.reservation.settle(client.cost if client.told else None)
        self.committed += client.cost
        row = self.world.row(id=client.row_id, cost_nano_usd=client.cost, api_key_id=client.key_id)
        self.ended.append(row)

    def _begin(self, client: Client) -> None:
        try:
            client.reservation = self.world.book.reserve(
                self.world.snapshot,
                row_id=client.row_id,
                key_id=client.key_id,
                account_id=A.id,
                estimate_nano=client.estimate,
            )
        except Refused:
            client.has_ended = True

    def write(self, count: int) -> None:
        """The oldest rows are on disk."""
        rows, self.ended = self.ended[:count], self.ended[count:]
        self.world.book.observe(rows)
        self.written += sum(row.cost_nano_usd or 0 for row in rows)

    def spent(self, subject: str) -> int:
        today = self.world.book.room.ledger.running(self.world.clock.now_ms())[0]
        return today.get(subject, NOTHING).billed


@st.composite
def clients(draw: st.DrawFn, *, beyond: int) -> list[Client]:
    """Requests that cost at most `beyond` more than was guessed."""
    count = draw(st.integers(1, CLIENTS))
    made = []
    for number in range(count):
        estimate = draw(st.integers(0, LIMIT // 3))
        made.append(
            Client(
                row_id=f"{number:026d}",
                estimate=estimate,
                cost=draw(st.integers(0, estimate + beyond)),
                told=draw(st.booleans()),
                key_id=draw(st.sampled_from([None, "k1", "k2"])),
            )
        )
    return made


orders = st.lists(st.integers(-8, CLIENTS - 1), max_size=4 * CLIENTS)


def played(known: Sequence[Client], order: Sequence[int], subject: str) -> Play:
    """The play after all of it; negative numbers write so many rows."""
    play = Play(World(Budget(subject=subject, daily_nano_usd=LIMIT)))
    for number in order:
        if number < 0:
            play.write(-number)
        else:
            play.step(known[number % len(known)])
        reserved = play.world.book.room.reserved.get(EVERYTHING, 0)
        assert play.spent(EVERYTHING) == play.written
        assert reserved >= sum(one.estimate for one in known if one.reservation and not one.has_ended)
    return play


@given(known=clients(beyond=0), order=orders)
@settings(deadline=None)
def test_whatever_the_order_a_budget_is_never_overspent(known: list[Client], order: list[int]) -> None:
    for subject in (EVERYTHING, of_account(A.id)):
        for client in known:
            client.reservation, client.has_ended = None, False
        play = played(known, order, subject)

        assert play.committed <= LIMIT


@given(known=clients(beyond=200), order=orders)
@settings(deadline=None)
def test_a_budget_is_overspent_only_by_what_requests_cost_beyond_their_reservations(
    known: list[Client], order: list[int]
) -> None:
    play = played(known, order, EVERYTHING)

    beyond = sum(max(one.cost - one.estimate, 0) for one in known if one.reservation and one.has_ended)
    assert play.committed <= LIMIT + beyond


@given(known=clients(beyond=50), order=orders)
@settings(deadline=None)
def test_when_all_is_written_down_nothing_is_reserved_or_lost_or_counted_twice(
    known: list[Client], order: list[int]
) -> None:
    play = played(known, order, "k1")
    for client in known:
        while not client.has_ended:
            play.step(client)
    play.write(len(known))

    assert play.world.book.room.reserved == {}
    assert play.spent(EVERYTHING) == play.committed
    mine = [one for one in known if one.key_id == "k1" and one.reservation]
    assert play.spent("k1") == sum(one.cost for one in mine)


async def test_of_64_parallel_clients_as_many_are_let_through_as_the_budget_pays_for() -> None:
    world = World(Budget(subject="k1", daily_nano_usd=LIMIT))
    all_answered = asyncio.Barrier(10)
    asked = 0

    async def client(number: int) -> RequestRow | None:
        nonlocal asked
        row_id = f"{number:026d}"
        await asyncio.sleep(0)
        try:
            made = world.book.reserve(
                world.snapshot, row_id=row_id, key_id="k1", account_id=None, estimate_nano=LIMIT // 10
            )
        except Refused:
            return None
        asked += 1
        await all_answered.wait()
        made.settle(None)
        return world.row(id=row_id, cost_nano_usd=LIMIT // 10)

    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        tasks = [group.create_task(client(number)) for number in range(CLIENTS)]
    world.book.observe([row for task in tasks if (row := task.result()) is not None])

    assert asked == 10
    assert world.book.room.ledger.running(world.clock.now_ms())[0]["k1"].billed == LIMIT
