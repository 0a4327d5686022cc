"""Sets of addresses as people write them."""

from ipaddress import IPv4Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.records.addresses import parse_address_set, parse_ip


@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        ("203.0.113.9", "203.0.113.9", "203.0.113.10"),
        ("203.0.113.9", "::ffff:203.0.113.9", "::203.0.113.9"),
        ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
        ("10.1.2.3/8", "10.255.0.1", "11.0.0.1"),
        ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
        ("fe80::1", "fe80::1%eth0", "fe80::2"),
        ("192.168.*.7", "192.168.200.7", "192.168.200.8"),
        ("*.*.*.*", "1.2.3.4", "::1"),
    ],
)
def test_a_set_holds_what_it_says(written: str, inside: str, outside: str) -> None:
    assert parse_ip(inside) in parse_address_set(written)
    assert parse_ip(outside) not in parse_address_set(written)


@pytest.mark.parametrize(
    "written", ["", "*", "1.2.3", "1.2.3.*.5", "300.*.1.1", "host.example", "10.0.0.0/40", "1.*.x.3"]
)
def test_what_is_no_set_is_an_error(written: str) -> None:
    with pytest.raises(ValueError, match="must be an address"):
        parse_address_set(written)


@given(st.integers(0, 2**32 - 1), st.integers(0, 32), st.integers(0, 2**32 - 1))
def test_networks_are_those_of_the_standard_library(network: int, prefix: int, ip: int) -> None:
    written = f"{IPv4Address(network)}/{prefix}"
    assert (IPv4Address(ip) in parse_address_set(written)) is (
        IPv4Address(ip) in ip_network(written, strict=False)
    )
