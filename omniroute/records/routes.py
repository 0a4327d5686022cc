"""What the user decided about where requests go, and what they may cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Strategy(StrEnum):
    """In which order the entries of a combo are asked."""

    PRIORITY = "priority"
    WEIGHTED = "weighted"
    ROUND_ROBIN = "round-robin"
    RANDOM = "random"
    LEAST_USED = "least-used"
    COST_OPTIMIZED = "cost-optimized"
    AUTO = "auto"
    """Scored live from health, latency, price, quota and fit."""


class AutoMode(StrEnum):
    """What `auto` weighs most: `auto/fast`, `auto/cheap`, `auto/coding`."""

    BALANCED = "balanced"
    FAST = "fast"
    CHEAP = "cheap"
    CODING = "coding"


class AccountStrategy(StrEnum):
    """Which account of a provider is asked first."""

    FILL_FIRST = "fill-first"
    ROUND_ROBIN = "round-robin"
    P2C = "p2c"
    RANDOM = "random"
    LEAST_USED = "least-used"
    COST_OPTIMIZED = "cost-optimized"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComboEntry:
    """One step of a combo."""

    model: str
    """Anything a client could ask for, another combo too."""
    weight: float = 0
    accounts: tuple[str, ...] = ()
    """Names or ids of the only accounts this step may use; empty: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComboConfig:
    """How a combo goes about failures; `None`: the next level of the cascade says."""

    strategy: Strategy | None = None
    max_retries: int | None = None
    """More tries of the same member on a transient error."""
    retry_delay_ms: int | None = None
    timeout_ms: int | None = None
    """Per member: to the first byte of a stream, or to the whole answer."""
    concurrency_per_model: int | None = None
    queue_timeout_ms: int | None = None
    max_combo_depth: int | None = None
    track_metrics: bool | None = None
    auto_mode: AutoMode | None = None
    fall_back_on_content: bool | None = None
    """A refusal by a provider's content policy goes to the next member too."""
    continue_after_cut: bool | None = None
    """A stream that was cut after content is continued by the next member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combo:
    """A named chain of models."""

    id: str
    name: str
    strategy: Strategy = Strategy.PRIORITY
    entries: tuple[ComboEntry, ...] = ()
    config: ComboConfig = ComboConfig()
    is_active: bool = True
    created_at_ms: int = 0
    updated_at_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStep:
    """One provider of a fallback chain."""

    provider_id: str
    model: str | None = None
    """`None`: the same model id."""
    is_enabled: bool = True


EVERYTHING = "*"
"""Subject of the budget over all requests."""
_ACCOUNT = "account:"


def of_account(account_id: str) -> str:
    """Subject of an account's budget."""
    return _ACCOUNT + account_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a subject may spend. `None`: no limit of that kind."""

    subject: str
    """An API key's id, `of_account`, or `EVERYTHING`."""
    daily_nano_usd: int | None = None
    weekly_nano_usd: int | None = None
    monthly_nano_usd: int | None = None
    warning_threshold: float = 0.8
    """Share of a limit from which on answers carry a warning."""

    @property
    def limits(self) -> dict[str, int]:
        """`daily`, `weekly`, `monthly` to nano-USD, of those that are set."""
        limits = {
            "daily": self.daily_nano_usd,
            "weekly": self.weekly_nano_usd,
            "monthly": self.monthly_nano_usd,
        }
        return {period: limit for period, limit in limits.items() if limit is not None}


class PolicyType(StrEnum):
    """What a policy does."""

    ROUTING = "routing"
    ACCESS = "access"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyConditions:
    """When a policy applies; what is empty is no condition."""

    model_pattern: str | None = None
    api_key_ids: tuple[str, ...] = ()
    client_ips: tuple[str, ...] = ()
    """Addresses or networks."""
    time_window: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """`start` and `end` as HH:MM in the gateway's zone, and `days` as `mon,tue`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A rule over requests."""

    id: str
    name: str
    type: PolicyType
    is_enabled: bool = True
    priority: int = 100
    """Lower applies first."""
    conditions: PolicyConditions = PolicyConditions()
    prefer_provider: tuple[str, ...] = ()
    block_model: tuple[str, ...] = ()
    allow_model: tuple[str, ...] = ()
    max_tokens: int | None = None
    created_at_ms: int = 0
    updated_at_ms: int = 0
