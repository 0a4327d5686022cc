"""All that is known of one request, as lines to read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from omniroute.api.live import RequestLive
from omniroute.api.usage import Attempt, CallLogDetail, Tokens
from omniroute.tui import numbers
from omniroute.tui.words import request_sentence


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: what it is, and its value."""

    name: str
    value: str
    style: str = ""


def facts(request: RequestLive, detail: CallLogDetail | None) -> list[Fact]:
    """The request from top to bottom; what only the log knows is left out until it was read."""
    found = [*_what(request), *_tokens(request, detail), *_times(request)]
    if detail is not None:
        found += _logged(detail)
    if request.error:
        found.append(Fact("Error", request.error, "$error"))
    return found


def attempt_lines(attempts: list[Attempt]) -> list[str]:
    """A heading and one line for each try, in their order."""
    rows = [("#", "provider", "account", "model", "code", "took", "failure")]
    rows += [
        (
            str(place),
            attempt.provider,
            attempt.account,
            attempt.model,
            str(attempt.status or numbers.DASH),
            numbers.duration_ms(attempt.duration_ms),
            attempt.failure or numbers.DASH,
        )
        for place, attempt in enumerate(attempts, 1)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _what(request: RequestLive) -> Iterator[Fact]:
    code = f", HTTP {request.status}" if request.status else ""
    yield Fact("State", request_sentence(request) + code, "bold")
    yield Fact("Path", request.path + (", streaming" if request.stream else ""))
    yield Fact("Asked for", request.requested_model or numbers.DASH)
    yield Fact("Model", request.model or numbers.DASH)
    account = f", account {request.account}" if request.account else ""
    yield Fact("Provider", (request.provider or numbers.DASH) + account)
    yield Fact("Key", request.api_key or "none")
    yield Fact("Id", request.request_id)


def _tokens(request: RequestLive, detail: CallLogDetail | None) -> Iterator[Fact]:
    counted = " (counted here: the provider did not say)" if request.estimated else ""
    cached = f", {numbers.exact(request.cache_read)} of them cached" if request.cache_read is not None else ""
    yield Fact("Tokens in", numbers.exact(request.tokens_in) + cached + counted)
    yield Fact(
        "Tokens out", numbers.exact(request.tokens_out) + (_reasoning(detail.log.tokens) if detail else "")
    )
    source = f", {detail.log.price_source}" if detail and detail.log.price_source else ""
    yield Fact("Cost", numbers.usd(request.cost_usd) + source)


def _reasoning(tokens: Tokens) -> str:
    return f", and {numbers.exact(tokens.reasoning)} of reasoning" if tokens.reasoning is not None else ""


def _times(request: RequestLive) -> Iterator[Fact]:
    yield Fact("Started", _moment(request.started_at))
    yield Fact("First byte", numbers.duration_ms(request.ttft_ms))
    so_far = " so far" if request.state == "running" else ""
    yield Fact("Took", numbers.duration_ms(request.duration_ms) + so_far)
    yield Fact("Tries", str(request.attempts or numbers.DASH))


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
