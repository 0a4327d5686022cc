"""Rows and facts as the management API shows them: no secret passes here."""

from omniroute.api.providers import CatalogueEntry, Connection, ModelEntry, NodeEntry
from omniroute.clock import iso
from omniroute.providers.registration import variables_of
from omniroute.providers.wire import needs_key
from omniroute.records import Account, ModelFacts, Node, Price, Provider, ProviderStatus, Snapshot
from omniroute.records.oauth import FlowKind, OAuthTerms

NANO = 1_000_000_000
_SHORT = 8
_WAYS = {flow: "device" if flow.is_device else "browser" for flow in FlowKind}


def shown_instant(at_ms: int | None) -> str | None:
    """The instant in ISO 8601, or `None`."""
    return None if at_ms is None else iso(at_ms)


def masked_secret(secret: str) -> str:
    """What people are shown of a provider's key."""
    return "****" if len(secret) <= _SHORT else f"{secret[:4]}****{secret[-4:]}"


def shown_connection(account: Account, provider: Provider | None) -> Connection:
    """One account. `None`: its provider is not in the catalogue any more."""
    login = account.login
    key = account.secret if login is None else None
    return Connection(
        id=account.id,
        provider=account.provider_id,
        provider_name=provider.name if provider is not None else account.provider_id,
        prefix=provider.label if provider is not None else account.provider_id,
        auth_type="oauth" if login is not None else "none" if key is None else "apikey",
        name=account.name,
        priority=account.priority,
        is_active=account.is_active,
        default_model=account.default_model,
        base_url=account.base_url,
        allow_private=account.allow_private,
        variables=dict(account.variables),
        has_api_key=key is not None,
        masked_api_key=None if key is None else masked_secret(key),
        has_access_token=login is not None and account.secret is not None,
        has_refresh_token=login is not None and login.refresh_token is not None,
        expires_at=shown_instant(login.expires_at_ms) if login is not None else None,
        email=login.identity if login is not None else None,
        scope=login.scope if login is not None else None,
        test_status=account.test_status,
        last_tested=shown_instant(account.last_tested_ms),
        last_error=account.last_error,
        created_at=iso(account.created_at_ms),
        updated_at=iso(account.updated_at_ms),
    )


def shown_node(node: Node) -> NodeEntry:
    """One node."""
    return NodeEntry(
        id=node.id,
        type=node.type.value,
        name=node.name,
        prefix=node.prefix,
        base_url=node.base_url,
        created_at=iso(node.created_at_ms),
        updated_at=iso(node.updated_at_ms),
    )


def shown_model(model: ModelFacts, price: Price | None = None, *, custom: bool) -> ModelEntry:
    """One model; `price` is what counts when the facts hold none, `custom` says that the user added it."""
    price = model.price or price
    return ModelEntry(
        id=model.id,
        name=model.name,
        kind=model.kind.value,
        context_length=model.context_tokens,
        max_output=model.max_output_tokens,
        dimensions=model.dimensions,
        price_input=_usd(price.rates.input) if price is not None else None,
        price_output=_usd(price.rates.output) if price is not None else None,
        price_source=price.source if price is not None else None,
        custom=custom,
    )


def shown_provider(provider: Provider, snapshot: Snapshot) -> CatalogueEntry:
    """One provider without its models."""
    accounts = snapshot.accounts.get(provider.id, ())
    terms = _terms(provider)
    return CatalogueEntry(
        id=provider.id,
        name=provider.name,
        aliases=list(provider.aliases),
        category=provider.category.value,
        status=provider.status.value,
        status_note=provider.status_note,
        formats=[name.value for name in provider.formats],
        base_url=provider.base_url,
        placeholders=dict(provider.placeholders),
        env_keys=list(provider.env_keys),
        needs_key=needs_key(provider),
        sign_in=[] if terms is None else list(dict.fromkeys(_WAYS[flow] for flow in terms.flows)),
        sign_in_variables=[] if terms is None else list(variables_of(provider.id, terms.client)),
        connections=sum(account.is_active for account in accounts),
        model_count=len(provider.models),
        source=provider.source,
    )


def _terms(provider: Provider) -> OAuthTerms | None:
    """None where a gateway may not be used, whatever a file of the user's says of addresses."""
    return provider.oauth if provider.status is ProviderStatus.ACTIVE else None


def _usd(nano_usd: int | None) -> float | None:
    return None if nano_usd is None else nano_usd / NANO
