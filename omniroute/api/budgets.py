"""What keys, accounts and all requests together may spend. Amounts are US dollars, at most nine decimals."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

PeriodName = Literal["daily", "weekly", "monthly"]
BudgetStatus = Literal["ok", "warning", "exceeded", "none"]
Usd = Annotated[float, Meta(ge=0, le=1_000_000)]
Threshold = Annotated[float, Meta(gt=0, le=1)]


class BudgetEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One subject, what it may spend, and what it spent in the running periods. A limit of 0 is none."""

    key_id: str
    """A key's id, `account:` and an account's id, or `*` for all requests."""
    key_name: str | None
    limit: float | None
    """The limit with the longest period."""
    period: PeriodName | None
    """Of that limit."""
    daily_limit_usd: float
    weekly_limit_usd: float
    monthly_limit_usd: float
    warning_threshold: float
    daily_used: float
    weekly_used: float
    monthly_used: float
    remaining: float | None
    """Of `limit`."""
    status: BudgetStatus
    """The worst of its limits."""
    resets_at: str | None
    """When `period` ends."""


class BudgetList(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/usage/budget`: all requests, every key, and the accounts that have a budget."""

    budgets: list[BudgetEntry]


class Limits(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The limits of one subject."""

    daily_limit_usd: float
    weekly_limit_usd: float
    monthly_limit_usd: float
    warning_threshold: float


class BudgetCheck(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether a request would be let through."""

    allowed: bool
    reason: str | None
    daily_used: float
    daily_limit: float
    weekly_used: float
    weekly_limit: float
    monthly_used: float
    monthly_limit: float
    warning_reached: bool


class BudgetBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/usage/budget?keyId=`."""

    daily_total: float
    weekly_total: float
    monthly_total: float
    total_entries: int
    """Requests ever."""
    budget: Limits | None
    budget_check: BudgetCheck


class NewBudget(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/usage/budget`, in one of two forms; what is absent stays, 0 removes a limit."""

    key_id: str = ""
    limit: Usd | None = None
    period: PeriodName | None = None
    """Of `limit`."""
    api_key_id: str = ""
    """The same as `keyId`."""
    daily_limit_usd: Usd | None = None
    weekly_limit_usd: Usd | None = None
    monthly_limit_usd: Usd | None = None
    warning_threshold: Threshold | None = None


class BudgetSet(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `POST /api/usage/budget`: what holds from now on."""

    success: bool
    api_key_id: str
    key_id: str
    daily_limit_usd: float
    weekly_limit_usd: float
    monthly_limit_usd: float
    warning_threshold: float
