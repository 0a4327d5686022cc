"""The page of consent, and what comes back from it."""

import base64
import hashlib
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.providers.consent import (
    Asked,
    Returned,
    callback_path,
    challenge,
    code_reply,
    code_request,
    consent_url,
    returned,
)
from omniroute.providers.load import load_catalogue
from omniroute.providers.token_wire import TokenRefused, Tokens
from omniroute.records.oauth import FlowKind, OAuthTerms, Registration

ASKED = Asked(
    registration=Registration("me", "hush"),
    redirect_uri="http://localhost:20128/callback",
    state="the-state",
    verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
)


@pytest.fixture(scope="module")
def shipped() -> dict[str, OAuthTerms]:
    return {name: entry.oauth for name, entry in load_catalogue().items() if entry.oauth is not None}


def query_of(url: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


def test_the_challenge_is_that_of_the_standards_own_example() -> None:
    assert challenge(ASKED.verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B


@given(st.text("abcXYZ019-._~", min_size=43, max_size=128))
def test_a_challenge_is_the_digest_without_padding(verifier: str) -> None:
    digest = hashlib.sha256(verifier.encode()).digest()

    assert base64.urlsafe_b64decode(challenge(verifier) + "=") == digest


def test_google_is_asked_for_consent_with_proof_and_for_a_token_that_can_be_renewed(
    shipped: dict[str, OAuthTerms],
) -> None:
    url = consent_url(shipped["gemini"], FlowKind.CODE, ASKED)

    assert url.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    assert query_of(url) == {
        "response_type": "code",
        "client_id": "me",
        "redirect_uri": ASKED.redirect_uri,
        "scope": "openid email https://www.googleapis.com/auth/cloud-platform",
        "state": "the-state",
        "code_challenge": challenge(ASKED.verifier),
        "code_challenge_method": "S256",
        "access_type": "offline",
        "prompt": "consent",
    }


def test_openrouter_is_told_no_client_and_gets_the_state_in_the_path(shipped: dict[str, OAuthTerms]) -> None:
    assert callback_path(FlowKind.CODE_FOR_KEY, "the-state") == "/callback/the-state"
    assert set(query_of(consent_url(shipped["openrouter"], FlowKind.CODE_FOR_KEY, ASKED))) == {
        "callback_url",
        "code_challenge",
        "code_challenge_method",
    }


@pytest.mark.parametrize("name", ["gemini", "huggingface", "openrouter"])
def test_no_page_of_consent_learns_the_verifier_or_the_secret(
    shipped: dict[str, OAuthTerms], name: str
) -> None:
    terms = shipped[name]
    url = consent_url(terms, terms.flows[0], ASKED)

    assert ASKED.verifier not in url
    assert "hush" not in url


def test_a_code_is_exchanged_with_its_verifier_and_the_same_way_back(shipped: dict[str, OAuthTerms]) -> None:
    url, headers, body = code_request(shipped["huggingface"], FlowKind.CODE, ASKED, "c/1")

    assert url == "https://huggingface.co/oauth/token"
    assert headers["Authorization"].startswith("Basic ")
    assert {name: value for name, (value,) in parse_qs(body.decode()).items()} == {
        "grant_type": "authorization_code",
        "code": "c/1",
        "code_verifier": ASKED.verifier,
        "redirect_uri": ASKED.redirect_uri,
    }


def test_openrouter_makes_a_key_of_a_code(shipped: dict[str, OAuthTerms]) -> None:
    nobody = Asked(
        registration=Registration(), redirect_uri=ASKED.redirect_uri, state="s", verifier=ASKED.verifier
    )

    url, _, body = code_request(shipped["openrouter"], FlowKind.CODE_FOR_KEY, nobody, "c1")

    assert url == "https://openrouter.ai/api/v1/auth/keys"
    assert json.loads(body) == {
        "code": "c1",
        "code_verifier": ASKED.verifier,
        "code_challenge_method": "S256",
    }
    assert code_reply(FlowKind.CODE_FOR_KEY, 200, b'{"key":"sk-or-1"}', 0) == Tokens(access_token="sk-or-1")


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"{}", "invalid_response"),
        (200, b'{"key":7}', "invalid_response"),
        (403, b'{"error":{"code":403,"message":"Invalid code"}}', "http_403"),
        (502, b"<html>", "http_502"),
    ],
)
def test_no_key_is_a_refusal(status: int, body: bytes, code: str) -> None:
    refused = code_reply(FlowKind.CODE_FOR_KEY, status, body, 0)

    assert isinstance(refused, TokenRefused)
    assert refused.code == code


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        ("abc", Returned(code="abc")),
        ("  abc#the-state \n", Returned(code="abc", state="the-state")),
        (
            "http://localhost:20128/callback?code=a%2Fb&state=the-state&scope=x",
            Returned(code="a/b", state="the-state"),
        ),
        ("http://localhost:9/callback/the-state?code=abc", Returned(code="abc", state="the-state")),
        ("/callback?code=abc", Returned(code="abc")),
        (
            "http://localhost:9/callback?error=access_denied&error_description=no+thanks&state=s",
            Returned(error="access_denied", error_description="no thanks", state="s"),
        ),
        ("http://localhost:9/callback", Returned()),
    ],
)
def test_what_a_person_pastes_is_understood(pasted: str, found: Returned) -> None:
    assert returned(pasted) == found


@given(st.text(max_size=300))
def test_whatever_is_pasted_raises_nothing(pasted: str) -> None:
    assert isinstance(returned(pasted), Returned)


def test_no_secret_shows_in_a_repr() -> None:
    assert not any(
        secret in repr((ASKED, returned("code-1#state-1")))
        for secret in ("hush", ASKED.verifier, "the-state", "code-1", "state-1")
    )
