"""Conversations of the last half hour, as the rows of their requests tell of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from omniroute.clock import Clock
from omniroute.records import RequestRow

TTL_MS = 30 * 60 * 1000
"""A session is forgotten so long after its last request."""
MAX_SESSIONS = 10_000
"""More than these push out the ones that were silent longest."""


@dataclass(slots=True, kw_only=True)
class Session:
    """One conversation so far: what it used, and where its last answer came from. No text of it."""

    id: str
    api_key_id: str | None
    api_key_name: str | None
    created_at_ms: int
    last_active_ms: int
    requests: int = 0
    provider: str | None = None
    model: str | None = None
    account_id: str | None = None
    account_name: str | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    cost_nano_usd: int | None = None
    """Of the requests whose price is known; `None`: of none it is."""

    def add(self, row: RequestRow) -> None:
        """One more request of it has ended."""
        self.last_active_ms = max(self.last_active_ms, row.started_at_ms + row.duration_ms)
        self.requests += 1
        if row.provider is not None:
            self.provider, self.model = row.provider, row.model
            self.account_id, self.account_name = row.account_id, row.account_name
        self.tokens_in += row.usage.prompt or 0
        self.tokens_out += row.usage.completion or 0
        if row.cost_nano_usd is not None:
            self.cost_nano_usd = (self.cost_nano_usd or 0) + row.cost_nano_usd


class Sessions:
    """Told of rows as they are written; in memory only. Two keys never share a session."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[tuple[str | None, str], Session] = {}
        """By key and id, the one seen last at the end."""

    def observe(self, rows: Sequence[RequestRow]) -> None:
        """Rows have been written; those that belong to no session are passed over."""
        for row in rows:
            if row.session_id is None:
                continue
            key = row.api_key_id, row.session_id
            session = self._known.pop(key, None)
            if session is None or self._is_over(session):
                session = Session(
                    id=row.session_id,
                    api_key_id=row.api_key_id,
                    api_key_name=row.api_key_name,
                    created_at_ms=row.started_at_ms,
                    last_active_ms=row.started_at_ms,
                )
            session.add(row)
            self._known[key] = session
        self._forget_old()

    def listing(self) -> list[Session]:
        """Those that are not over, the newest activity first."""
        self._forget_old()
        alive = (one for one in self._known.values() if not self._is_over(one))
        return sorted(alive, key=lambda one: one.last_active_ms, reverse=True)

    def forget(self, session_id: str) -> int:
        """How many of that id were there, one a key at most; they begin anew."""
        keys = [key for key in self._known if key[1] == session_id]
        for key in keys:
            del self._known[key]
        return len(keys)

    def _forget_old(self) -> None:
        while self._known:
            key = next(iter(self._known))
            if len(self._known) <= MAX_SESSIONS and not self._is_over(self._known[key]):
                return
            del self._known[key]

    def _is_over(self, session: Session) -> bool:
        return session.last_active_ms + TTL_MS <= self._clock.now_ms()
