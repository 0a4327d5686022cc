"""The app as it stands still, for tests that look at it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from omniroute.api.live import LiveStats
from omniroute.api.usage import Attempt, CallLog, CallLogDetail, Tokens
from omniroute.client.http import ApiRefused, Client
from omniroute.tui.app import OmniRouteApp
from omniroute.tui.feed import StatsReceived
from tests.tui.samples import BUSY, FAILED

URL = "http://127.0.0.1:20128"

LOGGED = CallLogDetail(
    log=CallLog(
        id=FAILED.id,
        request_id=FAILED.request_id,
        timestamp=FAILED.started_at,
        method="POST",
        path=FAILED.path,
        status=502,
        outcome="error",
        model="openrouter/deepseek/deepseek-chat-v3.1",
        requested_model=FAILED.requested_model,
        provider="openrouter",
        account="spare",
        connection_id="c3",
        duration=31_000,
        ttft_ms=None,
        tokens=Tokens(
            input=None, output=None, cache_read=None, cache_write=None, reasoning=None, estimated=False
        ),
        cost_usd=None,
        price_source=None,
        source_format="openai_chat",
        target_format="anthropic",
        api_key_id=None,
        api_key_name=None,
        session_id="s-1",
        stream=False,
        attempts=3,
        error=FAILED.error,
        dropped=["logit_bias", "seed"],
    ),
    attempts=[
        Attempt(
            provider="openrouter",
            model="deepseek/deepseek-chat-v3.1",
            connection_id=f"c{place}",
            account=account,
            status=status,
            failure=failure,
            duration_ms=duration_ms,
        )
        for place, (account, status, failure, duration_ms) in enumerate(
            [
                ("main", 429, "rate_limited", 85),
                ("second", None, "connect", 15_000),
                ("spare", 502, "overloaded", 812),
            ]
        )
    ],
)


class FrozenClock:
    """It is always three minutes past twelve."""

    def now_ms(self) -> int:
        """Wall clock."""
        return 1_795_348_995_000

    def monotonic_s(self) -> float:
        """No time passes."""
        return 0.0


class StillApp(OmniRouteApp):
    """The app without its feed: a test is the feed."""

    def __init__(self, fetch: Callable[[str], CallLogDetail]) -> None:
        super().__init__(_no_client, clock=FrozenClock())
        self._fetch = fetch

    def listen(self) -> None:
        """Nothing comes but what a test posts."""

    def _call_log(self, request_id: str) -> CallLogDetail:
        return self._fetch(request_id)


def _no_client() -> Client:
    raise AssertionError("a still app calls nobody")


def _logged(request_id: str) -> CallLogDetail:
    if request_id != FAILED.id:
        raise ApiRefused(404, "NOT_FOUND", f"no request {request_id!r}")
    return LOGGED


@asynccontextmanager
async def shown(
    *keys: str, stats: LiveStats | None = BUSY, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[StillApp, "Pilot[None]"]]:
    """The app after one state and these keys."""
    app = StillApp(_logged)
    async with app.run_test(size=size) as pilot:
        if stats is not None:
            app.post_message(StatsReceived(stats, URL))
        await pilot.pause()
        await pilot.press(*keys)
        await app.workers.wait_for_complete()
        await pilot.pause()
        yield app, pilot


def text_of(app: StillApp) -> str:
    """What stands on the screen."""
    lines = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
    return "\n".join(lines)
