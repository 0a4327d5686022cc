"""Models that providers list themselves: asked, kept, and asked anew when they are old."""

import logging

from omniroute.errors import ConfigError, FailureKind, StoreError
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.probe import TIMEOUT_S, fetch_models
from omniroute.gateway.upstream import UpstreamFailed
from omniroute.records import Account, Category, Endpoint, Provider
from omniroute.server.manage.call import ApiError, ManageCall
from omniroute.server.manage.rows import read
from omniroute.store import discovered
from omniroute.store.discovered import Discovered

FRESH_MS = 600_000
"""A list this young is not asked for again."""
AT_ADD_TIMEOUT_S = 5.0
"""Longest wait for a list while a connection is added."""

_FEW = 4

_log = logging.getLogger(__name__)


async def discovered_models(
    call: ManageCall, provider: Provider, account: Account, *, refresh: bool
) -> Discovered | None:
    """The provider's own list, at most ten minutes old; `None`: it publishes none. Raises `ApiError`."""
    if Endpoint.MODELS not in provider.endpoints:
        return None
    if not refresh:
        kept = await read(call, lambda c: discovered.find(c, account.id))
        if kept is not None and call.gateway.clock.now_ms() - kept.fetched_at_ms < FRESH_MS:
            return kept
    try:
        return await _ask(call.gateway, provider, account, timeout_s=TIMEOUT_S)
    except ConfigError as error:
        raise ApiError(400, "INVALID_STATE", str(error)) from None
    except UpstreamFailed as failed:
        late = failed.failure.kind in (FailureKind.SLOW, FailureKind.SILENT)
        status, code = (504, "UPSTREAM_TIMEOUT") if late else (502, "UPSTREAM_ERROR")
        raise ApiError(status, code, failed.failure.message) from None


async def discover_if_unknown(gateway: Gateway, provider: Provider, account: Account) -> None:
    """Ask a provider of which few models are shipped, so that requests can name them; failing is no harm."""
    own_server = provider.category in (Category.LOCAL, Category.NODE)
    if Endpoint.MODELS not in provider.endpoints or not (own_server or len(provider.models) < _FEW):
        return
    try:
        await _ask(gateway, provider, account, timeout_s=AT_ADD_TIMEOUT_S)
    except (UpstreamFailed, ConfigError, StoreError) as error:
        _log.info("no list of models from %s yet: %s", provider.label, error)


async def _ask(gateway: Gateway, provider: Provider, account: Account, *, timeout_s: float) -> Discovered:
    models = await fetch_models(gateway, provider, account, timeout_s=timeout_s)
    found = Discovered(provider_id=provider.id, fetched_at_ms=gateway.clock.now_ms(), models=models)
    await gateway.database.write(lambda c: discovered.put(c, account.id, found))
    await gateway.reload()
    return found
