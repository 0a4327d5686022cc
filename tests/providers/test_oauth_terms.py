"""The `[oauth]` tables of the catalogue."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from omniroute.errors import ConfigError
from omniroute.providers.load import load_catalogue
from omniroute.records import Provider, ProviderStatus
from omniroute.records.oauth import ClientNeed, FlowKind, TokenStyle

ACME = """
id = "acme"
name = "Acme"
category = "local"
base_url = "https://acme.example/v1"

[oauth]
flows = ["code", "device"]
client = "own"
authorize_url = "https://acme.example/authorize"
token_url = "http://127.0.0.1:9/token"
device_url = "https://acme.example/device"
scopes = ["models"]
authorize = { access_type = "offline" }
style = "json"
source = "its documentation"
checked = 2026-11-22
"""


@pytest.fixture(scope="module")
def catalogue() -> Mapping[str, Provider]:
    return load_catalogue()


def test_one_signs_in_where_it_is_open_to_programs_like_this_one(catalogue: Mapping[str, Provider]) -> None:
    open_to_all = {provider.id for provider in catalogue.values() if provider.oauth is not None}

    assert open_to_all == {"gemini", "huggingface", "kilocode", "openrouter", "vertex"}
    assert all(catalogue[name].status is ProviderStatus.ACTIVE for name in open_to_all)


def test_whoever_wants_a_client_says_how_one_comes_to_it(catalogue: Mapping[str, Provider]) -> None:
    for provider in catalogue.values():
        if provider.oauth is not None:
            needs_client = provider.oauth.client is not ClientNeed.NONE
            assert (provider.oauth.register_note is not None) is needs_client, provider.id


def test_google_is_asked_for_a_token_that_can_be_renewed(catalogue: Mapping[str, Provider]) -> None:
    for name in ("gemini", "vertex"):
        terms = catalogue[name].oauth
        assert terms is not None
        assert dict(terms.authorize) == {"access_type": "offline", "prompt": "consent"}


def test_a_file_of_the_user_may_say_how_to_sign_in(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(ACME)

    terms = load_catalogue(tmp_path)["acme"].oauth

    assert terms is not None
    assert terms.flows == (FlowKind.CODE, FlowKind.DEVICE)
    assert (terms.client, terms.style) == (ClientNeed.OWN, TokenStyle.JSON)
    assert terms.token_url == "http://127.0.0.1:9/token"
    assert terms.source == "its documentation, read 2026-11-22"


@pytest.mark.parametrize(
    ("line", "instead", "complaint"),
    [
        ('flows = ["code", "device"]', "flows = []", "oauth.flows is missing"),
        ('flows = ["code", "device"]', 'flows = ["password"]', "oauth.flows must be one of code, device"),
        ('client = "own"', "", "oauth.client is missing"),
        ('client = "own"', 'client_id = "17"', "oauth.client is missing"),
        ('style = "json"', 'client_id = "17"', "oauth.client_id is not a known key"),
        ('device_url = "https://acme.example/device"', "", "the flow 'device' needs it"),
        ("http://127.0.0.1:9/token", "http://acme.example/token", "oauth.token_url must be an https URL"),
        ("https://acme.example/authorize", "https://user:x@acme.example/a", "oauth.authorize_url must be"),
        ("checked = 2026-11-22", "", "oauth.checked is missing"),
        ('source = "its documentation"', "", "oauth.source is missing"),
    ],
)
def test_a_wrong_table_is_refused_by_file_and_key(
    tmp_path: Path, line: str, instead: str, complaint: str
) -> None:
    assert line in ACME
    (tmp_path / "acme.toml").write_text(ACME.replace(line, instead))

    with pytest.raises(ConfigError, match=complaint) as raised:
        load_catalogue(tmp_path)

    assert "acme.toml" in str(raised.value)
