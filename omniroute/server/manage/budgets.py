"""`/api/usage/budget`: what may be spent, and what was."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from omniroute.api.aliases import Removed
from omniroute.api.budgets import (
    BudgetBody,
    BudgetCheck,
    BudgetEntry,
    BudgetList,
    BudgetSet,
    BudgetStatus,
    Limits,
    NewBudget,
)
from omniroute.clock import iso
from omniroute.gateway.budgets.keeping import unbilled_labels
from omniroute.records import EVERYTHING, Budget, of_account
from omniroute.routing.periods import Period, Span, span_of
from omniroute.server.manage.call import Answer, ManageCall, invalid, not_found
from omniroute.server.manage.rows import commit, note, read
from omniroute.server.manage.usage import write_out
from omniroute.server.manage.views import NANO
from omniroute.store import budgets
from omniroute.store.budgets import NOTHING

ALL_NAME = "all requests"
_AMOUNTS = ("daily_limit_usd", "weekly_limit_usd", "monthly_limit_usd")


async def show_budgets(call: ManageCall) -> Answer:
    """`GET /api/usage/budget`: all of them, or with `keyId` or `apiKeyId` one."""
    subject = _named(call)
    if subject:
        return Answer(await _one(call, _known(call, subject)))
    spending = await _spending(call)
    known = await read(call, budgets.listing)
    subjects = _subjects(call)
    shown = [one for one in subjects if one in known or not one.startswith(of_account(""))]
    entries = [_entry(one, subjects[one], known.get(one), spending) for one in shown]
    return Answer(BudgetList(budgets=entries))


async def set_budget(call: ManageCall) -> BudgetSet:
    """`POST /api/usage/budget`: what is absent stays, 0 removes a limit."""
    new = call.read(NewBudget)
    subject = _known(call, new.key_id or new.api_key_id)
    change = _change(new)

    def put(connection: sa.Connection) -> Budget:
        before = budgets.listing(connection).get(subject, Budget(subject=subject))
        after = replace(before, **change)
        budgets.put(connection, after)
        amounts = {period: str(nano / NANO) for period, nano in after.limits.items()}
        note(call, connection, "budget.set", subject, **amounts, warning=str(after.warning_threshold))
        return after

    after = await commit(call, put)
    shown = _limits(after)
    return BudgetSet(
        success=True,
        api_key_id=subject,
        key_id=subject,
        daily_limit_usd=shown.daily_limit_usd,
        weekly_limit_usd=shown.weekly_limit_usd,
        monthly_limit_usd=shown.monthly_limit_usd,
        warning_threshold=shown.warning_threshold,
    )


async def delete_budget(call: ManageCall) -> Removed:
    """`DELETE /api/usage/budget?keyId=`"""
    subject = _named(call)
    if not subject:
        raise invalid("keyId", "is missing")

    def delete(connection: sa.Connection) -> bool:
        removed = budgets.delete(connection, subject)
        if removed:
            note(call, connection, "budget.delete", subject)
        return removed

    return Removed(success=True, removed=await commit(call, delete))


@dataclass(frozen=True, slots=True)
class _Spending:
    """The running periods, and what every subject spent in them."""

    spans: Mapping[Period, Span]
    spent: Mapping[int, Mapping[str, budgets.Spent]]
    covered: bool

    def used(self, period: Period, subject: str) -> int:
        spent = self.spent[self.spans[period].start_ms].get(subject, NOTHING)
        return spent.counted(covered=self.covered)


async def _spending(call: ManageCall) -> _Spending:
    await write_out(call)
    gateway = call.gateway
    now_ms = gateway.clock.now_ms()
    spans = {period: span_of(period, now_ms, gateway.zone) for period in Period}
    starts = [span.start_ms for span in spans.values()]
    unbilled = unbilled_labels(gateway.snapshot)
    spent = await read(call, lambda c: budgets.spent(c, starts, unbilled=unbilled))
    return _Spending(spans, spent, gateway.snapshot.preferences.budget_count_subscriptions)


async def _one(call: ManageCall, subject: str) -> BudgetBody:
    spending = await _spending(call)
    budget = (await read(call, budgets.listing)).get(subject)
    limits = _limits(budget or Budget(subject=subject))
    daily, weekly, monthly = (spending.used(period, subject) / NANO for period in Period)
    status = _status(budget, spending)
    over = [] if budget is None else _exceeded(budget, spending)
    return BudgetBody(
        daily_total=daily,
        weekly_total=weekly,
        monthly_total=monthly,
        total_entries=await read(call, lambda c: budgets.requests(c, subject)),
        budget=limits if budget is not None else None,
        budget_check=BudgetCheck(
            allowed=not over,
            reason=f"the {' and the '.join(over)} limit is used up" if over else None,
            daily_used=daily,
            daily_limit=limits.daily_limit_usd,
            weekly_used=weekly,
            weekly_limit=limits.weekly_limit_usd,
            monthly_used=monthly,
            monthly_limit=limits.monthly_limit_usd,
            warning_reached=status in ("warning", "exceeded"),
        ),
    )


def _entry(subject: str, name: str, budget: Budget | None, spending: _Spending) -> BudgetEntry:
    shown = _limits(budget or Budget(subject=subject))
    daily, weekly, monthly = (spending.used(period, subject) / NANO for period in Period)
    limits = budget.limits if budget is not None else {}
    main = next((period for period in reversed(Period) if period.value in limits), None)
    limit = limits[main.value] if main is not None else None
    return BudgetEntry(
        key_id=subject,
        key_name=name,
        limit=None if limit is None else limit / NANO,
        period=None if main is None else main.value,
        daily_limit_usd=shown.daily_limit_usd,
        weekly_limit_usd=shown.weekly_limit_usd,
        monthly_limit_usd=shown.monthly_limit_usd,
        warning_threshold=shown.warning_threshold,
        daily_used=daily,
        weekly_used=weekly,
        monthly_used=monthly,
        remaining=None
        if limit is None or main is None
        else max(limit - spending.used(main, subject), 0) / NANO,
        status=_status(budget, spending),
        resets_at=None if main is None else iso(spending.spans[main].end_ms),
    )


def _status(budget: Budget | None, spending: _Spending) -> BudgetStatus:
    if budget is None:
        return "none"
    if _exceeded(budget, spending):
        return "exceeded"
    warned = any(
        spending.used(Period(name), budget.subject) >= limit * budget.warning_threshold
        for name, limit in budget.limits.items()
    )
    return "warning" if warned else "ok"


def _exceeded(budget: Budget, spending: _Spending) -> list[str]:
    return [
        name for name, limit in budget.limits.items() if spending.used(Period(name), budget.subject) >= limit
    ]


def _limits(budget: Budget) -> Limits:
    return Limits(
        daily_limit_usd=(budget.daily_nano_usd or 0) / NANO,
        weekly_limit_usd=(budget.weekly_nano_usd or 0) / NANO,
        monthly_limit_usd=(budget.monthly_nano_usd or 0) / NANO,
        warning_threshold=budget.warning_threshold,
    )


def _named(call: ManageCall) -> str:
    return call.query.get("keyId") or call.query.get("apiKeyId") or ""


def _subjects(call: ManageCall) -> dict[str, str]:
    """Everything that may have a budget, and what people call it."""
    snapshot = call.gateway.snapshot
    keys = sorted(snapshot.keys.values(), key=lambda key: (key.created_at_ms, key.id))
    accounts = {
        of_account(account.id): f"{snapshot.providers[provider_id].label}/{account.name}"
        for provider_id, listed in snapshot.accounts.items()
        for account in listed
    }
    return {EVERYTHING: ALL_NAME, **{key.id: key.name for key in keys}, **accounts}


def _known(call: ManageCall, subject: str) -> str:
    if not subject:
        raise invalid("keyId", "is missing")
    if subject not in _subjects(call):
        raise not_found("API key", subject)
    return subject


def _change(new: NewBudget) -> dict[str, Any]:  # members of several types
    """The members of the budget that change. Raises `ApiError`."""
    if (new.limit is None) != (new.period is None):
        raise invalid("period" if new.period is None else "limit", "stand together")
    amounts = {period: getattr(new, name) for period, name in zip(Period, _AMOUNTS, strict=True)}
    if new.period is not None:
        amounts[Period(new.period)] = new.limit
    change: dict[str, Any] = {
        f"{period}_nano_usd": _nano(period, usd) for period, usd in amounts.items() if usd is not None
    }
    if not change:
        raise invalid("dailyLimitUsd", "at least one limit must be given")
    if new.warning_threshold is not None:
        change["warning_threshold"] = new.warning_threshold
    return change


def _nano(period: Period, usd: float) -> int | None:
    """The exact amount; `None` for 0, which is no limit."""
    nano = Decimal(repr(usd)) * NANO  # what was written, not the binary fraction nearest to it
    if nano != int(nano):
        raise invalid(f"{period}LimitUsd", "must have at most nine decimals")
    return int(nano) or None
