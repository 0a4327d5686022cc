"""When a request may be made, and when not."""

from dataclasses import replace

import pytest

from omniroute.errors import HEALS_BY_ITSELF, HTTP_STATUS, ErrorKind, FailureKind, Refused
from omniroute.gateway.budgets.book import Reservation
from omniroute.records import EVERYTHING, Budget, of_account
from omniroute.routing.outlook import Obstacle, Scope
from omniroute.routing.plan import Attempt
from tests.gateway.budgets.world import HOME, NOON_S, PAID, PLAN, USD, A, B, H, P, World, paid
from tests.gateway.health.world import book_of

HOUR_S = 3600
DAILY = Budget(subject="k1", daily_nano_usd=10)


def reserve(world: World, nano_usd: int, row_id: str = "r", key_id: str | None = "k1") -> Reservation:
    return world.book.reserve(
        world.snapshot, row_id=row_id, key_id=key_id, account_id=None, estimate_nano=nano_usd
    )


def refusal(world: World, nano_usd: int, key_id: str | None = "k1") -> Refused | None:
    try:
        reserve(world, nano_usd, "tried", key_id).release()
    except Refused as refused:
        return refused
    return None


def fits(world: World, nano_usd: int, key_id: str | None = "k1") -> bool:
    return refusal(world, nano_usd, key_id) is None


def test_what_is_spent_and_what_is_reserved_leave_the_rest() -> None:
    world = World(DAILY)
    world.spend(4)
    reserve(world, 3)

    assert fits(world, 3)
    assert not fits(world, 4)


def test_a_budget_used_to_the_last_bit_stops_even_what_costs_nothing() -> None:
    world = World(DAILY)
    world.spend(10)

    assert not fits(world, 0)


