"""`/api/settings/ip-filter`: which addresses may talk to the gateway."""

from collections.abc import Callable, Iterable

import msgspec
import sqlalchemy as sa
from msgspec import UNSET, UnsetType

from omniroute.api.ip_filter import IpFilterBody, IpFilterChange, NewBan, TempBan
from omniroute.clock import iso
from omniroute.records import preferences_of
from omniroute.records.addresses import parse_address_set, parse_ip
from omniroute.records.preferences import IpFilter
from omniroute.server.client_address import is_loopback
from omniroute.server.ip_filter import why_blocked
from omniroute.server.manage.call import ApiError, ManageCall, invalid
from omniroute.server.manage.rows import commit, note, read
from omniroute.store import lockouts, settings
from omniroute.store.lockouts import BAN, Lockout

_KEY = "ipFilter"


async def show_ip_filter(call: ManageCall) -> IpFilterBody:
    """`GET /api/settings/ip-filter`"""
    return await read(call, lambda connection: _shown(call, connection))


async def change_ip_filter(call: ManageCall) -> IpFilterBody:
    """`PUT /api/settings/ip-filter`: what is absent stays; the next request follows it."""
    change = call.read(IpFilterChange)

    def update(connection: sa.Connection) -> IpFilterBody:
        before = _stored(connection)
        after = _changed(before, change)
        if after != before:
            settings.put(connection, _KEY, msgspec.to_builtins(after))
            note(
                call,
                connection,
                "ipFilter.update",
                enabled=str(after.enabled).lower(),
                mode=after.mode,
                blacklist=str(len(after.blacklist)),
                whitelist=str(len(after.whitelist)),
            )
        _change_bans(call, connection, change)
        if not change.force:
            spare_the_caller(call, connection, after)
        return _shown(call, connection)

    return await commit(call, update)


def _stored(connection: sa.Connection) -> IpFilter:
    return preferences_of(dict(settings.listing(connection))).ip_filter


def _changed(before: IpFilter, change: IpFilterChange) -> IpFilter:
    return IpFilter(
        enabled=before.enabled if change.enabled is UNSET else change.enabled,
        mode=before.mode if change.mode is UNSET else change.mode,
        blacklist=_entries(
            "blacklist", before.blacklist, change.blacklist, change.add_blacklist, change.remove_blacklist
        ),
        whitelist=_entries(
            "whitelist", before.whitelist, change.whitelist, change.add_whitelist, change.remove_whitelist
        ),
    )


def _entries(
    name: str,
    before: Iterable[str],
    whole: list[str] | UnsetType,
    added: str | UnsetType,
    removed: str | UnsetType,
) -> tuple[str, ...]:
    entries = (
        list(before) if whole is UNSET else [_checked(name, entry, parse_address_set) for entry in whole]
    )
    if added is not UNSET:
        entries.append(_checked(f"add{name.capitalize()}", added, parse_address_set))
    gone = None if removed is UNSET else removed.strip()
    return tuple(dict.fromkeys(entry for entry in entries if entry != gone))


def _checked(name: str, text: str, parse: Callable[[str], object]) -> str:
    try:
        parse(text)
    except ValueError:
        message = f"{text!r} must be an address, a network, or an IPv4 address with * for octets"
        raise invalid(name, message) from None
    return text.strip()


def _change_bans(call: ManageCall, connection: sa.Connection, change: IpFilterChange) -> None:
    if change.remove_ban is not UNSET:
        address = _address("removeBan", change.remove_ban)
        if not lockouts.delete(connection, BAN + address):
            raise ApiError(404, "NOT_FOUND", f"{address} is not banned")
        note(call, connection, "ipFilter.update", address, ban="removed")
    if change.temp_ban is not UNSET:
        _ban(call, connection, change.temp_ban)


def _ban(call: ManageCall, connection: sa.Connection, ban: NewBan) -> None:
    address = _address("tempBan.ip", ban.ip)
    if is_loopback(address):
        raise invalid("tempBan.ip", "this machine's own addresses always pass")
    now_ms = call.gateway.clock.now_ms()
    until_ms = now_ms + ban.duration_ms
    row = Lockout(
        identifier=BAN + address, first_failure_ms=now_ms, locked_until_ms=until_ms, reason=ban.reason
    )
    lockouts.put(connection, row)
    note(call, connection, "ipFilter.ban", address, until=iso(until_ms), reason=ban.reason)


def _address(name: str, text: str) -> str:
    try:
        return str(parse_ip(text))
    except ValueError:
        raise invalid(name, f"{text!r} must be an address") from None


def spare_the_caller(call: ManageCall, connection: sa.Connection, chosen: IpFilter) -> None:
    """Raises `ApiError` 409 when whoever calls would be turned away from now on."""
    bans = {row.identifier.removeprefix(BAN): row.locked_until_ms for row in _bans(connection)}
    reason = why_blocked(chosen, bans, call.peer, now_ms=call.gateway.clock.now_ms())
    if reason is not None:
        message = f"that would turn you away ({call.peer}: {reason}); send force to do it all the same"
        raise ApiError(409, "CONFLICT", message)


def _shown(call: ManageCall, connection: sa.Connection) -> IpFilterBody:
    chosen, now_ms = _stored(connection), call.gateway.clock.now_ms()
    return IpFilterBody(
        enabled=chosen.enabled,
        mode=chosen.mode,
        blacklist=list(chosen.blacklist),
        whitelist=list(chosen.whitelist),
        temp_bans=[
            TempBan(
                ip=row.identifier.removeprefix(BAN),
                until=iso(row.locked_until_ms),
                reason=row.reason,
                remaining_ms=row.locked_until_ms - now_ms,
            )
            for row in _bans(connection)
            if row.locked_until_ms > now_ms
        ],
    )


def _bans(connection: sa.Connection) -> list[Lockout]:
    return [row for name, row in lockouts.listing(connection).items() if name.startswith(BAN)]
