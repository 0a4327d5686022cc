"""Who tries keys is locked out."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.clock import SystemClock
from omniroute.server.lockout import (
    FIRST_LOCK_MS,
    LONGEST_LOCK_MS,
    MOST_FAILURES,
    REPEATED_MS,
    WINDOW_MS,
    after_failure,
    identifiers,
)
from omniroute.store.lockouts import Lockout
from tests.running_gateway import CHAT, MASTER_KEY, TOKEN, Got, RunningGateway, asking, running_gateway

FAR = "203.0.113.9"
OTHER = "203.0.113.10"
WRONG = "sk-omr-0123456789012345678901234567890123456789012"


class MovedClock(SystemClock):
    """The machine's clock, some time ahead."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return super().now_ms() + self.ahead_ms


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: MovedClock
) -> AsyncIterator[RunningGateway]:
    """A gateway that believes its proxy, which is this test."""
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    async with running_gateway(tmp_path, clock=clock, trusted_proxies=("127.0.0.1",)) as running:
        yield running


async def ask(running: RunningGateway, key: str, address: str = FAR) -> Got:
    return await running.ask(CHAT, asking(CHAT, "demo/echo"), {"x-api-key": key, "X-Forwarded-For": address})


def guesses() -> list[str]:
    """Wrong keys, each of another beginning."""
    return [f"sk-omr-{number:04}{'x' * 39}" for number in range(MOST_FAILURES)]


async def test_too_many_wrong_keys_lock_an_address_out_and_the_right_one_too(
    behind: RunningGateway, clock: MovedClock
) -> None:
    right = await behind.add_key()
    assert [(await ask(behind, key)).status for key in guesses()] == [401] * MOST_FAILURES

    locked = await ask(behind, right)

    assert (locked.status, locked.error["code"]) == (429, "locked_out")
    assert 0 < int(locked.headers["Retry-After"]) <= FIRST_LOCK_MS // 1000
    assert (await ask(behind, right, OTHER)).status == 200
    clock.ahead_ms += FIRST_LOCK_MS
    assert (await ask(behind, right)).status == 200


async def test_a_right_key_forgives_the_wrong_ones(behind: RunningGateway) -> None:
    right = await behind.add_key()
    for key in guesses()[1:]:
        await ask(behind, key)
    assert (await ask(behind, right)).status == 200
    assert [(await ask(behind, key)).status for key in guesses()[1:]] == [401] * (MOST_FAILURES - 1)
    assert (await ask(behind, right)).status == 200


async def test_a_lock_is_there_after_a_restart_and_can_be_lifted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    trusted: dict[str, Any] = {"trusted_proxies": ("127.0.0.1",)}
    async with running_gateway(tmp_path, **trusted) as before:
        right = await before.add_key()
        for key in guesses():
            await ask(before, key)
    async with running_gateway(tmp_path, **trusted) as after:
        assert (await ask(after, right)).status == 429
        body = {"action": "unlock", "identifier": f"ip:{FAR}"}
        token = {"X-OmniRoute-Token": TOKEN}
        listed = await after.send("GET", "/api/policies", headers=token)
        assert [one["identifier"] for one in listed.json["lockedIdentifiers"]] == [f"ip:{FAR}"]
        assert (await after.send("POST", "/api/policies", body, token)).status == 200
        assert (await ask(after, right)).status == 200
        audit = await after.send("GET", "/api/compliance/audit-log?action=auth.*", headers=token)
        assert [(one["action"], one["target"]) for one in audit.json["entries"]] == [
            ("auth.unlock", f"ip:{FAR}"),
            ("auth.lockout", f"ip:{FAR}"),
        ]


async def test_a_program_with_an_old_key_locks_out_nobody_else_on_this_machine(
    running: RunningGateway,
) -> None:
    right = await running.add_key()
    wrong = {"x-api-key": WRONG}
    statuses = [
        (await running.ask(CHAT, asking(CHAT, "demo/echo"), wrong)).status for _ in range(MOST_FAILURES + 1)
    ]
    assert statuses == [401] * MOST_FAILURES + [429]
    for headers in ({"x-api-key": right}, {"X-OmniRoute-Token": TOKEN}, {}):
        assert (await running.ask(CHAT, asking(CHAT, "demo/echo"), headers)).status == 200
    both = {**wrong, "X-OmniRoute-Token": TOKEN}
    assert (await running.ask(CHAT, asking(CHAT, "demo/echo"), both)).status == 200


async def test_open_paths_do_not_help_with_guessing(behind: RunningGateway) -> None:
    for key in guesses():
        headers = {"x-api-key": key, "X-Forwarded-For": FAR}
        assert (await behind.send("GET", "/api/monitoring/health", headers=headers)).status == 200
    assert (await ask(behind, await behind.add_key())).status == 429


async def test_a_client_cannot_say_itself_where_it_is(running: RunningGateway) -> None:
    for key in guesses():
        await ask(running, key)
    locked = await running.send("GET", "/api/policies", headers={"X-OmniRoute-Token": TOKEN})
    assert locked.json["lockedIdentifiers"] == []


async def test_behind_a_trusted_proxy_nobody_is_local(behind: RunningGateway) -> None:
    far = {"X-Forwarded-For": f"127.0.0.1, {FAR}"}
    assert (await behind.ask(CHAT, asking(CHAT, "demo/echo"), far)).status == 401
    with_token = await behind.send("GET", "/api/keys", headers={**far, "X-OmniRoute-Token": TOKEN})
    assert with_token.status == 401


def test_only_keys_of_ours_and_addresses_of_others_are_locked() -> None:
    assert identifiers(FAR, [WRONG, "a password"]) == ["key:sk-omr-0123", f"ip:{FAR}"]
    assert identifiers("127.0.0.1", [WRONG]) == ["key:sk-omr-0123"]
    assert identifiers(None, ["a password"]) == []


@given(st.lists(st.integers(0, WINDOW_MS), max_size=60))
def test_a_lock_takes_so_many_failures_in_so_short_a_time(gaps_ms: list[int]) -> None:
    now_ms, times_ms = REPEATED_MS * 10, []
    lock = Lockout(identifier="ip:x")
    for gap_ms in gaps_ms:
        now_ms += gap_ms
        times_ms.append(now_ms)
        before, lock = lock, after_failure(lock, now_ms)
        is_new = lock.times_locked != before.times_locked or lock.locked_until_ms != before.locked_until_ms
        if is_new:
            assert now_ms - times_ms[-MOST_FAILURES] < WINDOW_MS
            times_ms.clear()


def test_locks_grow_within_a_day_up_to_one_and_begin_anew_after_it() -> None:
    lock, now_ms, lasting_ms = Lockout(identifier="ip:x"), REPEATED_MS * 10, []
    for _ in range(9):
        for _ in range(MOST_FAILURES):
            lock = after_failure(lock, now_ms)
        lasting_ms.append(lock.locked_until_ms - now_ms)
        now_ms = lock.locked_until_ms + 1
    assert lasting_ms == [min(FIRST_LOCK_MS * 2**turn, LONGEST_LOCK_MS) for turn in range(9)]
    now_ms += REPEATED_MS
    for _ in range(MOST_FAILURES):
        lock = after_failure(lock, now_ms)
    assert lock.locked_until_ms - now_ms == FIRST_LOCK_MS
