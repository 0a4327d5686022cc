"""Settings that are changed while the gateway runs: one typed model, stored key by key as JSON."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from omniroute.conversation.edits import SystemPrompt, ThinkingBudget
from omniroute.records.routes import AccountStrategy, AutoMode

Millis = Annotated[int, Meta(ge=0, le=3_600_000)]
Threshold = Annotated[int, Meta(ge=1, le=100)]
Level = Annotated[int, Meta(ge=0, le=15)]


class WildcardAlias(msgspec.Struct, frozen=True, rename="camel"):
    """A name with `*` and `?` that stands for a model."""

    pattern: Annotated[str, Meta(min_length=1, max_length=200)]
    target: Annotated[str, Meta(min_length=1, max_length=256)]


class MemberSettings(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Some keys of the terms under which a combo's member is asked; `None`: not set here."""

    max_retries: Annotated[int, Meta(ge=0, le=10)] | None = None
    retry_delay_ms: Annotated[int, Meta(ge=0, le=60_000)] | None = None
    timeout_ms: Annotated[int, Meta(ge=1000, le=600_000)] | None = None
    concurrency_per_model: Annotated[int, Meta(ge=1, le=100)] | None = None
    queue_timeout_ms: Annotated[int, Meta(ge=0, le=600_000)] | None = None
    fall_back_on_content: bool | None = None
    continue_after_cut: bool | None = None


class ComboSettings(MemberSettings, frozen=True, rename="camel", omit_defaults=True):
    """Some keys of a combo's configuration; `None`: not set here. The strategy is each combo's own."""

    max_combo_depth: Annotated[int, Meta(ge=1, le=5)] | None = None
    track_metrics: bool | None = None
    auto_mode: AutoMode | None = None


class Profile(msgspec.Struct, frozen=True, rename="camel"):
    """How patient the gateway is with one class of providers; times in milliseconds."""

    transient_cooldown: Millis = 3000
    rate_limit_cooldown: Millis = 0
    """Without a hint of the provider; 0: only growing steps."""
    max_backoff_level: Level = 5
    circuit_breaker_threshold: Threshold = 5
    circuit_breaker_reset: Millis = 30_000


class Profiles(msgspec.Struct, frozen=True, rename="camel"):
    """By the way one logs in."""

    oauth: Profile = Profile(5000, 60_000, 8, 3, 60_000)
    apikey: Profile = Profile()


class RateLimitDefaults(msgspec.Struct, frozen=True, rename="camel"):
    """What holds for an account whose provider has told nothing of its limits yet."""

    enabled: bool = False
    requests_per_minute: Annotated[int, Meta(ge=1)] = 100
    min_time_between_requests: Annotated[int, Meta(ge=0)] = 200
    concurrent_requests: Annotated[int, Meta(ge=1)] = 10


class IpFilter(msgspec.Struct, frozen=True, rename="camel"):
    """Who may talk to the gateway at all; loopback always may."""

    enabled: bool = False
    mode: Literal["blacklist", "whitelist", "whitelist-priority"] = "blacklist"
    blacklist: tuple[str, ...] = ()
    whitelist: tuple[str, ...] = ()


class CacheSettings(msgspec.Struct, frozen=True, rename="camel"):
    """The response cache."""

    enabled: bool = True
    ttl_ms: Annotated[int, Meta(ge=1000, le=30 * 86_400_000)] = 3_600_000
    max_entries: Annotated[int, Meta(ge=1, le=100_000)] = 500
    scope: Literal["key", "global"] = "key"
    same_words: bool = False
    """Also answers a request that says the same in other words, by rules; no model guesses."""
    semantic: Literal["off", "shadow", "on"] = "off"
    semantic_threshold: Annotated[float, Meta(ge=0.92, le=1.0)] = 0.95
    semantic_model: str | None = None
    """The embedding model that is asked, as a client would name it."""


class InjectionGuard(msgspec.Struct, frozen=True, rename="camel"):
    """What is done about texts that try to take a model over, and about personal data."""

    mode: Literal["off", "warn", "block"] = "off"
    pii: Literal["off", "warn", "redact"] = "off"
    rules: tuple[str, ...] = ()
    """The user's own patterns, of high severity."""


class Preferences(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Every setting, with its default."""

    fallback_strategy: AccountStrategy = AccountStrategy.FILL_FIRST
    provider_strategies: dict[str, AccountStrategy] = {}
    """Provider id to its own strategy."""
    sticky_round_robin_limit: Annotated[int, Meta(ge=0, le=1000)] = 3
    session_affinity: bool = True
    wildcard_aliases: Annotated[tuple[WildcardAlias, ...], Meta(max_length=200)] = ()
    unknown_model_provider: str | None = None
    combo_defaults: ComboSettings = ComboSettings()
    provider_overrides: dict[str, MemberSettings] = {}
    provider_profiles: Profiles = Profiles()
    rate_limit_defaults: RateLimitDefaults = RateLimitDefaults()
    rate_limit_protection: dict[str, bool] = {}
    """Account id to whether its limits are kept, whatever `rate_limit_defaults.enabled` says."""
    ip_filter: IpFilter = IpFilter()
    cache: CacheSettings = CacheSettings()
    injection_guard: InjectionGuard = InjectionGuard()
    thinking_budget: ThinkingBudget = ThinkingBudget()
    system_prompt: SystemPrompt = SystemPrompt()
    blocked_providers: tuple[str, ...] = ()
    unknown_price: Literal["allow", "refuse"] = "allow"
    """Whether a model without a known price may be asked under a budget."""
    budget_count_subscriptions: bool = False


def preferences_of(stored: dict[str, object]) -> Preferences:
    """The settings in force: what was stored, key by key; a value that no longer fits is as if unset."""
    fields = {field.encode_name: field for field in msgspec.structs.fields(Preferences)}
    known: dict[str, object] = {}
    for key, value in stored.items():
        if key not in fields:
            continue
        try:
            msgspec.convert({key: value}, Preferences)
        except msgspec.ValidationError:
            continue
        known[key] = value
    return msgspec.convert(known, Preferences)
