"""Accounts by what people call them, for sections that are about them."""

from omniroute.records import Account
from omniroute.server.manage.call import invalid
from omniroute.server.manage.declared.section import Applying


def account_name(applying: Applying, account_id: str) -> str | None:
    """`provider/name`; `None`: it is gone."""
    snapshot = applying.snapshot
    for provider_id, accounts in snapshot.accounts.items():
        for account in accounts:
            if account.id == account_id:
                return f"{snapshot.providers[provider_id].label}/{account.name}"
    return None


def account_called(applying: Applying, name: str, path: str) -> Account:
    """The account of that `provider/name`. Raises `ApiError`."""
    snapshot = applying.snapshot
    prefix, _, wanted = name.partition("/")
    provider_id = snapshot.names.get(prefix, "")
    for account in snapshot.accounts.get(provider_id, ()):
        if account.name == wanted:
            return account
    raise invalid(path, f"there is no account {name!r}")
