"""All that is known of one request, as lines to read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from omniroute.api.live import RequestLive
from omniroute.api.usage import Attempt, CallLogDetail, Tokens
from omniroute.tui import numbers
from omniroute.tui.columns import model_of
from omniroute.tui.words import request_sentence


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: what it is, and its value."""

    name: str
    value: str
    style: str = ""


def outcome(request: RequestLive) -> list[Fact]:
    """How the request ended, or that it runs."""
    code = f", HTTP {request.status}" if request.status else ""
    found = [Fact("State", request_sentence(request) + code, "bold")]
    return [*found, Fact("Error", request.error, "$error")] if request.error else found


def facts(request: RequestLive, detail: CallLogDetail | None) -> list[Fact]:
    """What was asked and what it took; what only the log knows is left out until it was read."""
    found = [*_what(request), *_amounts(request, detail), *_times(request)]
    if detail is not None:
        found += _logged(detail)
    return [*found, Fact("Id", f"{request.request_id}, in the log {request.id}")]


def attempt_lines(attempts: list[Attempt]) -> list[str]:
    """A heading and one line for each try, in their order."""
    rows = [("try", "code", "took", "failure", "provider", "account", "model")]
    rows += [
        (
            str(place),
            str(attempt.status or numbers.DASH),
            numbers.duration_ms(attempt.duration_ms),
            attempt.failure or numbers.DASH,
            attempt.provider,
            attempt.account,
            attempt.model,
        )
        for place, attempt in enumerate(attempts, 1)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _what(request: RequestLive) -> Iterator[Fact]:
    yield Fact("Path", request.path + (", streaming" if request.stream else ""))
    asked = request.requested_model
    yield Fact(
        "Model", model_of(request) + (f", asked for as {asked}" if asked not in {None, request.model} else "")
    )
    account = f", account {request.account}" if request.account else ""
    yield Fact("Provider", (request.provider or numbers.DASH) + account)
    yield Fact("Key", request.api_key or "none")


def _amounts(request: RequestLive, detail: CallLogDetail | None) -> Iterator[Fact]:
    cached = (
        f", {numbers.exact(request.cache_read)} of them from a cache"
        if request.cache_read is not None
        else ""
    )
    yield Fact("Tokens in", numbers.exact(request.tokens_in) + cached)
    counted = ", counted by the gateway" if request.estimated else ""
    yield Fact(
        "Tokens out",
        numbers.exact(request.tokens_out) + (_reasoning(detail.log.tokens) if detail else "") + counted,
    )
    source = f", price from {detail.log.price_source}" if detail and detail.log.price_source else ""
    yield Fact("Cost", numbers.usd(request.cost_usd) + source)


def _reasoning(tokens: Tokens) -> str:
    return f", and {numbers.exact(tokens.reasoning)} of reasoning" if tokens.reasoning is not None else ""


def _times(request: RequestLive) -> Iterator[Fact]:
    yield Fact("Started", _moment(request.started_at))
    parts = [numbers.duration_ms(request.duration_ms) + (" so far" if request.state == "running" else "")]
    if request.ttft_ms is not None:
        parts.append(f"first byte after {numbers.duration_ms(request.ttft_ms)}")
    if request.attempts:
        parts.append(f"{request.attempts} {'try' if request.attempts == 1 else 'tries'}")
    yield Fact("Took", ", ".join(parts))


def _logged(detail: CallLogDetail) -> Iterator[Fact]:
    log = detail.log
    formats = log.source_format
    if log.target_format and log.target_format != log.source_format:
        formats = f"{log.source_format}, sent on as {log.target_format}"
    yield Fact("Format", formats)
    for name, value in (("Combo", log.combo_name), ("Session", log.session_id), ("Cache", log.cache)):
        if value:
            yield Fact(name, value)
    if log.dropped:
        yield Fact("Left out", ", ".join(log.dropped), "$warning")


def _moment(at: str) -> str:
    try:
        return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return numbers.DASH
