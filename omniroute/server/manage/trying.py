"""`/api/combos/test`: asks every member of a combo for a few words."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from omniroute.api.combos import ComboTest, ComboTestResult, MemberResult
from omniroute.clock import iso
from omniroute.errors import Refused
from omniroute.gateway.call import CHAT, Call, ErrorAnswer, TellInBand
from omniroute.gateway.combo_uses import ComboUses
from omniroute.gateway.exchange import exchange
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.health.book import HealthBook
from omniroute.gateway.turns import Turns
from omniroute.records import Combo, ComboConfig, ComboEntry
from omniroute.routing.resolve import route_of
from omniroute.routing.route import Member
from omniroute.server.manage.call import ApiError, ManageCall, not_found
from omniroute.store.combo_hours import TEST

AT_ONCE = 4
_QUESTION = {
    "messages": [{"role": "user", "content": "Say hello."}],
    "max_tokens": 16,
}
_HEADERS = {"X-OmniRoute-No-Cache": "true"}
_OPERATION = replace(CHAT, name=TEST)


@dataclass(slots=True)
class _Noted:
    """The way back to nobody: how the answer began is all that is kept."""

    status: int = 0
    error: str | None = None
    wants_progress: bool = False

    @property
    def begun(self) -> bool:
        """The status is spent."""
        return self.status != 0

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """A whole answer."""
        self.status = status

    async def begin(self, headers: Mapping[str, str]) -> None:
        """No stream is asked for."""

    async def write(self, chunk: bytes) -> None:
        """As above."""

    async def end(self) -> None:
        """As above."""

    async def fail(
        self, error: ErrorAnswer, headers: Mapping[str, str], *, in_band: TellInBand | None = None
    ) -> None:
        """An error, with the status a client would see."""
        self.status, self.error = error.status, error.message

    async def progress(self, event: bytes) -> None:
        """As above."""

    async def keep_alive(self) -> None:
        """As above."""


async def test_combo(call: ManageCall) -> ComboTestResult:
    """`POST /api/combos/test`: no account cools down for it, and nothing is counted for the combo."""
    wanted = call.read(ComboTest)
    snapshot = call.gateway.snapshot
    combo = snapshot.combos.get(wanted.combo_name)
    if combo is None:
        raise not_found("combo", wanted.combo_name)
    awake = replace(combo, is_active=True)
    try:
        route = route_of(replace(snapshot, combos={**snapshot.combos, combo.name: awake}), combo.name)
    except Refused as refused:
        raise ApiError(400, "VALIDATION_FAILED", refused.message) from None
    if route.combo is None:
        raise ApiError(400, "VALIDATION_FAILED", f"the combo {combo.name!r} has no models")
    trying = _Trying(call, combo, wanted.timeout_ms)
    results = (
        await trying.one_by_one(route.members) if wanted.stop_on_first else await trying.all(route.members)
    )
    results += [
        MemberResult(model=entry.model, status="error", status_code=None, error=entry.reason, latency_ms=0)
        for entry in route.unusable
    ]
    return ComboTestResult(
        combo_name=combo.name,
        strategy=combo.strategy,
        resolved_by=next((one.model for one in results if one.status == "ok"), None),
        results=results,
        tested_at=iso(call.gateway.clock.now_ms()),
    )


def _asked_last(gateway: Gateway, member: Member) -> str | None:
    """The name of the account that was asked last, by the test's own book; `None`: none was."""
    uses = {
        account.name: used_s
        for account in gateway.snapshot.accounts.get(member.provider.id, ())
        if (used_s := gateway.health.load(account).last_used_s) is not None
    }
    return max(uses, key=uses.__getitem__, default=None)


class _Trying:
    def __init__(self, call: ManageCall, combo: Combo, timeout_ms: int) -> None:
        self._call = call
        self._combo = combo
        self._timeout_ms = timeout_ms

    async def one_by_one(self, members: Sequence[Member]) -> list[MemberResult]:
        """Until the first has answered."""
        results: list[MemberResult] = []
        for member in members:
            results.append(await self._ask(member))
            if results[-1].status == "ok":
                break
        return results

    async def all(self, members: Sequence[Member]) -> list[MemberResult]:
        """Some at once, the results in the order of the members."""
        slots = asyncio.Semaphore(AT_ONCE)

        async def ask(member: Member) -> MemberResult:
            async with slots:
                return await self._ask(member)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(member), name=f"test {member.label}") for member in members]
        return [task.result() for task in tasks]

    async def _ask(self, member: Member) -> MemberResult:
        clock, reply, gateway = self._call.gateway.clock, _Noted(), self._gateway(member)
        started_s = clock.monotonic_s()
        try:
            async with asyncio.timeout(self._timeout_ms / 1000):
                await exchange(gateway, self._request(), reply)
        except TimeoutError:
            reply.status, reply.error = 504, f"no answer within {self._timeout_ms / 1000:g} s"
        ok = 200 <= reply.status < 300
        return MemberResult(
            model=member.label,
            status="ok" if ok else "error",
            status_code=reply.status or None,
            error=reply.error,
            latency_ms=round((clock.monotonic_s() - started_s) * 1000),
            account=_asked_last(gateway, member),
        )

    def _gateway(self, member: Member) -> Gateway:
        """The gateway itself, with this member alone in the combo, and books of its own."""
        gateway = self._call.gateway
        entry = ComboEntry(model=f"{member.provider.id}/{member.model}", accounts=member.accounts)
        config = ComboConfig(max_retries=0, timeout_ms=max(self._timeout_ms, 1000))
        alone = replace(self._combo, entries=(entry,), config=config, is_active=True)
        snapshot = replace(gateway.snapshot, combos={self._combo.name: alone}, aliases={})
        health = HealthBook(
            gateway.clock,
            preferences=lambda: snapshot.preferences,
            price=gateway.health.price,
            rng=gateway.rng,
        )
        uses = ComboUses(gateway.clock)
        return replace(gateway, snapshot=snapshot, health=health, turns=Turns(), combo_uses=uses)

    def _request(self) -> Call:
        call = self._call
        return Call(
            operation=_OPERATION,
            method="POST",
            path="/api/combos/test",
            headers=_HEADERS,
            body=msgspec.json.encode({"model": self._combo.name, **_QUESTION}),
            request_id=call.request_id,
            key=None,
        )
