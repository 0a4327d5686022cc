"""Requests as the call log shows them."""

import msgspec

from omniroute.api.routing import Decision
from omniroute.api.usage import Attempt, CallLog, Tokens
from omniroute.clock import iso
from omniroute.conversation.usage import Usage
from omniroute.records import AttemptRow, RequestRow
from omniroute.server.manage.views import NANO


def shown_call(row: RequestRow) -> CallLog:
    """One request."""
    return CallLog(
        id=row.id,
        request_id=row.request_id,
        timestamp=iso(row.started_at_ms),
        method=row.method,
        path=row.path,
        status=row.status,
        outcome=row.outcome.value,
        model=None if row.model is None else f"{row.provider}/{row.model}",
        requested_model=row.requested_model,
        provider=row.provider,
        account=row.account_name,
        connection_id=row.account_id,
        duration=row.duration_ms,
        ttft_ms=row.ttft_ms,
        tokens=_tokens(row.usage),
        cost_usd=None if row.cost_nano_usd is None else row.cost_nano_usd / NANO,
        price_source=row.price_source,
        source_format=row.client_format,
        target_format=row.upstream_format,
        combo_name=row.combo,
        cache=row.cache,
        api_key_id=row.api_key_id,
        api_key_name=row.api_key_name,
        session_id=row.session_id,
        stream=row.stream,
        attempts=len(row.attempts),
        error=row.error,
        dropped=list(row.dropped),
    )


def shown_attempt(attempt: AttemptRow) -> Attempt:
    """One try."""
    return Attempt(
        provider=attempt.provider,
        model=attempt.model,
        connection_id=attempt.account_id,
        account=attempt.account_name,
        status=attempt.status,
        failure=attempt.failure,
        duration_ms=attempt.duration_ms,
    )


def shown_decision(row: RequestRow) -> Decision | None:
    """Why it went where it went; `None` when that was not kept, or by a version that says it otherwise."""
    if row.decision is None:
        return None
    try:
        return msgspec.json.decode(row.decision, type=Decision)
    except msgspec.MsgspecError:
        return None


def _tokens(usage: Usage) -> Tokens:
    writes = [count for count in (usage.cache_write, usage.cache_write_1h) if count is not None]
    return Tokens(
        input=usage.input,
        output=usage.output,
        cache_read=usage.cache_read,
        cache_write=sum(writes) if writes else None,
        reasoning=usage.reasoning,
        estimated=usage.estimated,
    )
