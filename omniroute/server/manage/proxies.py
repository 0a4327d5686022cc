"""`/api/settings/proxy`: the ways out of the gateway."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa
from msgspec import UNSET

from omniroute.api.proxies import (
    MASK,
    Level,
    ProxyAtLevel,
    ProxyBody,
    ProxyChange,
    ProxyConfig,
    ProxyEntry,
    ProxyTest,
    ProxyTestResult,
    ResolvedProxy,
)
from omniroute.errors import ConfigError
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.http1.proxies import is_loopback
from omniroute.gateway.http1.upstream import Http1Upstream
from omniroute.gateway.proxy_choice import level_of
from omniroute.gateway.upstream import HttpRequest, UpstreamFailed
from omniroute.providers.wire import USER_AGENT, endpoint_url
from omniroute.records import Account, Endpoint, Provider, Snapshot
from omniroute.records.proxies import Proxy, ProxyLevel, ProxyType
from omniroute.routing.resolve import is_connected
from omniroute.server.manage.call import ApiError, ManageCall, invalid, not_found
from omniroute.server.manage.named import provider_named
from omniroute.server.manage.rows import commit, note
from omniroute.store import proxies

TEST_S = 10.0
_ASKED_WHEN_NOBODY_IS_CONNECTED = "https://api.openai.com/v1/models"

Place = tuple[ProxyLevel, str]


async def show_proxies(call: ManageCall) -> msgspec.Struct:
    """`GET /api/settings/proxy`: all, one by `level` and `id`, or what a connection gets by `resolve`."""
    stored = call.gateway.snapshot.proxies
    if (connection_id := call.query.get("resolve")) is not None:
        return _resolved(call, connection_id)
    if "level" not in call.query:
        return _shown_all(stored)
    place = _place(call.gateway.snapshot, call.query["level"], call.query.get("id"))
    proxy = stored.get(place)
    return ProxyAtLevel(
        level=place[0].value, id=place[1] or None, proxy=None if proxy is None else _shown(proxy)
    )


async def change_proxies(call: ManageCall) -> ProxyConfig:
    """`PUT /api/settings/proxy`: what is absent stays, null removes; the next request follows it."""
    change = call.read(ProxyChange)
    stored = call.gateway.snapshot.proxies
    wanted = dict(_wanted(call.gateway.snapshot, change))
    if not wanted:
        raise invalid("body", "must hold level and proxy, or any of global, providers, combos, keys")
    changes = {
        place: None if body is None else _proxy(body, stored.get(place)) for place, body in wanted.items()
    }

    def update(connection: sa.Connection) -> None:
        for (level, subject), proxy in changes.items():
            if proxy is None:
                _delete(call, connection, (level, subject))
                continue
            proxies.put(connection, call.gateway.vault, level, subject, proxy)
            note(call, connection, "proxy.update", _said((level, subject)), proxy=proxy.url)

    await commit(call, update)
    return _in_force(call.gateway)


async def remove_proxy(call: ManageCall) -> ProxyConfig:
    """`DELETE /api/settings/proxy?level=&id=`"""
    if "level" not in call.query:
        raise invalid("level", "must be one of global, provider, combo, key")
    place = _place(call.gateway.snapshot, call.query["level"], call.query.get("id"))

    await commit(call, lambda connection: _delete(call, connection, place))
    return _in_force(call.gateway)


async def test_proxy(call: ManageCall) -> ProxyTestResult:
    """`POST /api/settings/proxy/test`: whether a provider is reached through it; no key is sent."""
    question, gateway = call.read(ProxyTest), call.gateway
    proxy = _tested(gateway.snapshot, question)
    url = _goal(gateway.snapshot, question.provider)
    request = HttpRequest(
        method="GET",
        url=url,
        headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
        proxy=proxy,
        first_byte_s=TEST_S,
    )
    started_s = gateway.clock.monotonic_s()
    error = None
    try:
        async with asyncio.timeout(TEST_S), gateway.upstream.open(request):
            pass
    except UpstreamFailed as failed:
        error = failed.failure.message
    except TimeoutError:
        error = f"no answer within {TEST_S:g} s"
    return ProxyTestResult(
        success=error is None,
        latency_ms=round((gateway.clock.monotonic_s() - started_s) * 1000),
        proxy_url=proxy.url,
        reached=urlsplit(url).netloc,
        error=error,
    )


def _wanted(snapshot: Snapshot, change: ProxyChange) -> Iterator[tuple[Place, ProxyBody | None]]:
    if change.level is not UNSET:
        if change.proxy is UNSET:
            raise invalid("proxy", "must be a proxy, or null to remove it")
        yield _place(snapshot, change.level, change.id), change.proxy
    if change.all is not UNSET:
        yield (ProxyLevel.GLOBAL, ""), change.all
    groups: tuple[tuple[Level, dict[str, ProxyBody | None]], ...] = (
        ("provider", change.providers),
        ("combo", change.combos),
        ("key", change.keys),
    )
    for level, bodies in groups:
        for subject, body in bodies.items():
            yield _place(snapshot, level, subject, may_be_gone=body is None), body


def _place(snapshot: Snapshot, level: str, subject: str | None, *, may_be_gone: bool = False) -> Place:
    """Level and id of what is named, whether by id or by name. Raises `ApiError`."""
    if level not in tuple(ProxyLevel):
        raise invalid("level", "must be one of global, provider, combo, key")
    found = ProxyLevel(level)
    if found is ProxyLevel.GLOBAL:
        return found, ""
    if not subject:
        raise invalid("id", f"must name the {level}")
    if (found, subject) in snapshot.proxies or may_be_gone:
        return found, subject
    match found:
        case ProxyLevel.PROVIDER:
            return found, provider_named(snapshot, subject).id
        case ProxyLevel.COMBO:
            return found, _combo_id(snapshot, subject)
        case ProxyLevel.KEY:
            return found, _account(snapshot, subject)[1].id


def _combo_id(snapshot: Snapshot, named: str) -> str:
    combo = next((one for one in snapshot.combos.values() if named in (one.id, one.name)), None)
    if combo is None:
        raise not_found("combo", named)
    return combo.id


def _account(snapshot: Snapshot, account_id: str) -> tuple[Provider, Account]:
    for provider_id, accounts in snapshot.accounts.items():
        for account in accounts:
            if account.id == account_id:
                return snapshot.providers[provider_id], account
    raise not_found("connection", account_id)


def _proxy(body: ProxyBody, before: Proxy | None) -> Proxy:
    """The proxy that is meant; the mask stands for the password there was. Raises `ApiError` 400."""
    host = body.host.strip().removeprefix("[").removesuffix("]")
    try:
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        host = ""
    if not host or any(letter in " /@?#\\" or not letter.isprintable() for letter in host):
        raise invalid("proxy.host", "must be a host name or an address")
    port = int(body.port)
    if not 1 <= port <= 65_535:
        raise invalid("proxy.port", "must be from 1 to 65535")
    if body.username is None and body.password not in (None, "", MASK):
        raise invalid("proxy.username", "must go with the password")
    password = body.password or None
    if password == MASK:
        password = before.password if before is not None else None
    login = f"{body.username or ''}{password or ''}"
    if any(not letter.isprintable() for letter in login) or ":" in (body.username or ""):
        raise invalid("proxy.username", "must hold no colon, and no character that cannot be seen")
    proxy = Proxy(type=ProxyType(body.type), host=host, port=port, username=body.username)
    return replace(proxy, password=password if body.username is not None else None)


def _delete(call: ManageCall, connection: sa.Connection, place: Place) -> None:
    if proxies.delete(connection, *place):
        note(call, connection, "proxy.delete", _said(place))


def _in_force(gateway: Gateway) -> ProxyConfig:
    """All proxies; what waits at others is closed."""
    stored = gateway.snapshot.proxies
    if isinstance(gateway.upstream, Http1Upstream):
        gateway.upstream.keep_proxies(set(stored.values()))
    return _shown_all(stored)


def _tested(snapshot: Snapshot, question: ProxyTest) -> Proxy:
    if question.proxy is not None:
        before = None
        if question.level is not None:
            before = snapshot.proxies.get(_place(snapshot, question.level, question.id))
        return _proxy(question.proxy, before)
    if question.level is None:
        raise invalid("proxy", "must be a proxy, unless level names a stored one")
    place = _place(snapshot, question.level, question.id)
    if place not in snapshot.proxies:
        raise ApiError(404, "NOT_FOUND", f"there is no proxy for {_said(place)}")
    return snapshot.proxies[place]


def _goal(snapshot: Snapshot, named: str | None) -> str:
    """What to ask for: a provider's list of models."""
    connected = [one for one in snapshot.providers.values() if is_connected(snapshot, one)]
    candidates = connected if named is None else [provider_named(snapshot, named)]
    for provider in candidates:
        accounts = snapshot.accounts.get(provider.id, ())
        account = accounts[0] if accounts else Account(id="", provider_id=provider.id, name="", priority=1)
        try:
            url = endpoint_url(provider, account, Endpoint.MODELS)
        except ConfigError:
            continue
        if url.startswith(("http://", "https://")) and not is_loopback(urlsplit(url).hostname or ""):
            return url
    if named is not None:
        raise invalid("provider", f"{named!r} has no address outside this machine")
    return _ASKED_WHEN_NOBODY_IS_CONNECTED


