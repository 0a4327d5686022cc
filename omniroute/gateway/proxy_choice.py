"""Which configured proxy leads to an upstream."""

from omniroute.records import Account, Provider, Snapshot
from omniroute.records.proxies import Proxy, ProxyLevel


def proxy_for(
    snapshot: Snapshot, provider: Provider, account: Account | None = None, combo_name: str | None = None
) -> Proxy | None:
    """The proxy of the account, else of the combo that serves the request, of the provider, of all.

    `None`: none is configured, and the environment decides.
    """
    chosen = level_of(snapshot, provider, account, combo_name)
    return None if chosen is None else snapshot.proxies[chosen]


def level_of(
    snapshot: Snapshot, provider: Provider, account: Account | None, combo_name: str | None
) -> tuple[ProxyLevel, str] | None:
    """Where that proxy is configured: its level, and the id of what it is for."""
    if not snapshot.proxies:
        return None
    combo = snapshot.combos.get(combo_name) if combo_name is not None else None
    places = (
        (ProxyLevel.KEY, account.id if account is not None else ""),
        (ProxyLevel.COMBO, combo.id if combo is not None else ""),
        (ProxyLevel.PROVIDER, provider.id),
        (ProxyLevel.GLOBAL, ""),
    )
    return next((place for place in places if place in snapshot.proxies), None)
