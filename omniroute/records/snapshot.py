"""All configuration a request needs, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from omniroute.conversation.edits import ThinkingBudget
from omniroute.records.access import Account, ApiKey
from omniroute.records.preferences import Preferences
from omniroute.records.proxies import Proxy, ProxyLevel
from omniroute.records.routes import Budget, ChainStep, Combo, Policy
from omniroute.records.vendors import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All configuration a request needs. A request keeps the one it started with."""

    version: int
    providers: Mapping[str, Provider]
    """By id: the catalogue and the user's nodes, with discovered and custom models merged in."""
    names: Mapping[str, str]
    """Id, alias or node prefix to provider id."""
    accounts: Mapping[str, tuple[Account, ...]]
    """Provider id to its accounts in order of priority, inactive ones included."""
    keys: Mapping[bytes, ApiKey]
    """SHA-256 of a key to the key."""
    aliases: Mapping[str, str]
    """The user's model aliases."""
    owners: Mapping[str, tuple[str, ...]]
    """A model's bare id to the ids of all providers that have it."""
    has_manage_key: bool = False
    combos: Mapping[str, Combo] = field(default_factory=lambda: MappingProxyType({}))
    """By name, inactive ones included."""
    chains: Mapping[str, tuple[ChainStep, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Model to the providers that are asked for it when its own have failed, in order."""
    budgets: Mapping[str, Budget] = field(default_factory=lambda: MappingProxyType({}))
    """By subject."""
    policies: tuple[Policy, ...] = ()
    """Enabled ones in the order they apply."""
    proxies: Mapping[tuple[ProxyLevel, str], Proxy] = field(default_factory=lambda: MappingProxyType({}))
    """By level, and the id of the account, combo or provider; the global one has an empty id."""
    preferences: Preferences = field(default_factory=Preferences)

    @property
    def system_prompt(self) -> str | None:
        """What goes before every conversation's own system text; `None`: nothing."""
        return self.preferences.system_prompt.text

    @property
    def thinking(self) -> ThinkingBudget:
        """How much models are to think."""
        return self.preferences.thinking_budget
