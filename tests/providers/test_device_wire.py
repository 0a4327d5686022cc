"""Signing in with a code that is typed at the vendor."""

import json
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.providers.device_wire import (
    DENIED,
    EXPIRED,
    PENDING,
    SLOW_DOWN,
    DeviceCode,
    poll_call,
    poll_reply,
    start_call,
    start_reply,
)
from omniroute.providers.load import load_catalogue
from omniroute.providers.token_wire import TokenRefused, Tokens
from omniroute.records.oauth import FlowKind, OAuthTerms, Registration

NOW_MS = 1_800_000_000_000
ME = Registration("me", None)


@pytest.fixture(scope="module")
def shipped() -> dict[str, OAuthTerms]:
    return {name: entry.oauth for name, entry in load_catalogue().items() if entry.oauth is not None}


def test_hugging_face_is_asked_as_the_standard_says(shipped: dict[str, OAuthTerms]) -> None:
    start = start_call(shipped["huggingface"], FlowKind.DEVICE, ME)
    poll = poll_call(shipped["huggingface"], FlowKind.DEVICE, ME, "d-1")

    assert (start.method, start.url) == ("POST", "https://huggingface.co/oauth/device")
    assert parse_qs((start.body or b"").decode()) == {
        "scope": ["openid profile inference-api"],
        "client_id": ["me"],
    }
    assert (poll.method, poll.url) == ("POST", "https://huggingface.co/oauth/token")
    assert parse_qs((poll.body or b"").decode()) == {
        "grant_type": ["urn:ietf:params:oauth:grant-type:device_code"],
        "device_code": ["d-1"],
        "client_id": ["me"],
    }


def test_kilo_code_is_asked_in_its_own_way_without_any_client(shipped: dict[str, OAuthTerms]) -> None:
    start = start_call(shipped["kilocode"], FlowKind.DEVICE_APPROVAL, Registration())
    poll = poll_call(shipped["kilocode"], FlowKind.DEVICE_APPROVAL, Registration(), "A/B")

    assert (start.method, start.url) == ("POST", "https://api.kilo.ai/api/device-auth/codes")
    assert (poll.method, poll.url) == ("GET", "https://api.kilo.ai/api/device-auth/codes/A%2FB")
    assert poll.body is None


def test_a_code_comes_with_where_it_is_typed_and_how_often_to_ask() -> None:
    reply = {
        "device_code": "d-1",
        "user_code": "ABCD-EFGH",
        "verification_uri": "https://v.example/device",
        "expires_in": 900,
        "interval": 7,
    }

    assert start_reply(FlowKind.DEVICE, 200, json.dumps(reply).encode()) == DeviceCode(
        device_code="d-1",
        user_code="ABCD-EFGH",
        verification_uri="https://v.example/device",
        expires_in_s=900,
        interval_s=7,
    )


@pytest.mark.parametrize(
    ("interval", "interval_s"), [(None, 5), (0, 5), ("9", 9), (10**9, 60), (-1, 5), (True, 5)]
)
def test_an_interval_stays_between_bounds(interval: object, interval_s: int) -> None:
    reply = {
        "device_code": "d",
        "user_code": "u",
        "verification_url": "https://v.example",
        "interval": interval,
    }

    code = start_reply(FlowKind.DEVICE, 200, json.dumps(reply).encode())

    assert isinstance(code, DeviceCode)
    assert (code.interval_s, code.expires_in_s) == (interval_s, 600)


def test_kilo_codes_page_has_the_code_in_it() -> None:
    reply = {"code": "ABC-123", "verificationUrl": "https://k.example/?code=ABC-123", "expiresIn": 600}

    code = start_reply(FlowKind.DEVICE_APPROVAL, 200, json.dumps(reply).encode())

    assert isinstance(code, DeviceCode)
    assert (code.user_code, code.device_code, code.expires_in_s) == ("ABC-123", "ABC-123", 600)
    assert code.verification_uri_complete == "https://k.example/?code=ABC-123"


@pytest.mark.parametrize(
    ("status", "reply", "code"),
    [
        (200, {}, "invalid_response"),
        (200, {"device_code": "d", "user_code": "u"}, "invalid_response"),
        (
            200,
            {"device_code": "d", "user_code": "u", "verification_uri": "file:///etc/passwd"},
            "invalid_response",
        ),
        (401, {"error": "invalid_client"}, "invalid_client"),
        (429, {}, "http_429"),
    ],
)
def test_no_code_is_a_refusal(status: int, reply: dict[str, object], code: str) -> None:
    refused = start_reply(FlowKind.DEVICE, status, json.dumps(reply).encode())

    assert isinstance(refused, TokenRefused)
    assert refused.code == code


@pytest.mark.parametrize(
    ("kind", "status", "reply", "code"),
    [
        (FlowKind.DEVICE, 400, {"error": "authorization_pending"}, PENDING),
        (FlowKind.DEVICE, 200, {"error": "authorization_pending"}, PENDING),
        (FlowKind.DEVICE, 400, {"error": "slow_down"}, SLOW_DOWN),
        (FlowKind.DEVICE, 400, {"error": "access_denied"}, DENIED),
        (FlowKind.DEVICE, 400, {"error": "expired_token"}, EXPIRED),
        (FlowKind.DEVICE_APPROVAL, 202, {"status": "pending"}, PENDING),
        (FlowKind.DEVICE_APPROVAL, 403, {"status": "denied"}, DENIED),
        (FlowKind.DEVICE_APPROVAL, 410, {"status": "expired"}, EXPIRED),
        (FlowKind.DEVICE_APPROVAL, 500, {}, "http_500"),
        (FlowKind.DEVICE_APPROVAL, 200, {"status": "approved"}, "invalid_response"),
    ],
)
def test_waiting_denial_and_the_end_of_a_code_are_told_apart(
    kind: FlowKind, status: int, reply: dict[str, object], code: str
) -> None:
    refused = poll_reply(kind, status, json.dumps(reply).encode(), NOW_MS)

    assert isinstance(refused, TokenRefused)
    assert refused.code == code


def test_kilo_codes_token_says_whose_it_is() -> None:
    reply = {"status": "approved", "token": "k-1", "userEmail": "ann@example.org"}

    assert poll_reply(FlowKind.DEVICE_APPROVAL, 200, json.dumps(reply).encode(), NOW_MS) == Tokens(
        access_token="k-1", identity="ann@example.org"
    )


@given(st.sampled_from([FlowKind.DEVICE, FlowKind.DEVICE_APPROVAL]), st.integers(100, 599), st.binary())
def test_no_answer_raises(kind: FlowKind, status: int, body: bytes) -> None:
    assert isinstance(start_reply(kind, status, body), TokenRefused)
    assert isinstance(poll_reply(kind, status, body, NOW_MS), TokenRefused)
