"""Sign-ins that have begun and not ended yet."""

from omniroute.gateway.sign_ins import LIFETIME_S, MOST, SignIn, SignIns, has_state
from omniroute.providers.consent import Asked
from omniroute.records.oauth import FlowKind, Registration
from tests.gateway.health.world import HandClock


def sign_in(name: str, clock: HandClock, closed: list[str] | None = None) -> SignIn:
    """One whose state is its name too."""
    asked = Asked(
        registration=Registration(), redirect_uri="http://localhost/callback", state=name, verifier="v"
    )
    return SignIn(
        id=name,
        provider_id="acme",
        kind=FlowKind.CODE,
        registration=Registration("me", "hush"),
        name=None,
        variables={},
        actor="cli",
        ends_s=clock.monotonic_s() + LIFETIME_S,
        asked=asked,
        close=lambda: closed.append(name) if closed is not None else None,
    )


def test_one_is_found_by_its_id_and_by_the_state_of_its_browser() -> None:
    clock = HandClock()
    sign_ins = SignIns(clock)
    one = sign_in("one", clock)
    sign_ins.add(one)

    assert sign_ins.find("one") is one
    assert sign_ins.of_state("one") is one
    assert sign_ins.find("other") is None
    assert sign_ins.of_state("") is None


def test_its_time_ends_it_and_its_listener() -> None:
    clock, closed = HandClock(), list[str]()
    sign_ins = SignIns(clock)
    sign_ins.add(sign_in("one", clock, closed))

    clock.pass_s(LIFETIME_S - 0.1)
    assert sign_ins.find("one") is not None
    clock.pass_s(0.1)
    assert sign_ins.find("one") is None

    assert closed == ["one"]


def test_beyond_the_most_the_oldest_is_forgotten() -> None:
    clock, closed = HandClock(), list[str]()
    sign_ins = SignIns(clock)
    for number in range(MOST + 2):
        sign_ins.add(sign_in(str(number), clock, closed))

    assert closed == ["0", "1"]
    assert sign_ins.find("2") is not None


def test_a_stop_ends_every_listener() -> None:
    clock, closed = HandClock(), list[str]()
    sign_ins = SignIns(clock)
    sign_ins.add(sign_in("one", clock, closed))

    sign_ins.close()

    assert closed == ["one"]
    assert sign_ins.find("one") is None


def test_one_is_taken_once() -> None:
    one = sign_in("one", HandClock())

    assert [one.take(), one.take()] == [True, False]


def test_a_state_of_any_characters_is_compared() -> None:
    one = sign_in("one", HandClock())

    assert has_state(one, "one")
    assert not has_state(one, "\udcff")
    assert not has_state(one, None)


def test_no_secret_shows_in_a_repr() -> None:
    assert "hush" not in repr(sign_in("state-1", HandClock())).replace("id='state-1'", "")
    assert "state-1" not in repr(sign_in("state-1", HandClock())).replace("id='state-1'", "")
