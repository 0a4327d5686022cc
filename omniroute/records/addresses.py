"""Sets of IP addresses as people write them."""

from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Ip = IPv4Address | IPv6Address

_OCTETS = 4
_FORM = "must be an address, a network such as 10.0.0.0/8, or an IPv4 address with * for octets"


@dataclass(frozen=True, slots=True)
class AddressSet:
    """The addresses whose bits under `mask` are `bits`."""

    version: int
    bits: int
    mask: int

    def __contains__(self, ip: Ip) -> bool:
        return ip.version == self.version and int(ip) & self.mask == self.bits


@lru_cache(maxsize=4096)
def parse_ip(text: str) -> Ip:
    """The address; an IPv4 address inside an IPv6 one is itself, a zone is left out. Raises ValueError."""
    ip = ip_address(text.strip().partition("%")[0])
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip


@lru_cache(maxsize=4096)
def parse_address_set(text: str) -> AddressSet:
    """An address, a network, or an IPv4 address with `*` for octets. Raises ValueError."""
    text = text.strip()
    if "*" in text:
        return _with_stars(text)
    try:
        if "/" not in text:
            ip = parse_ip(text)
            return AddressSet(ip.version, int(ip), (1 << ip.max_prefixlen) - 1)
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(_FORM) from None
    return AddressSet(network.version, int(network.network_address), int(network.netmask))


def _with_stars(text: str) -> AddressSet:
    octets = text.split(".")
    if len(octets) != _OCTETS:
        raise ValueError(_FORM)
    bits = mask = 0
    for octet in octets:
        bits, mask = bits << 8, mask << 8
        if octet == "*":
            continue
        if not (octet.isascii() and octet.isdecimal()) or int(octet) > 255:
            raise ValueError(_FORM)
        bits, mask = bits | int(octet), mask | 255
    return AddressSet(4, bits, mask)
