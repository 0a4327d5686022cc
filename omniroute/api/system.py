"""The gateway itself: first run, health, life."""

import msgspec

from omniroute.api.problem import Problem


class Init(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/init`: open, so it tells nothing private."""

    initialized: bool
    """At least one provider connection exists."""
    version: str
    demo_model: str
    """A model that answers without any provider."""


class TerseHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/monitoring/health` without a credential."""

    status: str
    """`healthy`, `degraded`, `unhealthy`"""
    timestamp: str
    version: str


class Memory(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Memory of the process in bytes."""

    rss: int | None
    """`None`: this system does not tell."""
    heap_used: int | None = None


class System(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The process."""

    version: str
    python_version: str
    node_version: str | None = None
    uptime: float
    memory_usage: Memory
    pid: int
    platform: str
    active_requests: int
    draining: bool
    data_dir: str


class ProviderHealth(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One provider that has an account."""

    state: str
    """Of its breaker; `CLOSED`: requests go there."""
    failures: int
    """Failed requests in the last 15 minutes."""
    last_failure: str | None
    """In a row with others, or the one that opened the breaker."""


class Check(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One thing the gateway needs."""

    ok: bool
    latency_ms: int | None = None
    free_bytes: int | None = None
    source: str | None = None
    """For the secret store: where the master key comes from."""
    message: str | None = None


class Health(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/monitoring/health` with a credential."""

    status: str
    timestamp: str
    version: str
    setup_complete: bool
    system: System
    provider_health: dict[str, ProviderHealth]
    checks: dict[str, Check]
    error: Problem | None = None
    """With status 503: what is broken, as every error of the API tells it."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `/api/restart` and `/api/shutdown`: it will happen."""

    success: bool
    message: str
    pid: int


class RotatedToken(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `POST /api/token/rotate`: the new local token is in its file."""

    success: bool


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that was changed, by whom."""

    id: str
    timestamp: str
    action: str
    actor: str
    target: str | None
    details: dict[str, str]
    ip_address: str | None
    request_id: str | None


class AuditLog(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/compliance/audit-log`, newest first."""

    entries: list[AuditEvent]
    total: int


class ServerFile(msgspec.Struct, frozen=True, kw_only=True):
    """`server.json` in the data directory (0600): how to reach the running gateway."""

    url: str
    pid: int
    version: str
    started_at_ms: int
    failed_restarts: int = 0
    """How often it was told to restart and no successor came up."""
    restart_failure: str = ""
    """Why not, the last time."""
