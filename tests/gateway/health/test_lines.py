"""Whoever waits for an account gets it in the order they came, and no place is lost."""

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from omniroute.errors import FailureKind
from omniroute.gateway.health.book import HealthBook
from omniroute.gateway.health.limits import Limit
from omniroute.gateway.health.lines import Lines
from omniroute.records import Preferences
from omniroute.records.preferences import RateLimitDefaults
from omniroute.routing.outlook import Scope
from omniroute.routing.plan import Attempt
from tests.gateway.flaky import LoopClock, run
from tests.gateway.health.world import ONE, A, B, SteadyChance, failure

WHO = "account"
LONG_S = 1000.0


@dataclass(slots=True)
class Room:
    """An account with so many places, and all who ever wanted one, by number."""

    places: int
    group: asyncio.TaskGroup
    lines: Lines = field(init=False)
    inside: list[int] = field(default_factory=list)
    came_in: list[int] = field(default_factory=list)
    most_inside: int = 0
    away: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    turned_away: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.lines = Lines(lambda _: 0.0 if len(self.inside) < self.places else 0.05)

    def come(self) -> None:
        self.tasks.append(self.group.create_task(self._stay(len(self.tasks))))

    async def _stay(self, number: int) -> None:
        if not await self.lines.enter(WHO, within_s=LONG_S, in_vain=lambda: self.away):
            self.turned_away.add(number)
            return
        self.inside.append(number)
        self.came_in.append(number)
        self.most_inside = max(self.most_inside, len(self.inside))

    def leave(self) -> None:
        if self.inside:
            self.inside.pop(0)
            self.lines.wake(WHO)

    def lose_patience(self, number: int) -> None:
        if self.tasks:
            self.tasks[number % len(self.tasks)].cancel()


async def settled() -> None:
    """All that can go on without time passing has gone on."""
    for _ in range(20):
        await asyncio.sleep(0)


actions = st.sampled_from(["come", "come", "come", "leave", "leave"]) | st.integers(0, 30)
moments = st.lists(st.lists(actions, min_size=1, max_size=6), max_size=20)
"""What happens at once, again and again; a number is who loses patience."""


@given(places=st.integers(1, 3), moments=moments)
@settings(deadline=None)
def test_nobody_overtakes_and_no_place_is_left_empty_whoever_goes_away(
    places: int, moments: list[list[str | int]]
) -> None:
    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            room = Room(places, group)
            all_leave: list[list[str | int]] = [["leave"]] * 200
            for moment in moments + all_leave:
                for action in moment:
                    if isinstance(action, int):
                        room.lose_patience(action)
                    elif action == "come":
                        room.come()
                    else:
                        room.leave()
                await settled()
                assert len(room.inside) == places or WHO not in room.lines
        assert room.came_in == [number for number, task in enumerate(room.tasks) if not task.cancelled()]
        assert room.most_inside <= places
        assert not room.lines

    run(play())


def test_when_the_account_goes_away_the_whole_line_does() -> None:
    async def play() -> None:
        async with asyncio.TaskGroup() as group:
            room = Room(1, group)
            for _ in range(5):
                room.come()
            await settled()
            room.away = True
            room.lines.wake(WHO)
        assert (room.came_in, room.turned_away, bool(room.lines)) == ([0], {1, 2, 3, 4}, False)

    run(play())


def book_with(limit: RateLimitDefaults) -> HealthBook:
    preferences = Preferences(rate_limit_defaults=limit)
    return HealthBook(LoopClock(), preferences=lambda: preferences, price=lambda *_: None, rng=SteadyChance())


def test_calls_keep_their_distance_in_the_order_they_came_and_the_last_give_up_in_time() -> None:
    limit = RateLimitDefaults(enabled=True, requests_per_minute=1000, min_time_between_requests=1000)
    admitted: list[tuple[int, float]] = []
    refused: list[int] = []

    async def play() -> None:
        book, loop = book_with(limit), asyncio.get_running_loop()
        began_s = loop.time()

        async def ask(number: int) -> None:
            attempt = Attempt(ONE, A, "m")
            if await book.admit(attempt, within_s=30.0) is not None:
                refused.append(number)
                return
            book.begin(attempt)
            admitted.append((number, loop.time() - began_s))
            book.end(attempt, None)

        async with asyncio.TaskGroup() as group:
            for number in range(40):
                group.create_task(ask(number))
                await asyncio.sleep(0)
            assert book.load(A).queued == 39

    run(play())
    assert [number for number, _ in admitted] == list(range(len(admitted)))
    assert 30 <= len(admitted) <= 31
    assert all(later - earlier > 0.999 for (_, earlier), (_, later) in pairwise(admitted))
    assert sorted(refused) == list(range(len(admitted), 40))


def test_when_a_told_limit_is_filled_up_as_many_go_as_it_has() -> None:
    in_flight: list[int] = []

    async def play() -> None:
        book = book_with(RateLimitDefaults())
        book.limits[A.id] = Limit(requests=3, requests_left=0, requests_reset_s=book.now_s + 20)

        async def ask(number: int) -> None:
            attempt = Attempt(ONE, A, "m")
            if await book.admit(attempt, within_s=30.0) is None:
                book.begin(attempt)
                in_flight.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(ask(number))

    run(play())
    assert in_flight == [0, 1, 2]


def test_a_newcomer_does_not_go_before_the_line_though_a_place_is_free() -> None:
    async def play() -> None:
        book = book_with(RateLimitDefaults(enabled=True, min_time_between_requests=0, concurrent_requests=1))
        first, second = Attempt(ONE, A, "m"), Attempt(ONE, A, "m")
        book.begin(first)
        async with asyncio.TaskGroup() as group:
            waits = group.create_task(book.admit(second, within_s=9.0))
            await settled()
            book.end(first, None)
            held = book.obstacle(ONE, A, "m")
            assert held is not None
            assert (held.scope, held.waiting) == (Scope.LIMIT, 1)
        assert waits.result() is None
        assert book.obstacle(ONE, A, "m") is None

    run(play())


def test_who_waits_for_an_account_that_cools_meanwhile_is_told_why() -> None:
    async def play() -> None:
        book = book_with(RateLimitDefaults(enabled=True, min_time_between_requests=0, concurrent_requests=1))
        first = Attempt(ONE, A, "m")
        book.begin(first)
        async with asyncio.TaskGroup() as group:
            waits = group.create_task(book.admit(Attempt(ONE, A, "m"), within_s=9.0))
            await settled()
            book.end(first, failure(FailureKind.QUOTA))
        held = waits.result()
        assert held is not None
        assert (held.scope, held.reason) == (Scope.ACCOUNT, "quota_exhausted")
        assert await book.admit(Attempt(ONE, B, "m"), within_s=0.0) is None

    run(play())
