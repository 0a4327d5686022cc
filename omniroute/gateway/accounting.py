"""From an ended request to its row: tokens counted where the provider did not, and a price."""

import logging
from dataclasses import replace

import msgspec

from omniroute.conversation.tokens import count_tokens, family_of
from omniroute.conversation.usage import Usage
from omniroute.gateway.cache.cache import HIT
from omniroute.gateway.idempotency import IDEMPOTENT
from omniroute.gateway.usage_log import UsageEntry
from omniroute.providers.pricing import Prices, cost_nano_usd
from omniroute.records import Price, RequestRow
from omniroute.routing.decision import encode

_log = logging.getLogger(__name__)

_FREE = frozenset({HIT, IDEMPOTENT})

MAX_WORD_CHARS = 2000
"""A string this long without a blank is base64, not words."""


def finish(entry: UsageEntry, prices: Prices) -> RequestRow:
    """The row of an ended request. Pure but for the price memo; runs beside the loop."""
    usage, price = entry.usage, None
    try:
        usage = _counted(entry)
        if entry.provider and entry.model:
            price = prices.price_of(entry.provider, entry.model)
    except Exception:  # noqa: BLE001 - it is a row all the same, and others wait behind it
        _log.exception("request %s is written without what could not be counted", entry.id)
    return RequestRow(
        id=entry.id,
        request_id=entry.request_id,
        started_at_ms=entry.started_at_ms,
        method=entry.method,
        path=entry.path,
        operation=entry.operation,
        client_format=entry.client_format,
        upstream_format=entry.upstream_format,
        requested_model=entry.requested_model,
        provider=entry.provider,
        model=entry.model,
        account_id=entry.account_id,
        account_name=entry.account_name,
        api_key_id=entry.api_key_id,
        api_key_name=entry.api_key_name,
        session_id=_session(entry),
        outcome=entry.outcome,
        status=entry.status,
        error=entry.error,
        stream=entry.stream,
        attempts=tuple(entry.attempts),
        usage=usage,
        cost_nano_usd=_cost(entry, usage, price),
        price_source=price.source if price else None,
        ttft_ms=_ms(entry.first_byte_s, entry.started_s),
        duration_ms=_ms(entry.ended_s, entry.started_s) or 0,
        dropped=tuple(entry.dropped),
        combo=entry.combo,
        cache=entry.cache,
        decision=encode(entry.decision) if entry.decision is not None else None,
    )


def _session(entry: UsageEntry) -> str | None:
    """The client's own name for the conversation, else the one it was given to stay with one account."""
    return entry.session_id or (entry.decision.session if entry.decision is not None else None)


def _cost(entry: UsageEntry, usage: Usage, price: Price | None) -> int | None:
    """`None`: not known. An answer that was given before costs nothing, whatever its model's price."""
    if entry.cache in _FREE:
        return 0
    return cost_nano_usd(usage, price) if price else None


def _counted(entry: UsageEntry) -> Usage:
    """What the provider told; what it left out is counted, and marked as such.

    Only an answer that was begun is counted: a request that never got one has used nothing we know of.
    """
    usage = entry.usage
    told = usage.input is not None and usage.output is not None
    if entry.first_byte_s is None or (told and entry.complete):
        return usage
    counted = usage
    if counted.input is None and entry.prompt is not None:
        prompt = count_tokens(_texts(entry.prompt), family_of(entry.model or ""))
        counted = replace(counted, input=prompt, estimated=True)
    if counted.output is None or not entry.complete:
        output = count_tokens(entry.output_text(), family_of(entry.model or ""))
        # A stream that broke off has told of its first tokens only.
        counted = replace(counted, output=max(output, counted.output or 0), estimated=True)
    return counted


def _texts(body: bytes) -> str:
    """Everything a request says, without its JSON and without media: a picture's base64 is no text."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    texts: list[str] = []
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if len(value) < MAX_WORD_CHARS or any(blank in value for blank in " \n"):
                texts.append(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return "\n".join(texts)


def _ms(end_s: float | None, start_s: float) -> int | None:
    return None if end_s is None else round((end_s - start_s) * 1000)
