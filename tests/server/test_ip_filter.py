"""Addresses that may not talk to the gateway."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from omniroute.records import Scope
from omniroute.records.preferences import IpFilter
from omniroute.server.ip_filter import why_blocked
from tests.running_gateway import (
    CHAT,
    MASTER_KEY,
    MESSAGES,
    TOKEN,
    Got,
    RunningGateway,
    asking,
    running_gateway,
)

FILTER = "/api/settings/ip-filter"
FAR = "203.0.113.9"
TRUSTED: dict[str, Any] = {"trusted_proxies": ("127.0.0.1",)}


@pytest.fixture
async def behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningGateway]:
    """A gateway that believes its proxy, which is this test."""
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    async with running_gateway(tmp_path, **TRUSTED) as running:
        yield running


async def change(running: RunningGateway, body: Mapping[str, Any], **headers: str) -> Got:
    return await running.send("PUT", FILTER, body, headers or {"X-OmniRoute-Token": TOKEN})


async def status(running: RunningGateway, address: str, path: str = CHAT) -> int:
    """What a client there, without a key, is answered: 401 when it may talk to us at all."""
    return (await running.ask(path, asking(path, "demo/echo"), {"X-Forwarded-For": address})).status


@pytest.mark.parametrize(
    ("chosen", "allowed"),
    [
        (IpFilter(), {"1.1.1.1", "2.2.2.2", "3.3.3.3", "2001:db8::1"}),
        (IpFilter(enabled=True, blacklist=("1.1.1.1", "2001:db8::/32")), {"2.2.2.2", "3.3.3.3"}),
        (IpFilter(enabled=False, blacklist=("1.1.1.1",)), {"1.1.1.1", "2.2.2.2", "3.3.3.3", "2001:db8::1"}),
        (
            IpFilter(enabled=True, mode="whitelist", whitelist=("2.2.2.*",), blacklist=("2.2.2.2",)),
            {"2.2.2.2"},
        ),
        (
            IpFilter(
                enabled=True, mode="whitelist-priority", whitelist=("1.1.1.1",), blacklist=("0.0.0.0/0",)
            ),
            {"1.1.1.1", "2001:db8::1"},
        ),
    ],
)
def test_each_mode_lets_in_whom_it_says(chosen: IpFilter, allowed: set[str]) -> None:
    everybody = ("1.1.1.1", "2.2.2.2", "3.3.3.3", "2001:db8::1")
    assert {one for one in everybody if why_blocked(chosen, {}, one, now_ms=0) is None} == allowed
    for here in ("127.0.0.1", "::1", "127.3.2.1"):
        assert why_blocked(chosen, {here: 10}, here, now_ms=0) is None


def test_a_ban_counts_before_the_lists_and_ends() -> None:
    chosen = IpFilter(enabled=True, mode="whitelist", whitelist=(FAR,))
    assert why_blocked(chosen, {FAR: 10}, FAR, now_ms=9) is not None
    assert why_blocked(chosen, {FAR: 10}, f"::ffff:{FAR}", now_ms=9) is not None
    assert why_blocked(chosen, {FAR: 10}, FAR, now_ms=10) is None
    assert why_blocked(chosen, {}, None, now_ms=0) is not None


async def test_a_listed_address_is_turned_away_on_both_planes_at_once_and_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    async with running_gateway(tmp_path, **TRUSTED) as running:
        assert await status(running, FAR) == 401
        changed = await change(running, {"enabled": True, "addBlacklist": "203.0.113.0/24"})
        assert (changed.status, changed.json["blacklist"]) == (200, ["203.0.113.0/24"])
        assert await status(running, FAR) == 403
        assert await status(running, "203.0.114.9") == 401
        managed = await running.send("GET", "/api/keys", headers={"X-Forwarded-For": FAR})
        assert (managed.status, managed.error["code"]) == (403, "IP_BLOCKED")
        told = await running.ask(MESSAGES, asking(MESSAGES), {"X-Forwarded-For": FAR})
        assert (told.status, told.json["type"], told.error["type"]) == (403, "error", "permission_error")
        assert (await running.ask(CHAT, asking(CHAT, "demo/echo"))).status == 200
    async with running_gateway(tmp_path, **TRUSTED) as again:
        assert await status(again, FAR) == 403
        await change(again, {"removeBlacklist": "203.0.113.0/24"})
        assert await status(again, FAR) == 401


async def test_a_ban_turns_away_for_its_time_and_can_be_lifted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    async with running_gateway(tmp_path, **TRUSTED) as running:
        banned = await change(running, {"tempBan": {"ip": FAR, "durationMs": 60_000, "reason": "too eager"}})
        [ban] = banned.json["tempBans"]
        assert (ban["ip"], ban["reason"]) == (FAR, "too eager")
        assert 50_000 < ban["remainingMs"] <= 60_000
        assert await status(running, FAR) == 403
    async with running_gateway(tmp_path, **TRUSTED) as again:
        assert await status(again, FAR) == 403
        assert (await change(again, {"removeBan": FAR})).json["tempBans"] == []
        assert await status(again, FAR) == 401
        assert (await change(again, {"removeBan": FAR})).status == 404


async def test_nobody_turns_himself_away_by_mistake(behind: RunningGateway) -> None:
    key = await behind.add_key(scopes=(Scope.MANAGE,))
    far = {"x-api-key": key, "X-Forwarded-For": FAR}
    for body in ({"enabled": True, "mode": "whitelist"}, {"tempBan": {"ip": FAR}}):
        assert (await change(behind, body, **far)).status == 409
    whitelist = {"ipFilter": {"enabled": True, "mode": "whitelist"}}
    assert (await behind.send("PATCH", "/api/settings", whitelist, far)).status == 409
    unchanged = await behind.send("GET", FILTER, headers=far)
    assert (unchanged.status, unchanged.json["enabled"]) == (200, False)
    forced = {**whitelist, "force": True}
    assert (await behind.send("PATCH", "/api/settings", forced, far)).status == 200
    assert (await change(behind, {"enabled": False, "mode": "blacklist"})).status == 200
    assert (await change(behind, {"enabled": True, "mode": "whitelist", "force": True}, **far)).status == 200
    assert (await behind.send("GET", FILTER, headers=far)).status == 403


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"addBlacklist": "host.example"}, "addBlacklist"),
        ({"whitelist": ["1.2.3.4", "1.2.3"]}, "whitelist"),
        ({"mode": "grey"}, "mode"),
        ({"tempBan": {"ip": "10.0.0.0/8"}}, "tempBan.ip"),
        ({"tempBan": {"ip": "127.0.0.1"}}, "tempBan.ip"),
        ({"tempBan": {"ip": FAR, "durationMs": 10}}, "tempBan.durationMs"),
    ],
)
async def test_what_is_no_address_is_refused(
    behind: RunningGateway, body: dict[str, Any], field: str
) -> None:
    got = await change(behind, body)
    assert (got.status, got.error["details"][0]["field"]) == (400, field)
