"""`proxies`: the ways out, by what they are for. Passwords are named, never shown."""

import re
from collections.abc import Mapping

import msgspec

from omniroute.api.config import ProxyItem
from omniroute.records.proxies import Proxy, ProxyLevel
from omniroute.server.manage.call import ApiError, invalid
from omniroute.server.manage.declared.accounts import NEW
from omniroute.server.manage.declared.section import Applying, Section, builtins, item
from omniroute.server.manage.declared.subjects import account_called, account_name
from omniroute.server.manage.named import provider_named
from omniroute.store import combos, proxies
from omniroute.store.key_value import JSON

Place = tuple[ProxyLevel, str]

_SCHEME = "env:"


def _known(applying: Applying) -> Mapping[Place, Proxy]:
    return proxies.listing(applying.connection, applying.call.gateway.vault)


def _read(applying: Applying) -> dict[str, JSON]:
    """All whose subjects are still there."""
    found: dict[str, JSON] = {}
    for place, proxy in _known(applying).items():
        name = _name(applying, place)
        if name is not None:
            found[name] = _shown(proxy, f"{_SCHEME}{_variable(name)}" if proxy.password else None)
    return found


def _shown(proxy: Proxy, password: str | None) -> dict[str, JSON]:
    members = builtins(ProxyItem(host=proxy.host, port=proxy.port, type=proxy.type, username=proxy.username))
    return members if password is None else {**members, "password": password}


def _variable(name: str) -> str:
    return "PROXY_PASSWORD_" + re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").upper()


def _name(applying: Applying, place: Place) -> str | None:
    level, subject = place
    if level is ProxyLevel.GLOBAL:
        return "global"
    if level is ProxyLevel.PROVIDER:
        provider = applying.snapshot.providers.get(subject)
        return None if provider is None else f"provider/{provider.label}"
    if level is ProxyLevel.COMBO:
        names = {row.id: row.name for row in combos.rows(applying.connection)}
        return f"combo/{names[subject]}" if subject in names else None
    account = account_name(applying, subject)
    return None if account is None else f"account/{account}"


def _place(applying: Applying, name: str) -> Place:
    path = f"proxies.{name}"
    level, _, subject = name.partition("/")
    if name == "global":
        return ProxyLevel.GLOBAL, ""
    if level == "provider":
        try:
            return ProxyLevel.PROVIDER, provider_named(applying.snapshot, subject).id
        except ApiError as error:
            raise invalid(path, error.message) from None
    if level == "combo":
        ids = {row.name: row.id for row in combos.rows(applying.connection)}
        if subject not in ids:
            raise invalid(path, f"there is no combo {subject!r}")
        return ProxyLevel.COMBO, ids[subject]
    if level == "account":
        return ProxyLevel.KEY, account_called(applying, subject, path).id
    raise invalid(path, "is called global, provider/ID, combo/NAME or account/PROVIDER/NAME")


def _normal(applying: Applying, name: str, value: JSON) -> JSON:
    path = f"proxies.{name}"
    written = item(value, ProxyItem, path)
    if written.password is not None and written.username is None:
        raise invalid(f"{path}.username", "is missing: a password goes with one")
    place = _place(applying, name)
    if (usual := _name(applying, place)) != name:
        raise invalid(path, f"write {usual}")
    before = _known(applying).get(place)
    return _shown(_proxy(written, None), _named(applying, name, written, before))


def _proxy(written: ProxyItem, password: str | None) -> Proxy:
    return Proxy(
        type=written.type,
        host=written.host.strip("[]"),
        port=written.port,
        username=written.username,
        password=password,
    )


def _named(applying: Applying, name: str, written: ProxyItem, before: Proxy | None) -> str | None:
    """The password's name as `read` has it when it is the stored one, else marked as new."""
    if written.password is None:
        return None
    given = applying.secrets.get(written.password.removeprefix(_SCHEME))
    stored = None if before is None else before.password
    if given is not None and given != stored:
        return f"{NEW}{written.password}"
    if stored is None:
        variable = written.password.removeprefix(_SCHEME)
        raise invalid(f"proxies.{name}.password", f"{variable} is not set")
    return f"{_SCHEME}{_variable(name)}"


def _put(applying: Applying, name: str, value: JSON) -> None:
    assert isinstance(value, dict)  # noqa: S101 - `normal` made it
    members = {key: member for key, member in value.items() if key != "password"}
    place, named = _place(applying, name), value.get("password")
    password = None
    if isinstance(named, str):
        before = _known(applying).get(place)
        password = before.password if before is not None else None
        if named.startswith(NEW):
            password = applying.secrets[named.removeprefix(NEW + _SCHEME)]
    proxy = _proxy(msgspec.convert(members, ProxyItem), password)
    proxies.put(applying.connection, applying.call.gateway.vault, *place, proxy)
    applying.changed("proxy.update", name, proxy=proxy.url)


def _remove(applying: Applying, name: str) -> None:
    for place in _known(applying):
        if _name(applying, place) == name:
            proxies.delete(applying.connection, *place)
            applying.changed("proxy.delete", name)


PROXIES = Section(name="proxies", read=_read, normal=_normal, put=_put, remove=_remove)
