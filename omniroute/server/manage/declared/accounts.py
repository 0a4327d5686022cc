"""`accounts`: credentials at providers, by `provider/name`. Secrets are named, never shown."""

import re
from dataclasses import replace
from types import MappingProxyType

import msgspec

from omniroute.api.config import AccountItem
from omniroute.providers.wire import needs_key
from omniroute.records import Account, Provider
from omniroute.server.manage.call import ApiError, invalid
from omniroute.server.manage.connection_rules import check_status, checked_account
from omniroute.server.manage.declared.section import Applying, Items, Section, builtins, item, split
from omniroute.server.manage.named import provider_named
from omniroute.store import accounts, discovered
from omniroute.store.key_value import JSON
from omniroute.ulid import new_ulid

NEW = "new from "
"""Before the name of a secret that is not the stored one."""
_SCHEME = "env:"


def _known(applying: Applying) -> dict[str, Account]:
    """By name, in the order they are asked; accounts of providers that are gone are left alone."""
    providers = applying.snapshot.providers
    rows = accounts.listing(applying.connection, applying.call.gateway.vault)
    return {
        f"{providers[row.provider_id].label}/{row.name}": row for row in rows if row.provider_id in providers
    }


def _read(applying: Applying) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    for name, account in _known(applying).items():
        provider = applying.snapshot.providers[account.provider_id]
        found[name] = _shown(account, _secret_name(provider, account))
    return found


def _shown(account: Account, secret: str | None) -> JSON:
    shown = AccountItem(
        priority=account.priority,
        is_active=account.is_active,
        base_url=account.base_url,
        allow_private=account.allow_private,
        variables=dict(account.variables),
        default_model=account.default_model,
        signed_in=account.login is not None,
    )
    members = builtins(shown)
    return members if secret is None else {**members, "apiKey": secret}


def _secret_name(provider: Provider, account: Account) -> str | None:
    """How the stored secret is named; `None`: there is none, or none that a document could bring."""
    if account.secret is None or account.login is not None:
        return None
    return f"{_SCHEME}{_variable(provider, account)}"


def _variable(provider: Provider, account: Account) -> str:
    """Where a person would keep this key: the provider's usual variable; but for the first, with a name."""
    usual = provider.env_keys[0] if provider.env_keys else f"{_upper(provider.label)}_API_KEY"
    return usual if account.priority == 1 else f"{usual}_{_upper(account.name)}"


def _upper(text: str) -> str:
    word = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").upper() or "X"
    return f"_{word}" if word[0].isdigit() else word


def _normal(applying: Applying, name: str, value: JSON) -> JSON:
    path = f"accounts.{name}"
    prefix, account_name = split(name, path, what="NAME")
    named = value.get("apiKey") if isinstance(value, dict) else None
    if isinstance(named, str) and not named.startswith(_SCHEME):
        raise invalid(f"{path}.apiKey", "write env:NAME, the variable it is in: keys never stand in the file")
    written = item(value, AccountItem, path)
    try:
        provider = provider_named(applying.snapshot, prefix)
        check_status(provider)
    except ApiError as error:
        raise invalid(path, error.message) from None
    if provider.label != prefix:
        raise invalid(path, f"write {provider.label}/{account_name}")
    before = _known(applying).get(name)
    after = _checked(applying, provider, written, before, path)
    shown = _shown(after, _named(applying, provider, written, before))
    assert isinstance(shown, dict)  # noqa: S101 - an item is an object
    if written.priority is None:
        del shown["priority"]
    return shown


def _checked(
    applying: Applying, provider: Provider, written: AccountItem, before: Account | None, path: str
) -> Account:
    """The account as it will be, its secret in it."""
    given = _secret(applying, written)
    login = before.login if before is not None and given is None else None
    if written.signed_in and given is None and login is None:
        name = path.partition("/")[2]
        way = f"omniroute providers login {provider.label} --name {name!r}"
        raise invalid(f"{path}.signedIn", f"a sign-in cannot be written down; sign in with: {way}")
    secret = given or (before.secret if before is not None else None)
    account = Account(
        id="",
        provider_id=provider.id,
        name="new",
        priority=written.priority or 0,
        is_active=written.is_active,
        secret=secret,
        login=login,
        base_url=written.base_url,
        allow_private=written.allow_private,
        variables=MappingProxyType({key: text.strip() for key, text in written.variables.items()}),
        default_model=written.default_model,
    )
    if secret is None and before is not None and needs_key(provider):
        return account  # it has none now either, or one that cannot be opened
    if secret is None and before is None and (needs_key(provider) or written.api_key is not None):
        where = "" if written.api_key is None else f": {written.api_key.removeprefix(_SCHEME)} is not set"
        raise invalid(f"{path}.apiKey", f"{provider.name} is to have a key{where}")
    try:
        return checked_account(provider, account)
    except ApiError as error:
        at = error.details[0].field if error.details else ""
        message = error.details[0].message if error.details else error.message
        raise invalid(f"{path}.{at}".rstrip("."), message) from None


