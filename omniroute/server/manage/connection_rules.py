"""What a connection must have before it is stored."""

from dataclasses import replace

from omniroute.errors import ConfigError
from omniroute.providers.wire import auth_headers, check_base_url, endpoint_url, format_url, needs_key
from omniroute.records import Account, Category, Provider, ProviderStatus
from omniroute.routing.outlook import Scope
from omniroute.server.manage.call import ManageCall, invalid

_ANY_MODEL = "any-model"
OWN_SERVERS = frozenset({Category.LOCAL, Category.NODE})
"""Their addresses, sign-in included, may be on this machine or in its network."""


def check_status(provider: Provider) -> None:
    """Raises `ApiError` 400 with the permitted way for a provider that may not be used by a gateway."""
    if provider.status is not ProviderStatus.ACTIVE:
        raise invalid("provider", f"{provider.name} is {provider.status.value}: {provider.status_note}")


def checked_account(provider: Provider, account: Account) -> Account:
    """The account as it is kept, complete. Raises `ApiError` 400 naming the field at fault."""
    account = _with_address(provider, account)
    if account.secret is None and needs_key(provider):
        raise invalid("apiKey", f"{provider.name} needs a key")
    try:
        auth_headers(provider, account)
    except ConfigError as error:
        raise invalid("apiKey", str(error)) from None
    _check_variables(provider, account)
    return account


def forgive(call: ManageCall, account_id: str) -> None:
    """A new credential or address owes nothing for the failures of the one before."""
    call.gateway.health.clear((Scope.ACCOUNT, Scope.MODEL, Scope.LIMIT), accounts=(account_id,))


def _with_address(provider: Provider, account: Account) -> Account:
    """People's own servers live on their own machines and networks, so nobody has to say so."""
    account = replace(account, allow_private=account.allow_private or provider.category in OWN_SERVERS)
    if account.base_url is None:
        return account
    try:
        base_url = check_base_url(account.base_url, allow_private=account.allow_private)
    except ConfigError as error:
        raise invalid("baseUrl", str(error)) from None
    return replace(account, base_url=base_url)


def _check_variables(provider: Provider, account: Account) -> None:
    for name in account.variables:
        if name not in provider.placeholders:
            known = ", ".join(provider.placeholders) or "none"
            raise invalid(f"variables.{name}", f"{provider.name} has no such variable; it has: {known}")
    if account.base_url is None:
        for name, meaning in provider.placeholders.items():
            if not account.variables.get(name, "").strip():
                raise invalid(f"variables.{name}", f"{provider.name} needs it: {meaning}")
    try:
        for dialect in provider.formats:
            format_url(provider, account, dialect, model=_ANY_MODEL, stream=False)
        for endpoint in provider.endpoints:
            endpoint_url(provider, account, endpoint)
    except ConfigError as error:
        raise invalid("variables", str(error)) from None
