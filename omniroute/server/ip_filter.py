"""Which addresses may talk to the gateway at all."""

from collections.abc import Mapping, Sequence

from omniroute.records.addresses import Ip, parse_address_set, parse_ip
from omniroute.records.preferences import IpFilter
from omniroute.server.client_address import is_loopback


def why_blocked(chosen: IpFilter, bans: Mapping[str, int], address: str | None, *, now_ms: int) -> str | None:
    """Why a caller from there is turned away; `None`: it is not. `bans` are addresses and when each ends.

    This machine's own addresses always pass, so that nobody locks himself out.
    """
    if is_loopback(address):
        return None
    ip = _ip(address)
    if ip is not None and bans.get(str(ip), 0) > now_ms:
        return "it is banned for a time"
    if not chosen.enabled:
        return None
    is_white, is_black = _is_listed(chosen.whitelist, ip), _is_listed(chosen.blacklist, ip)
    match chosen.mode:
        case "blacklist":
            return "it is on the blacklist" if is_black else None
        case "whitelist":
            return None if is_white else "it is not on the whitelist"
        case "whitelist-priority":
            return "it is on the blacklist" if is_black and not is_white else None


def _ip(address: str | None) -> Ip | None:
    try:
        return parse_ip(address or "")
    except ValueError:
        return None


def _is_listed(entries: Sequence[str], ip: Ip | None) -> bool:
    return ip is not None and any(_holds(entry, ip) for entry in entries)


def _holds(entry: str, ip: Ip) -> bool:
    try:
        return ip in parse_address_set(entry)
    except ValueError:
        return False  # nothing such can be set; one that stands in the store all the same means nobody
