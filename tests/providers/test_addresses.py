"""Which base URLs are taken."""

import pytest

from omniroute.errors import ConfigError
from omniroute.providers.addresses import check_base_url, is_private_address, is_refused_address


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.acme.example/v1", "https://api.acme.example/v1"),
        (" https://api.acme.example/v1/ ", "https://api.acme.example/v1"),
        ("https://API.acme.example:8443", "https://api.acme.example:8443"),
        ("https://api.acme.example/v1/chat/completions", "https://api.acme.example/v1"),
        ("https://api.acme.example/v1/messages/", "https://api.acme.example/v1"),
        ("https://api.acme.example/v1/responses", "https://api.acme.example/v1"),
        ("https://api.acme.example/v1/models", "https://api.acme.example/v1"),
        ("https://8.8.8.8/v1", "https://8.8.8.8/v1"),
        ("https://[2606:4700::1111]:8443/v1", "https://[2606:4700::1111]:8443/v1"),
    ],
)
def test_a_public_url_is_kept_in_one_form(url: str, kept: str) -> None:
    assert check_base_url(url, allow_private=False) == kept
    assert check_base_url(kept, allow_private=False) == kept


PRIVATE = [
    "http://localhost:11434",
    "http://LOCALHOST.:1",
    "http://box.localhost",
    "http://127.0.0.1:8080/v1",
    "http://127.8.8.8",
    "http://10.1.2.3",
    "http://172.16.0.1",
    "http://192.168.1.20:1234/v1",
    "http://100.64.0.1",
    "http://0.0.0.0:80",
    "http://[::1]:8000",
    "http://[::]",
    "http://[fd12::1]",
    "http://[::ffff:127.0.0.1]",
    "http://[64:ff9b::7f00:1]",
    "http://[2002:7f00:1::]",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_a_private_address_has_to_be_meant(url: str) -> None:
    with pytest.raises(ConfigError, match="--allow-private"):
        check_base_url(url, allow_private=False)
    assert check_base_url(url, allow_private=True).startswith("http://")


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://169.254.0.1",
        "http://[fe80::1]",
        "http://[fd00:ec2::254]",
        "http://[::ffff:169.254.169.254]",
        "http://[64:ff9b::a9fe:a9fe]",
        "http://100.100.100.200",
        "http://metadata.google.internal",
        "http://metadata",
    ],
)
def test_link_local_and_metadata_addresses_are_never_taken(url: str) -> None:
    for allow_private in (False, True):
        with pytest.raises(ConfigError, match="no connection is made"):
            check_base_url(url, allow_private=allow_private)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.acme.example/v1",
        "ftp://acme.example",
        "file:///etc/passwd",
        "https://",
        "https://acme.example:99999",
        "https://acme.example:0",
        "https://user:hunter2@acme.example",
        "https://acme.example?key=hunter2",
        "https://acme.example#hunter2",
        "https://acme.example/v1?",
        "https://ac me.example",
        "https://acme.example\\@evil.example",
        "https://acme.example/a\nb",
        "http://2130706433",
        "http://0x7f.1",
        "http://127.1",
        "http://[::1",
    ],
)
def test_anything_but_a_plain_url_is_refused_without_repeating_its_secrets(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_base_url(url, allow_private=True)
    assert "hunter2" not in str(caught.value)


def test_resolved_addresses_are_judged_alike() -> None:
    assert is_private_address("127.0.0.1")
    assert is_private_address("fe80::1%eth0")
    assert is_private_address("::ffff:10.0.0.1")
    assert not is_private_address("1.1.1.1")
    assert is_refused_address("169.254.169.254")
    assert not is_refused_address("127.0.0.1")
