"""From the catalogue and the user's configuration to one frozen snapshot."""

from collections.abc import Mapping
from types import MappingProxyType

from omniroute.gateway.demo import DEMO_ACCOUNT, DEMO_PROVIDER
from omniroute.providers.models import merge_models
from omniroute.providers.wire import node_provider
from omniroute.records import Account, Provider, Scope, Snapshot
from omniroute.store.configuration import Configuration


def build_snapshot(catalogue: Mapping[str, Provider], configuration: Configuration) -> Snapshot:
    """What requests see from now on."""
    providers = dict(catalogue) | {DEMO_PROVIDER.id: DEMO_PROVIDER}
    for node in configuration.nodes:
        providers[node.id] = node_provider(node)
    for provider_id, models in configuration.custom_models.items():
        if provider_id in providers:
            providers[provider_id] = merge_models(providers[provider_id], models)
    accounts: dict[str, tuple[Account, ...]] = {
        provider_id: rows for provider_id, rows in configuration.accounts.items() if provider_id in providers
    }
    accounts[DEMO_PROVIDER.id] = (DEMO_ACCOUNT,)
    return Snapshot(
        version=configuration.version,
        providers=MappingProxyType(providers),
        names=MappingProxyType(_names(providers)),
        accounts=MappingProxyType(accounts),
        keys=MappingProxyType(dict(configuration.keys)),
        aliases=MappingProxyType(dict(configuration.aliases)),
        owners=MappingProxyType(_owners(providers)),
        preferences=configuration.preferences,
        combos=MappingProxyType({combo.name: combo for combo in configuration.combos}),
        chains=MappingProxyType(dict(configuration.chains)),
        budgets=MappingProxyType(dict(configuration.budgets)),
        policies=configuration.policies,
        proxies=MappingProxyType(dict(configuration.proxies)),
        has_manage_key=any(
            key.is_active and Scope.MANAGE in key.scopes for key in configuration.keys.values()
        ),
    )


def _names(providers: Mapping[str, Provider]) -> dict[str, str]:
    """Ids win over aliases, so that no alias can hide a provider."""
    names = {alias: provider.id for provider in providers.values() for alias in provider.aliases}
    return names | {provider_id: provider_id for provider_id in providers}


def _owners(providers: Mapping[str, Provider]) -> dict[str, tuple[str, ...]]:
    owners: dict[str, list[str]] = {}
    for provider in providers.values():
        for model in provider.models:
            owners.setdefault(model.id, []).append(provider.id)
    return {model_id: tuple(ids) for model_id, ids in owners.items()}