def test_the_refusal_says_what_is_spent_of_what_and_when_it_begins_anew() -> None:
    world = World(replace(DAILY, daily_nano_usd=5 * USD, weekly_nano_usd=6 * USD))
    world.spend(4_980_000_000)

    refused = refusal(world, USD // 20)
    assert refused is not None
    assert (refused.kind, HTTP_STATUS[refused.kind]) == (ErrorKind.BUDGET_EXCEEDED, 429)
    assert refused.kind not in HEALS_BY_ITSELF
    assert refused.retry_after_s == 12 * HOUR_S
    assert refused.message == (
        "the daily budget of k1 is used up: 4.98 of 5 USD spent, and this request may cost 0.05;"
        " it begins anew at 2026-11-26T00:00:00.000Z"
    )


@pytest.mark.parametrize(
    ("limit", "days"), [("daily_nano_usd", 0.5), ("weekly_nano_usd", 4.5), ("monthly_nano_usd", 5.5)]
)
def test_a_limit_holds_until_its_period_ends(limit: str, days: float) -> None:
    world = World(Budget(subject="k1", **{limit: 10}))
    world.spend(10)

    world.clock.pass_s(days * 24 * HOUR_S - 0.001)
    assert not fits(world, 1)
    world.clock.pass_s(0.001)
    assert fits(world, 10)


def test_of_several_limits_the_last_to_end_is_told() -> None:
    world = World(Budget(subject="k1", daily_nano_usd=10), Budget(subject=EVERYTHING, monthly_nano_usd=10))
    world.spend(10)

    refused = refusal(world, 1)
    assert refused is not None
    assert "monthly budget of all requests" in refused.message
    assert refused.retry_after_s == 5.5 * 24 * HOUR_S


def test_a_request_without_a_key_counts_toward_all_only() -> None:
    world = World(DAILY, Budget(subject=EVERYTHING, daily_nano_usd=20))
    world.spend(15, api_key_id=None)

    assert fits(world, 5)
    assert not fits(world, 6, key_id=None)


def test_another_key_has_its_own_budget() -> None:
    world = World(DAILY)
    world.spend(10)

    assert fits(world, 1000, key_id="k2")


def test_a_request_belongs_to_the_period_it_began_in() -> None:
    world = World(DAILY)
    began_ms = world.clock.now_ms()
    world.clock.pass_s(13 * HOUR_S)

    world.spend(10, started_at_ms=began_ms)

    assert fits(world, 10)


def test_a_clock_set_back_over_midnight_forgets_nothing() -> None:
    world = World(DAILY)
    world.spend(10)
    world.clock.wall_s += 13 * HOUR_S
    world.spend(4)
    assert fits(world, 6)

    world.clock.wall_s = NOON_S
    assert not fits(world, 1)
    world.clock.wall_s += 13 * HOUR_S
    assert fits(world, 6)
    assert not fits(world, 7)


def test_a_budget_set_later_counts_what_was_spent_before() -> None:
    world = World()
    world.spend(7)

    world.set(DAILY)

    assert fits(world, 3)
    assert not fits(world, 4)


def test_a_cost_that_is_not_known_ends_the_reservation_and_spends_nothing() -> None:
    world = World(DAILY)
    reserve(world, 10, "00000000000000000000000001")

    world.spend(None, id="00000000000000000000000001")

    assert fits(world, 10)


def test_what_is_settled_is_held_until_its_row_is_written_and_counted_once() -> None:
    world = World(DAILY)
    reservation = reserve(world, 8, "row")
    for _ in range(2):
        reservation.settle(5)
    assert fits(world, 5)
    assert not fits(world, 6)

    world.spend(5, id="row")
    reservation.settle(9)

    assert fits(world, 5)
    assert not fits(world, 6)


def test_without_a_known_cost_the_estimate_is_held_until_the_row_is_written() -> None:
    world = World(DAILY)
    reserve(world, 8, "row").settle(None)
    assert not fits(world, 3)

    world.spend(1, id="row")
    assert fits(world, 9)


def test_what_is_released_is_free_and_its_row_counts_all_the_same() -> None:
    world = World(DAILY)
    reservation = reserve(world, 8, "row")
    for _ in range(2):
        reservation.release()
    assert fits(world, 10)

    world.spend(1, id="row")
    assert not fits(world, 10)


def test_the_dearest_attempt_is_reserved() -> None:
    world = World(Budget(subject="k1", daily_nano_usd=USD))
    notes: list[str] = []

    made = world.book.admit(world.snapshot, world.ask(), (paid("m"), paid("n")), notes)

    assert made is not None
    assert made.amount == 1000 * 100_000 + 100 * 1_000_000
    assert notes == []


def test_an_answer_is_reserved_for_up_to_a_length() -> None:
    world = World(Budget(subject="k1", daily_nano_usd=USD))
    for max_tokens in (None, 1024, 100_000):
        ask = world.ask(prompt_tokens=0, max_tokens=max_tokens)
        made = world.book.admit(world.snapshot, ask, (paid(),), [])
        assert made is not None
        assert made.amount == 1024 * 10_000
        made.release()


def test_nothing_is_reserved_where_no_budget_has_a_say() -> None:
    world = World(Budget(subject="k2", daily_nano_usd=1), Budget(subject=of_account(B.id), daily_nano_usd=1))

    assert world.book.admit(world.snapshot, world.ask(), (paid(),), []) is None


@pytest.mark.parametrize("attempt", [Attempt(PLAN, P, "m"), Attempt(HOME, H, "m")])
def test_what_nobody_bills_is_counted_only_if_the_user_says_so(attempt: Attempt) -> None:
    members = {"provider": attempt.provider.id, "account_id": attempt.account.id}
    free = World(DAILY)
    free.spend(10, **members)
    assert free.book.admit(free.snapshot, free.ask(), (attempt,), []) is None
    free.book.check(free.snapshot, "k1", (attempt.provider,))
    assert fits(free, 10)

    counted = World(DAILY, budget_count_subscriptions=True)
    counted.spend(10, **members)
    with pytest.raises(Refused):
        counted.book.check(counted.snapshot, "k1", (attempt.provider,))
    assert not fits(counted, 1)


def test_a_budget_that_is_used_up_is_noticed_before_anything_else_is_done() -> None:
    world = World(DAILY)
    world.spend(9)
    world.book.check(world.snapshot, "k1", (paid().provider,))
    world.spend(1)

    with pytest.raises(Refused, match="used up"):
        world.book.check(world.snapshot, "k1", (paid().provider,))


def test_a_model_without_a_price_is_asked_with_a_note() -> None:
    world = World(DAILY)
    notes: list[str] = []

    made = world.book.admit(world.snapshot, world.ask(), (paid("x"),), notes)

    assert made is not None
    assert (made.amount, made.take(paid("x"))) == (0, None)
    assert notes == ["no price is known for paid/x: nothing is reserved for it"]


def test_a_model_without_a_price_is_refused_where_the_user_wants_that() -> None:
    world = World(Budget(subject="k1", daily_nano_usd=USD), unknown_price="refuse")

    with pytest.raises(Refused, match="no price is known for paid/x") as caught:
        world.book.admit(world.snapshot, world.ask(), (paid("x"),), [])
    assert caught.value.kind is ErrorKind.BUDGET_EXCEEDED

    made = world.book.admit(world.snapshot, world.ask(), (paid("x"), paid("m")), [])
    assert made is not None
    assert made.take(paid("m")) is None
    failure = made.take(paid("x"))
    assert failure is not None
    assert (failure.kind, failure.code) == (FailureKind.QUOTA, "budget_exceeded")


def test_an_account_whose_budget_is_used_up_is_not_asked_until_the_period_ends() -> None:
    world = World(Budget(subject=of_account(A.id), daily_nano_usd=10))
    health = book_of(world.clock)
    health.budget_obstacle = world.book.obstacle
    world.spend(9)
    assert health.obstacle(paid().provider, A, "m") is None

    world.spend(1)

    assert health.obstacle(paid().provider, A, "m") == Obstacle(
        Scope.BUDGET, "budget_exceeded", NOON_S + 12 * HOUR_S
    )
    assert health.obstacle(paid().provider, B, "m") is None


def test_a_reservation_goes_along_to_the_account_that_is_asked() -> None:
    budgets = [Budget(subject=of_account(one.id), daily_nano_usd=100_000_000) for one in (A, B)]
    world = World(*budgets)
    ask = replace(world.ask("first"), prompt_tokens=60_000, max_tokens=0)
    first = world.book.admit(world.snapshot, ask, (paid(),), [])
    second = world.book.admit(world.snapshot, replace(ask, row_id="second"), (paid(),), [])
    assert first is not None
    assert second is not None
    assert first.take(paid()) is None

    failure = second.take(paid())
    assert failure is not None
    assert "account 'a'" in failure.message
    assert second.take(replace(paid(), account=B)) is None
    first.release()
    assert second.take(paid()) is None
    assert world.book.room.reserved.get(of_account(B.id)) is None
    second.release()
    assert world.book.room.reserved == {}


def test_answers_warn_from_the_threshold_until_the_period_ends() -> None:
    world = World(replace(DAILY, warning_threshold=0.5))
    world.spend(4)
    assert not world.book.check(world.snapshot, "k1", [PAID])

    world.spend(1)
    assert world.book.check(world.snapshot, "k1", [PAID])
    assert not world.book.check(world.snapshot, "k2", [PAID])

    world.clock.pass_s(12 * HOUR_S)
    assert not world.book.check(world.snapshot, "k1", [PAID])
