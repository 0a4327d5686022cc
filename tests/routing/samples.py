"""Snapshots with a few providers."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from omniroute.records import Account, Category, ModelFacts, Provider, ProviderStatus, Snapshot


def provider(
    provider_id: str,
    *models: str,
    aliases: tuple[str, ...] = (),
    status: ProviderStatus = ProviderStatus.ACTIVE,
) -> Provider:
    """A provider with these models."""
    return Provider(
        id=provider_id,
        name=provider_id.title(),
        aliases=aliases,
        category=Category.API_KEY,
        status=status,
        status_note="Not through a gateway." if status is not ProviderStatus.ACTIVE else None,
        models=tuple(ModelFacts(id=model) for model in models),
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
