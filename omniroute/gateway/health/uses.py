"""How busy accounts are, and how fast and sound models have been of late. In memory only."""

from collections.abc import Iterable, Mapping

from omniroute.records.preferences import RateLimitDefaults
from omniroute.routing.outlook import Load

RECENT_S = 300.0
LOOK_AGAIN_S = 0.05
"""When to look again whether one of too many calls has ended."""
_MINUTES = 60
_SHARE = 0.2
"""Weight of the newest call in a running mean: about the last ten count."""
_IDLE = Load()


class _Use:
    __slots__ = ("consecutive", "failed_s", "in_flight", "last_used_s", "minutes")

    def __init__(self) -> None:
        self.in_flight = 0
        self.last_used_s: float | None = None
        self.failed_s: float | None = None
        self.consecutive = 0
        self.minutes: dict[int, int] = {}
        """Calls by minute; at most the last hour's."""


class Uses:
    """Counts calls by account."""

    def __init__(self) -> None:
        self._uses: dict[str, _Use] = {}
        self._last: dict[str, str] = {}
        """Provider id to the account that was used last."""

    def restore(self, calls: Iterable[tuple[str, str, float]], *, now_s: float) -> None:
        """Calls that were made before the start, the oldest first: provider, account and instant."""
        for provider_id, account_id, at_s in calls:
            if at_s <= now_s:  # else the machine's clock was set back meanwhile
                self._count(provider_id, account_id, at_s)

    def begin(self, provider_id: str, account_id: str, now_s: float) -> None:
        """A call begins."""
        self._count(provider_id, account_id, now_s).in_flight += 1

    def _count(self, provider_id: str, account_id: str, now_s: float) -> _Use:
        use = self._uses.get(account_id)
        if use is None:
            use = self._uses[account_id] = _Use()
        use.last_used_s = now_s
        use.consecutive = use.consecutive + 1 if self._last.get(provider_id) == account_id else 1
        self._last[provider_id] = account_id
        minute = int(now_s // 60)
        use.minutes[minute] = use.minutes.get(minute, 0) + 1
        if len(use.minutes) > _MINUTES:
            use.minutes = {at: count for at, count in use.minutes.items() if at > minute - _MINUTES}
        return use

    def last_used_s(self, account_id: str) -> float | None:
        """When its last call began; `None`: there was none."""
        use = self._uses.get(account_id)
        return None if use is None else use.last_used_s

    def free_at_s(self, account_id: str, limit: RateLimitDefaults, now_s: float) -> float | None:
        """When one more call keeps within the limit; `None`: now."""
        use = self._uses.get(account_id)
        if use is None:
            return None
        waits = [now_s]
        if use.in_flight >= limit.concurrent_requests:
            waits.append(now_s + LOOK_AGAIN_S)  # nobody knows when one of them ends
        if use.last_used_s is not None:
            waits.append(use.last_used_s + limit.min_time_between_requests / 1000)
        minute = int(now_s // 60)
        if use.minutes.get(minute, 0) >= limit.requests_per_minute:
            waits.append((minute + 1) * 60.0)
        return max(waits) if max(waits) > now_s else None

    def end(self, account_id: str, now_s: float, *, failed: bool | None) -> None:
        """A call has ended; `failed` `None`: for reasons that say nothing of the account."""
        use = self._uses.get(account_id)
        if use is None:
            return
        use.in_flight -= 1
        if failed is not None:
            use.failed_s = now_s if failed else None

    def load(self, account_id: str, now_s: float, *, backoff_level: int) -> Load:
        """How busy it is."""
        use = self._uses.get(account_id)
        if use is None:
            return _IDLE
        first = int(now_s // 60) - _MINUTES
        return Load(
            in_flight=use.in_flight,
            failed_recently=use.failed_s is not None and now_s - use.failed_s < RECENT_S,
            backoff_level=backoff_level,
            last_used_s=use.last_used_s,
            consecutive_uses=use.consecutive,
            uses_last_hour=sum(count for minute, count in use.minutes.items() if minute > first),
        )

    def in_flight(self) -> Mapping[str, int]:
        """Calls under way by account, where there are any."""
        return {account_id: use.in_flight for account_id, use in self._uses.items() if use.in_flight}


class Speeds:
    """Running means by provider and model."""

    def __init__(self) -> None:
        self._latency_ms: dict[tuple[str, str], float] = {}
        self._success: dict[tuple[str, str], float] = {}

    def answered(self, provider_id: str, model: str, latency_ms: float | None) -> None:
        """A call was answered; `latency_ms` to its first byte."""
        key = (provider_id, model)
        self._success[key] = _mean(self._success.get(key), 1.0)
        if latency_ms is not None:
            self._latency_ms[key] = _mean(self._latency_ms.get(key), latency_ms)

    def failed(self, provider_id: str, model: str) -> None:
        """A call failed for reasons of the provider's."""
        key = (provider_id, model)
        self._success[key] = _mean(self._success.get(key), 0.0)

    def latency_ms(self, provider_id: str, model: str) -> float | None:
        """Usual time to the first byte; `None`: nothing is known."""
        return self._latency_ms.get((provider_id, model))

    def success_rate(self, provider_id: str, model: str) -> float | None:
        """Share of answered calls; `None`: nothing is known."""
        return self._success.get((provider_id, model))


def _mean(known: float | None, new: float) -> float:
    return new if known is None else known + _SHARE * (new - known)
