"""All configuration at once, read in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from omniroute.records import (
    Account,
    ApiKey,
    Budget,
    ChainStep,
    Combo,
    ModelFacts,
    Node,
    Policy,
    Preferences,
    preferences_of,
)
from omniroute.records.proxies import Proxy, ProxyLevel
from omniroute.store import (
    accounts,
    aliases,
    budgets,
    chains,
    combos,
    discovered,
    key_value,
    keys,
    models,
    nodes,
    policies,
    proxies,
    settings,
)
from omniroute.store.secrets import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the user configured; with the catalogue it makes a `Snapshot`."""

    version: int
    """Grows with every change."""
    accounts: Mapping[str, tuple[Account, ...]]
    """Provider id to its accounts in order of priority, inactive ones included."""
    nodes: tuple[Node, ...]
    custom_models: Mapping[str, tuple[ModelFacts, ...]]
    """Provider id to the models added to it, then those it listed itself."""
    keys: Mapping[bytes, ApiKey]
    """SHA-256 of a key to the key."""
    aliases: Mapping[str, str]
    preferences: Preferences = field(default_factory=Preferences)
    combos: tuple[Combo, ...] = ()
    """In order of name, inactive ones included."""
    chains: Mapping[str, tuple[ChainStep, ...]] = field(default_factory=dict)
    """Model to the providers that are asked for it when its own have failed, in order."""
    budgets: Mapping[str, Budget] = field(default_factory=dict)
    """By subject."""
    policies: tuple[Policy, ...] = ()
    """Enabled ones in the order they apply."""
    proxies: Mapping[tuple[ProxyLevel, str], Proxy] = field(default_factory=dict)


def load_configuration(connection: Connection, vault: Vault) -> Configuration:
    """The configuration as the rows have it now."""
    by_provider: dict[str, tuple[Account, ...]] = {}
    for account in accounts.listing(connection, vault):
        by_provider[account.provider_id] = (*by_provider.get(account.provider_id, ()), account)
    return Configuration(
        version=key_value.config_version(connection),
        accounts=by_provider,
        nodes=nodes.listing(connection),
        custom_models=_known_models(connection),
        keys={key.digest: key for key in keys.listing(connection)},
        aliases=aliases.listing(connection),
        preferences=preferences_of(dict(settings.listing(connection))),
        combos=combos.listing(connection),
        chains=chains.listing(connection),
        budgets=budgets.listing(connection),
        policies=tuple(policy for policy in policies.listing(connection) if policy.is_enabled),
        proxies=proxies.listing(connection, vault),
    )


def _known_models(connection: Connection) -> Mapping[str, tuple[ModelFacts, ...]]:
    """What the user said of a model counts, not what its provider says."""
    known = dict(models.listing(connection))
    for provider_id, found in discovered.listing(connection).items():
        added = known.get(provider_id, ())
        ids = {model.id for model in added}
        known[provider_id] = (*added, *(model for model in found if model.id not in ids))
    return known