def _resolved(call: ManageCall, connection_id: str) -> ResolvedProxy:
    snapshot = call.gateway.snapshot
    provider, account = _account(snapshot, connection_id)
    combo = call.query.get("combo")
    if combo is not None:
        combo_id = _combo_id(snapshot, combo)
        combo = next(name for name, one in snapshot.combos.items() if one.id == combo_id)
    place = level_of(snapshot, provider, account, combo)
    if place is None:
        return ResolvedProxy(proxy=None, level=None, level_id=None)
    level: Level = place[0].value
    return ResolvedProxy(proxy=_shown(snapshot.proxies[place]), level=level, level_id=place[1] or None)


def _shown_all(stored: Mapping[Place, Proxy]) -> ProxyConfig:
    whole = stored.get((ProxyLevel.GLOBAL, ""))

    def at(wanted: ProxyLevel) -> dict[str, ProxyEntry]:
        return {subject: _shown(proxy) for (level, subject), proxy in stored.items() if level is wanted}

    return ProxyConfig(
        all=None if whole is None else _shown(whole),
        providers=at(ProxyLevel.PROVIDER),
        combos=at(ProxyLevel.COMBO),
        keys=at(ProxyLevel.KEY),
    )


def _shown(proxy: Proxy) -> ProxyEntry:
    return ProxyEntry(
        type=proxy.type.value,
        host=proxy.host,
        port=proxy.port,
        username=proxy.username,
        password=None if proxy.password is None else MASK,
    )


def _said(place: Place) -> str:
    return f"{place[0]} {place[1]}".strip()
