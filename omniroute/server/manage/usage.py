"""`/api/usage`: sums over requests, and the requests one by one."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import tzinfo

import sqlalchemy as sa

from omniroute.api.usage import Active, CallLogDetail, Group, History, Minute
from omniroute.errors import StoreError
from omniroute.gateway.usage_log import UsageEntry
from omniroute.server.build import time_zone
from omniroute.server.manage.call import Answer, ApiError, ManageCall, not_found
from omniroute.server.manage.call_views import shown_attempt, shown_call, shown_decision
from omniroute.server.manage.rows import read
from omniroute.server.manage.span import read_span
from omniroute.server.manage.views import NANO, shown_instant
from omniroute.store import requests, usage
from omniroute.store.usage import By, Sums

_DEFAULT_ROWS = 200


async def show_history(call: ManageCall) -> History:
    """`GET /api/usage/history`"""
    await write_out(call)
    now_ms = call.gateway.clock.now_ms()
    zone = _zone(call)
    span = read_span(call.query, now_ms, zone, begin="startDate", end="endDate")
    chosen = usage.Filter(
        since_ms=span.since_ms,
        until_ms=span.until_ms,
        provider=_label(call, call.query.get("provider")),
        model=call.query.get("model"),
        api_key_id=call.query.get("apiKeyId"),
    )

    def sum_up(connection: sa.Connection) -> History:
        totals = usage.totals(connection, chosen)
        groups = {by: usage.grouped(connection, chosen, by, timezone=zone) for by in By}
        return History(
            total_requests=totals.requests,
            total_prompt_tokens=totals.prompt,
            total_completion_tokens=totals.completion,
            total_cost=totals.cost_nano_usd / NANO,
            unpriced_requests=totals.unpriced,
            by_provider=_by_name(groups[By.PROVIDER], lambda group: group.provider or "-"),
            by_model=_by_name(groups[By.MODEL], _of_model),
            by_account=_by_name(groups[By.ACCOUNT], _of_account),
            by_api_key=_by_name(groups[By.KEY], _of_key),
            by_day=_by_name(groups[By.DAY], lambda group: group.day or "-"),
            last_10_minutes=[_minute(minute) for minute in usage.last_ten_minutes(connection, now_ms)],
            active_requests=_active(call.gateway.live.running()),
        )

    return await read(call, sum_up)


async def list_calls(call: ManageCall) -> Answer:
    """`GET /api/usage/call-logs`: newest first; `X-Total-Count` says how many there are in all."""
    await write_out(call)
    query = call.query
    span = read_span(query, call.gateway.clock.now_ms(), _zone(call), begin="from", end="to")
    filters = requests.Filters(
        status=query.get("status"),
        model=query.get("model"),
        provider=_label(call, query.get("provider")),
        account=query.get("account"),
        api_key=query.get("apiKey"),
        search=query.get("search"),
        since_ms=span.since_ms,
        until_ms=span.until_ms,
    )
    limit = call.number("limit", _DEFAULT_ROWS, lowest=1)
    offset = call.number("offset", 0, highest=1_000_000_000)
    rows, total = await read(call, lambda c: requests.listing(c, filters, limit=limit, offset=offset))
    return Answer([shown_call(row) for row in rows], headers={"X-Total-Count": str(total)})


async def show_call(call: ManageCall) -> CallLogDetail:
    """`GET /api/usage/call-logs/{id}`: by the row's id, or the newest of that `X-Request-Id`."""
    await write_out(call)
    wanted = call.params["id"]
    row = await read(call, lambda c: requests.find(c, wanted) or requests.find_asked(c, wanted))
    if row is None:
        raise not_found("request", wanted)
    return CallLogDetail(
        log=shown_call(row),
        attempts=[shown_attempt(one) for one in row.attempts],
        decision=shown_decision(row),
    )


async def write_out(call: ManageCall) -> None:
    """Requests that have ended are in the sums from now on. Raises `ApiError` when they cannot be."""
    try:
        await call.gateway.usage_log.flush()
    except StoreError as error:
        raise ApiError(503, "SERVICE_UNAVAILABLE", str(error)) from None


def _label(call: ManageCall, name: str | None) -> str | None:
    """The name under which a provider's requests are counted."""
    snapshot = call.gateway.snapshot
    if name is None or name not in snapshot.names:
        return name  # a provider of the past
    return snapshot.providers[snapshot.names[name]].label


def _zone(call: ManageCall) -> tzinfo | None:
    """Whose days are meant; `None`: the machine's own."""
    return time_zone(call.gateway.settings.timezone)


def _by_name(groups: Iterable[usage.Group], name_of: Callable[[usage.Group], str]) -> dict[str, Group]:
    """Groups under their names; an account that was removed and added again is one."""
    named: dict[str, usage.Group] = {}
    for group in groups:
        name = name_of(group)
        same = named.get(name)
        named[name] = group if same is None else replace(group, sums=_added(same.sums, group.sums))
    return {name: _shown(group) for name, group in named.items()}


def _added(one: Sums, other: Sums) -> Sums:
    counts = {
        name: getattr(one, name) + getattr(other, name) for name in Sums.__slots__ if name != "last_used_ms"
    }
    return Sums(**counts, last_used_ms=max(one.last_used_ms or 0, other.last_used_ms or 0) or None)


def _shown(group: usage.Group) -> Group:
    sums = group.sums
    return Group(
        requests=sums.requests,
        errors=sums.errors,
        prompt_tokens=sums.prompt,
        completion_tokens=sums.completion,
        cache_read_tokens=sums.cache_read,
        cache_write_tokens=sums.cache_write,
        reasoning_tokens=sums.reasoning,
        estimated_requests=sums.estimated,
        cost=sums.cost_nano_usd / NANO,
        unpriced_requests=sums.unpriced,
        last_used=shown_instant(sums.last_used_ms),
        provider=group.provider,
        raw_model=group.model,
        api_key_id=group.api_key_id,
        api_key_name=group.api_key_name,
    )


def _of_model(group: usage.Group) -> str:
    return "-" if group.model is None else f"{group.model} ({group.provider})"


def _of_account(group: usage.Group) -> str:
    if group.model is None:
        return "-"
    return f"{group.model} ({group.provider} - {group.account_name})"


def _of_key(group: usage.Group) -> str:
    return "-" if group.api_key_id is None else f"{group.api_key_name} ({group.api_key_id})"


def _minute(minute: usage.Minute) -> Minute:
    return Minute(
        requests=minute.requests,
        prompt_tokens=minute.prompt,
        completion_tokens=minute.completion,
        cost=minute.cost_nano_usd / NANO,
    )


def _active(running: Iterable[UsageEntry]) -> list[Active]:
    """Requests under way, most first; one that is not routed yet goes nowhere."""
    places = Counter(
        (entry.model or entry.requested_model or "-", entry.provider or "-", entry.account_name or "-")
        for entry in running
    )
    return [
        Active(model=model, provider=provider, account=account, count=count)
        for (model, provider, account), count in places.most_common()
    ]
