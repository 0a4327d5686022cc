"""Requests as they end, read from the live state of the running gateway."""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from omniroute.api.live import LiveStats, RequestLive
from omniroute.cli import output, words
from omniroute.cli.gateway import running_client
from omniroute.client.http import Client, Unreachable
from omniroute.client.live import live_stats

WAIT_S = 1.0
"""Between two looks for a gateway that has gone."""
_RUNNING = "running"
_TIMEOUT_S = 10.0
"""The gateway speaks every second; longer silence is its end."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which requests are wanted."""

    errors: bool
    model: str | None
    provider: str | None

    def takes(self, request: RequestLive) -> bool:
        """Whether the request is wanted."""
        names = f"{request.provider or ''}/{request.model or ''} {request.requested_model or ''}"
        return (
            not (self.errors and request.state == "ok")
            and (self.model is None or self.model.casefold() in names.casefold())
            and (self.provider is None or self.provider == request.provider)
        )


class Ended:
    """Tells which requests have ended since the last look."""

    def __init__(self) -> None:
        self._seen: frozenset[str] | None = None
        self._uptime_s = 0.0

    def since_last(self, stats: LiveStats, *, at_first: int) -> tuple[list[RequestLive], bool]:
        """Those requests, oldest first, and whether some may have been missed.

        The first look gives at most `at_first` of those that had ended before.
        """
        ended = [one for one in stats.requests if one.state != _RUNNING]  # newest first
        restarted, self._uptime_s = stats.uptime_s < self._uptime_s, stats.uptime_s
        before = self._seen
        self._seen = frozenset(one.id for one in ended)
        if before is None:
            return ended[:at_first][::-1], False
        new = [one for one in ended if one.id not in before]
        return new[::-1], not restarted and bool(before) and bool(new) and len(new) == len(ended)


def follow_requests(wanted: Filter, *, limit: int, as_json: bool) -> None:
    """Prints a line for each request that ends, until Ctrl-C; a restart of the gateway is waited out."""
    ended = Ended()
    for stats in _states():
        new, missed = ended.since_last(stats, at_first=limit)
        if missed:
            output.say("… more requests ended than can be shown; all are in: omniroute requests --limit 1000")
        _print([one for one in new if wanted.takes(one)], as_json=as_json)


def line_of(request: RequestLive) -> str:
    """One ended request in one line."""
    tokens = f"{words.count(request.tokens_in)} in {words.count(request.tokens_out)} out"
    result = request.state if request.state == "ok" else f"{request.state} {request.status or ''}".strip()
    model = f"{request.provider}/{request.model}" if request.provider else words.text(request.requested_model)
    parts = [
        words.local(request.started_at),
        output.paint(result.ljust(9), "good" if request.state == "ok" else "bad"),
        model,
        tokens,
        words.money(request.cost_usd),
        words.milliseconds(request.duration_ms),
    ]
    if request.api_key:
        parts.append(f"key {request.api_key}")
    if request.error:
        parts.append(words.one_line(request.error))
    return "  ".join(parts)


def _states() -> Iterator[LiveStats]:
    """The live states of whichever gateway runs. Raises `Unreachable` only when none runs at the start."""
    gateway: Client | None = running_client(timeout_s=_TIMEOUT_S)
    while True:
        if gateway is not None:
            with suppress(Unreachable):  # said below, as a stream that ends by itself is
                yield from live_stats(gateway)
            output.say("the gateway has gone; waiting for it …")
        time.sleep(WAIT_S)
        gateway = _again()


def _again() -> Client | None:
    try:
        found = running_client(timeout_s=_TIMEOUT_S)
    except Unreachable:
        return None
    output.say("the gateway is back")
    return found


def _print(requests: Iterable[RequestLive], *, as_json: bool) -> None:
    for one in requests:
        if as_json:
            output.document_line(one)
        else:
            output.fragment(line_of(one) + "\n")
