"""The attempts a request may make."""

from omniroute.routing.plan import MAX_ATTEMPTS, plan
from omniroute.routing.resolve import Target
from tests.routing.samples import account, provider, snapshot

ONE, TWO = provider("one", "m"), provider("two", "m")


def test_every_active_account_is_asked_in_order_target_by_target() -> None:
    accounts = [
        account("two", "x"),
        account("one", "a"),
        account("one", "b", is_active=False),
        account("one", "c"),
    ]
    attempts = plan(snapshot([ONE, TWO], accounts), [Target(ONE, "m"), Target(TWO, "n")])
    assert [(one.provider.id, one.account.name, one.model) for one in attempts] == [
        ("one", "a", "m"),
        ("one", "c", "m"),
        ("two", "x", "n"),
    ]


def test_there_is_a_limit() -> None:
    accounts = [account("one", str(number)) for number in range(MAX_ATTEMPTS + 3)]
    attempts = plan(snapshot([ONE], accounts), [Target(ONE, "m")])
    assert [attempt.account.name for attempt in attempts] == [str(number) for number in range(MAX_ATTEMPTS)]


def test_nobody_is_asked_where_there_is_no_account() -> None:
    assert plan(snapshot([ONE]), [Target(ONE, "m")]) == ()
