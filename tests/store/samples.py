"""Rows to store."""

from dataclasses import replace
from typing import Any

from omniroute.conversation.usage import Usage
from omniroute.records import Account, ApiKey, AttemptRow, Node, NodeType, Outcome, RequestRow
from omniroute.store import keys

NOON_MS = 1_795_348_800_000
"""2026-11-22T12:00:00Z"""


class StillClock:
    """A clock that always shows the same time."""

    def now_ms(self) -> int:
        return NOON_MS

    def monotonic_s(self) -> float:
        return 0.0


def account(account_id: str = "a1", **members: Any) -> Account:
    return replace(
        Account(
            id=account_id,
            provider_id="openai",
            name=f"account {account_id}",
            priority=0,
            secret=f"sk-of-{account_id}",
            created_at_ms=NOON_MS,
            updated_at_ms=NOON_MS,
        ),
        **members,
    )


def node(node_id: str = "n1", **members: Any) -> Node:
    made = Node(
        id=node_id,
        type=NodeType.ANTHROPIC,
        name=f"node {node_id}",
        prefix=node_id,
        base_url="http://127.0.0.1:8000",
        created_at_ms=NOON_MS,
        updated_at_ms=NOON_MS,
    )
    return replace(made, **members)


def api_key(key_id: str = "k1", **members: Any) -> ApiKey:
    key = f"sk-omr-{key_id}"
    made = ApiKey(id=key_id, name=f"key {key_id}", digest=keys.digest(key), masked=keys.masked(key))
    return replace(made, **members)


def request_row(number: int = 1, **members: Any) -> RequestRow:
    """No two members of it are equal, so that a column in a wrong place shows."""
    made = RequestRow(
        id=f"{number:026d}",
        request_id=f"req-{number}",
        started_at_ms=NOON_MS + number,
        method="POST",
        path="/v1/messages",
        operation="messages",
        client_format="anthropic",
        upstream_format="openai-chat",
        requested_model="fast",
        provider="openai",
        model="gpt-large",
        account_id="a1",
        account_name="work",
        api_key_id="k1",
        api_key_name="laptop",
        session_id="session",
        outcome=Outcome.OK,
        status=200,
        error=None,
        stream=True,
        attempts=(
            AttemptRow(
                provider="openai",
                model="gpt-large",
                account_id="a1",
                account_name="work",
                status=429,
                failure="rate_limited: slow down",
                duration_ms=12,
            ),
        ),
        usage=Usage(
            input=100, cache_read=20, cache_write=3, cache_write_1h=4, output=50, reasoning=6, estimated=True
        ),
        cost_nano_usd=1_234_567,
        price_source="catalogue 2026-11-22",
        ttft_ms=70,
        duration_ms=800,
        dropped=("logit_bias", "thinking"),
        combo="daily",
        cache="MISS",
        decision=b'{"requested":"daily"}',
    )
    return replace(made, **members)
