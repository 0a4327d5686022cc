"""Fixed states of a gateway."""

import math

from omniroute.api.live import (
    RING_SECONDS,
    Latency,
    LiveStats,
    ProviderLive,
    RequestLive,
    Series,
    Totals,
)

EMPTY = LiveStats(
    at="2026-11-22T12:03:10.250Z",
    version="0.1.0",
    uptime_s=4.2,
    active_requests=0,
    requests_per_s=0,
    tokens_per_s=0,
    last_15_min=Totals(),
    today=Totals(),
    latency=Latency(),
    ttft=Latency(),
    series=Series(requests=[0] * RING_SECONDS, tokens=[0] * RING_SECONDS, latency_p50=[None] * RING_SECONDS),
    providers=[],
    requests=[],
)

RUNNING = RequestLive(
    id="r-running",
    request_id="req_01",
    started_at="2026-11-22T12:03:08.000Z",
    state="running",
    path="/v1/messages",
    requested_model="claude-opus-4-5",
    provider="anthropic",
    model="claude-opus-4-5-20251101",
    account="work",
    api_key="laptop",
    stream=True,
    ttft_ms=812,
    duration_ms=2250,
    attempts=1,
)

ANSWERED = RequestLive(
    id="r-ok",
    request_id="req_02",
    started_at="2026-11-22T12:03:01.000Z",
    state="ok",
    path="/v1/chat/completions",
    requested_model="gpt-5.2",
    provider="openai",
    model="gpt-5.2-2025-12-11",
    account="main",
    api_key="ci",
    status=200,
    stream=True,
    tokens_in=12_345,
    tokens_out=678,
    cache_read=10_240,
    cost_usd=0.0123,
    ttft_ms=420,
    duration_ms=8_120,
    attempts=1,
)

FAILED = RequestLive(
    id="r-error",
    request_id="req_03",
    started_at="2026-11-22T12:02:40.000Z",
    state="error",
    path="/v1/chat/completions",
    requested_model="deepseek/deepseek-chat",
    provider="openrouter",
    model="deepseek/deepseek-chat-v3.1",
    account="spare",
    status=502,
    duration_ms=31_000,
    attempts=3,
    error="every account failed; the last one said: 502 upstream connect error",
)

LEFT = RequestLive(
    id="r-left",
    request_id="req_04",
    started_at="2026-11-22T12:01:00.000Z",
    state="cancelled",
    path="/v1/messages",
    requested_model="qwen3:32b",
    provider="ollama",
    model="qwen3:32b",
    status=200,
    stream=True,
    tokens_in=96,
    tokens_out=1_234_567,
    estimated=True,
    ttft_ms=65,
    duration_ms=125_000,
    attempts=1,
)

CUT = RequestLive(
    id="r-cut",
    request_id="req_05",
    started_at="2026-11-22T12:00:12.000Z",
    state="cut",
    path="/v1/messages",
    requested_model="claude-sonnet-4-5",
    provider="anthropic",
    model="claude-sonnet-4-5-20250929",
    account="work",
    api_key="laptop",
    status=200,
    stream=True,
    tokens_in=2_048,
    tokens_out=17,
    cost_usd=0.00642,
    ttft_ms=1_530,
    duration_ms=4_410,
    attempts=1,
    error="the provider ended the answer in the middle",
)


def _wave(second: int, *, high: float) -> float:
    return high * (0.55 + 0.45 * math.sin(second / 57)) * (0.8 + 0.2 * math.sin(second / 7))


BUSY = LiveStats(
    at="2026-11-22T12:03:10.250Z",
    version="0.1.0",
    uptime_s=11_130,
    active_requests=7,
    requests_per_s=12.42,
    tokens_per_s=3_214.7,
    last_15_min=Totals(
        requests=11_204,
        errors=42,
        tokens_in=2_812_345,
        tokens_out=120_400,
        cache_read=2_440_000,
        cost_usd=4.1234,
    ),
    today=Totals(requests=80_421, errors=96, tokens_in=91_000_000, tokens_out=4_100_000, cost_usd=38.2),
    cache_hit_rate=0.8676,
    latency=Latency(p50=812, p95=2_340, p99=12_100),
    ttft=Latency(p50=210, p95=480.4, p99=1_204),
    series=Series(
        requests=[round(_wave(second, high=25)) for second in range(RING_SECONDS)],
        tokens=[round(_wave(second, high=6_000)) for second in range(RING_SECONDS)],
        latency_p50=[
            None if 300 <= second < 420 else 400 + _wave(second, high=900) for second in range(RING_SECONDS)
        ],
    ),
    providers=[
        ProviderLive(
            provider="anthropic",
            accounts=2,
            state="ok",
            requests=7_120,
            errors=3,
            latency=Latency(p50=912, p95=2_640, p99=13_000),
            ttft=Latency(p50=310, p95=700, p99=1_400),
            last_error="529 overloaded",
        ),
        ProviderLive(
            provider="openai",
            accounts=1,
            state="ok",
            requests=4_010,
            latency=Latency(p50=640, p95=1_800, p99=4_000),
            ttft=Latency(p50=190, p95=400, p99=800),
        ),
        ProviderLive(
            provider="openrouter",
            accounts=1,
            state="failing",
            requests=74,
            errors=39,
            latency=Latency(p50=2_010, p95=30_000, p99=31_000),
            last_error="502 upstream connect error or disconnect before headers",
        ),
        ProviderLive(provider="groq", accounts=1, state="cooling", last_error="429 rate limit reached"),
        ProviderLive(provider="ollama", accounts=1, state="idle"),
        ProviderLive(provider="mistral", accounts=0, state="no account"),
    ],
    requests=[RUNNING, ANSWERED, FAILED, LEFT, CUT],
)
