"""What was used at the running gateway. Calls raise as `Client` does."""

from dataclasses import dataclass

from omniroute.api.usage import CallLog, CallLogDetail, History
from omniroute.client.http import Client, segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of time. `None`: no limit on that side."""

    since: str | None = None
    """An ISO instant, or how long ago: `90m`, `24h`, `7d`."""
    until: str | None = None
    """As `since`; not included."""
    range: str | None = None
    """`1d`, `7d`, `30d`, `90d`, `ytd` or `all`, in whole days of the gateway's time zone; goes alone."""


WHOLE = Span()


def history(
    client: Client,
    span: Span = WHOLE,
    *,
    provider: str | None = None,
    model: str | None = None,
    api_key_id: str | None = None,
) -> History:
    """Sums by provider, model, account, key and day."""
    query = {
        "range": span.range,
        "since": span.since,
        "until": span.until,
        "provider": provider,
        "model": model,
        "apiKeyId": api_key_id,
    }
    return client.get("/api/usage/history", History, query)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilters:
    """Which requests to list; `None` sets no limit."""

    status: str | None = None
    """`ok`, `error` (all that is not ok), `cut`, `cancelled`, or an HTTP status."""
    model: str | None = None
    """Part of the used or the requested model's name."""
    provider: str | None = None
    account: str | None = None
    """Name or id."""
    api_key: str | None = None
    """Part of the key's name or id."""
    search: str | None = None
    """Part of a model, path, account, key, error or request id."""


EVERY_CALL = CallFilters()


def call_logs(
    client: Client,
    filters: CallFilters = EVERY_CALL,
    span: Span = WHOLE,
    *,
    limit: int = 200,
    offset: int = 0,
) -> list[CallLog]:
    """Requests, newest first."""
    query = {
        "status": filters.status,
        "model": filters.model,
        "provider": filters.provider,
        "account": filters.account,
        "apiKey": filters.api_key,
        "search": filters.search,
        "range": span.range,
        "since": span.since,
        "until": span.until,
        "limit": limit,
        "offset": offset,
    }
    return client.get("/api/usage/call-logs", list[CallLog], query)


def call_log(client: Client, call_id: str) -> CallLogDetail:
    """One request with its attempts."""
    return client.get(f"/api/usage/call-logs/{segment(call_id)}", CallLogDetail)
