"""Snapshots with a few providers, and a world in which routing finds what a test says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from omniroute.records import (
    Account,
    Category,
    Combo,
    FormatName,
    ModelFacts,
    Preferences,
    Price,
    Provider,
    ProviderStatus,
    Rates,
    Snapshot,
)
from omniroute.routing.outlook import Load, Obstacle


def provider(
    provider_id: str,
    *models: str | ModelFacts,
    aliases: tuple[str, ...] = (),
    status: ProviderStatus = ProviderStatus.ACTIVE,
    category: Category = Category.API_KEY,
) -> Provider:
    """A provider with these models."""
    return Provider(
        id=provider_id,
        name=provider_id.title(),
        aliases=aliases,
        category=category,
        status=status,
        status_note="Not through a gateway." if status is not ProviderStatus.ACTIVE else None,
        models=tuple(ModelFacts(id=model) if isinstance(model, str) else model for model in models),
        formats={FormatName.OPENAI_CHAT: f"https://{provider_id}.example/v1/chat/completions"},
    )


@dataclass(slots=True, kw_only=True)
class World:
    """An outlook in which all is well and nothing is known, but for what a test puts in."""

    obstacles: dict[str, Obstacle] = field(default_factory=dict)
    """By account id."""
    own_obstacles: dict[str, Obstacle] = field(default_factory=dict)
    """What stands behind a breaker, by account id."""
    probes: set[str] = field(default_factory=set)
    """Ids of accounts whose next call is a probe."""
    loads: dict[str, Load] = field(default_factory=dict)
    """By account id."""
    prices: dict[str, Price] = field(default_factory=dict)
    """By model, as all the following."""
    latencies: dict[str, float] = field(default_factory=dict)
    success: dict[str, float] = field(default_factory=dict)
    quotas: dict[str, Sequence[float]] = field(default_factory=dict)
    """By provider id."""
    counts: dict[str, Mapping[str, int]] = field(default_factory=dict)
    """By combo id."""

    def obstacle(self, provider: Provider, account: Account, model: str) -> Obstacle | None:
        del provider, model
        return self.obstacles.get(account.id)

    def obstacle_of_account(self, account: Account, model: str) -> Obstacle | None:
        del model
        return self.own_obstacles.get(account.id)

    def is_probe(self, provider: Provider, account: Account, model: str) -> bool:
        del provider, model
        return account.id in self.probes

    def load(self, account: Account) -> Load:
        return self.loads.get(account.id, Load())

    def price(self, provider: Provider, model: str) -> Price | None:
        del provider
        return self.prices.get(model)

    def latency_ms(self, provider: Provider, model: str) -> float | None:
        del provider
        return self.latencies.get(model)

    def success_rate(self, provider: Provider, model: str) -> float | None:
        del provider
        return self.success.get(model)

    def quotas_left(self, provider: Provider) -> Sequence[float]:
        return self.quotas.get(provider.id, ())

    def combo_counts(self, combo_id: str) -> Mapping[str, int]:
        return self.counts.get(combo_id, {})


def price(usd_per_million: float) -> Price:
    """So much for a million tokens, either way."""
    nano = round(usd_per_million * 10**9)
    return Price(rates=Rates(input=nano, output=nano), source="a test")


def with_combos(known: Snapshot, *combos: Combo, preferences: Preferences | None = None) -> Snapshot:
    """The same with these combos, and with other settings if any are given."""
    return replace(
        known,
        combos={combo.name: combo for combo in combos},
        preferences=known.preferences if preferences is None else preferences,
    )


def account(
    provider_id: str, name: str = "main", *, is_active: bool = True, default_model: str | None = None
) -> Account:
    """An account at that provider."""
    return Account(
        id=f"{provider_id}-{name}",
        provider_id=provider_id,
        name=name,
        priority=1,
        is_active=is_active,
        default_model=default_model,
    )


def snapshot(
    providers: Iterable[Provider],
    accounts: Iterable[Account] = (),
    aliases: Mapping[str, str] = MappingProxyType({}),
) -> Snapshot:
    """What requests see with these."""
    known = {one.id: one for one in providers}
    by_provider: dict[str, tuple[Account, ...]] = {}
    for one in accounts:
        by_provider[one.provider_id] = (*by_provider.get(one.provider_id, ()), one)
    owners: dict[str, tuple[str, ...]] = {}
    for one_provider in known.values():
        for model in one_provider.models:
            owners[model.id] = (*owners.get(model.id, ()), one_provider.id)
    names = {alias: one.id for one in known.values() for alias in one.aliases}
    return Snapshot(
        version=1,
        providers=known,
        names=names | {provider_id: provider_id for provider_id in known},
        accounts=by_provider,
        keys={},
        aliases=aliases,
        owners=owners,
    )