def _secret(applying: Applying, written: AccountItem) -> str | None:
    if written.api_key is None:
        return None
    return applying.secrets.get(written.api_key.removeprefix(_SCHEME), "").strip() or None


def _named(
    applying: Applying, provider: Provider, written: AccountItem, before: Account | None
) -> str | None:
    """The secret's name as `read` has it when it is the stored one, else marked as new."""
    secret = _secret(applying, written)
    if secret is not None and (before is None or before.secret != secret):
        return f"{NEW}{written.api_key}"
    return None if before is None else _secret_name(provider, before)


def _put(applying: Applying, name: str, value: JSON) -> None:
    assert isinstance(value, dict)  # noqa: S101 - `normal` made it
    members = {key: member for key, member in value.items() if key != "apiKey"}
    written = msgspec.convert(members, AccountItem)
    prefix, _, account_name = name.partition("/")
    provider_id = applying.snapshot.names[prefix]
    named = value.get("apiKey")
    secret = None
    if isinstance(named, str) and named.startswith(NEW):
        secret = applying.secrets[named.removeprefix(NEW + _SCHEME)].strip()
    before = _known(applying).get(name)
    account = Account(
        id=before.id if before is not None else new_ulid(applying.now_ms),
        provider_id=provider_id,
        name=account_name,
        priority=written.priority or 0,
        is_active=written.is_active,
        secret=secret,
        base_url=written.base_url,
        allow_private=written.allow_private,
        variables=MappingProxyType(written.variables),
        default_model=written.default_model,
        created_at_ms=applying.now_ms,
        updated_at_ms=applying.now_ms,
    )
    vault = applying.call.gateway.vault
    if before is None:
        accounts.create(applying.connection, vault, account)
        applying.changed("provider.create", account.id, provider=prefix, name=account_name)
        return
    if (before.base_url, dict(before.variables)) == (written.base_url, written.variables) and secret is None:
        account = replace(
            account,
            test_status=before.test_status,
            last_error=before.last_error,
            last_tested_ms=before.last_tested_ms,
        )
    else:
        discovered.forget(applying.connection, before.id)
    accounts.update(
        applying.connection, vault, replace(account, priority=written.priority or before.priority)
    )
    applying.changed("provider.update", account.id, provider=prefix, name=account_name)


def _remove(applying: Applying, name: str) -> None:
    account = _known(applying).get(name)
    if account is None:
        return  # it went with its node
    accounts.delete(applying.connection, account.id)
    discovered.forget(applying.connection, account.id)
    applying.changed("provider.delete", account.id, name=account.name)


def in_line(items: Items) -> dict[str, JSON]:
    """The accounts with their places in line: by priority, then as they are written."""
    lines: dict[str, list[str]] = {}
    for name in items:
        lines.setdefault(name.partition("/")[0], []).append(name)
    placed: dict[str, JSON] = {}
    for names in lines.values():
        for place, name in enumerate(sorted(names, key=lambda one: _priority(items[one])), 1):
            account = items[name]
            assert isinstance(account, dict)  # noqa: S101 - `normal` made it
            placed[name] = {**account, "priority": place}
    return placed


def _line_up(applying: Applying, items: Items) -> None:
    """Every account stands where the document has it, whatever was moved by others on the way."""
    vault = applying.call.gateway.vault
    for name in sorted(items, key=lambda one: _priority(items[one])):
        account = _known(applying)[name]
        if account.priority != _priority(items[name]):
            placed = replace(account, priority=_priority(items[name]), secret=None)
            accounts.update(applying.connection, vault, placed)


def _priority(account: JSON) -> int:
    given = account.get("priority") if isinstance(account, dict) else None
    return given if isinstance(given, int) else 101


ACCOUNTS = Section(name="accounts", read=_read, normal=_normal, put=_put, remove=_remove, check=_line_up)
