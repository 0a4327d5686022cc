"""Requests to token endpoints, and their answers."""

import base64
import json
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.providers.token_wire import (
    FINAL_CODES,
    TokenRefused,
    Tokens,
    refresh_request,
    token_reply,
    token_request,
)
from omniroute.records.logins import Login
from omniroute.records.oauth import TokenStyle

URL = "https://vendor.example/token"
NOW_MS = 1_800_000_000_000


def test_a_form_names_the_client_and_its_secret_in_the_body() -> None:
    url, headers, body = token_request(
        URL, {"code": "a b&c"}, style=TokenStyle.FORM, client_id="me", client_secret="s+/="
    )

    assert url == URL
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(body.decode()) == {"code": ["a b&c"], "client_id": ["me"], "client_secret": ["s+/="]}
    assert "Authorization" not in headers


def test_a_confidential_client_names_itself_by_http_basic_where_the_vendor_wants_it() -> None:
    _, headers, body = token_request(
        URL, {"code": "x"}, style=TokenStyle.FORM_BASIC, client_id="m:e", client_secret="s/1"
    )

    scheme, _, encoded = headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(encoded)) == ("Basic", b"m%3Ae:s%2F1")
    assert parse_qs(body.decode()) == {"code": ["x"]}


def test_a_public_client_stands_in_the_form_where_others_use_http_basic() -> None:
    _, headers, body = token_request(
        URL, {"code": "x"}, style=TokenStyle.FORM_BASIC, client_id="me", client_secret=None
    )

    assert "Authorization" not in headers
    assert parse_qs(body.decode())["client_id"] == ["me"]


def test_a_refresh_says_what_the_standard_wants() -> None:
    login = Login(
        refresh_token="old", token_url=URL, client_id="me", client_secret=None, style=TokenStyle.JSON
    )

    url, headers, body = refresh_request(login)

    assert (url, headers["Content-Type"]) == (URL, "application/json")
    assert json.loads(body) == {"grant_type": "refresh_token", "refresh_token": "old", "client_id": "me"}


def test_a_login_without_a_refresh_token_cannot_be_refreshed() -> None:
    login = Login(refresh_token=None, token_url=URL, client_id="me", style=TokenStyle.FORM)

    with pytest.raises(ValueError, match="refresh token"):
        refresh_request(login)


@pytest.mark.parametrize(
    ("reply", "expires_in_s"),
    [
        ({"expires_in": 3600}, 3600),
        ({"expires_in": "3600"}, 3600),
        ({"expiresIn": 60.9}, 60),
        ({"expires_in": -5}, 0),
        ({"expires_at": NOW_MS // 1000 + 90}, 90),
        ({"expires_in": None}, None),
        ({"expires_in": True}, None),
        ({"expires_in": "soon"}, None),
        ({"expires_in": "9" * 400}, None),
        ({}, None),
    ],
)
def test_the_lifetime_is_read_in_the_shapes_that_vendors_use(
    reply: dict[str, object], expires_in_s: int | None
) -> None:
    tokens = token_reply(200, json.dumps({"access_token": "a", **reply}).encode(), NOW_MS)

    assert isinstance(tokens, Tokens)
    assert tokens.expires_in_s == expires_in_s


def test_a_reply_in_camel_case_is_read_like_any_other() -> None:
    body = json.dumps({"accessToken": "a", "refreshToken": "r", "expiresIn": 5}).encode()

    assert token_reply(200, body, NOW_MS) == Tokens(access_token="a", refresh_token="r", expires_in_s=5)


@pytest.mark.parametrize(
    ("claims", "identity"),
    [
        (b'{"email":"ann@example.org","name":"Ann"}', "ann@example.org"),
        (b'{"preferred_username":"ann","name":"Ann"}', "ann"),
        (b'{"name":"Ann"}', "Ann"),
        (b'{"sub":"17"}', None),
        (b"no object", None),
        (b"\xff\xfe", None),
    ],
)
def test_an_id_token_names_who_has_signed_in(claims: bytes, identity: str | None) -> None:
    id_token = f"head.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.signature"

    tokens = token_reply(200, json.dumps({"access_token": "a", "id_token": id_token}).encode(), NOW_MS)

    assert isinstance(tokens, Tokens)
    assert tokens.identity == identity


@given(st.text(max_size=60))
def test_an_id_token_of_any_text_raises_nothing(id_token: str) -> None:
    reply = token_reply(200, json.dumps({"access_token": "a", "id_token": id_token}).encode(), NOW_MS)

    assert isinstance(reply, Tokens)


@pytest.mark.parametrize(
    ("status", "body", "code", "is_final"),
    [
        (400, {"error": "invalid_grant", "error_description": "revoked"}, "invalid_grant", True),
        (401, {"error": {"code": "refresh_token_reused", "message": "gone"}}, "refresh_token_reused", True),
        (401, {"error": {"type": "token_expired"}}, "token_expired", True),
        (200, {"error": "unauthorized_client"}, "unauthorized_client", True),
        (200, {"error": "authorization_pending"}, "authorization_pending", False),
        (401, {"error": "invalid_client"}, "invalid_client", False),
        (400, {"code": "invalid_refresh_token"}, "invalid_refresh_token", True),
        (503, {}, "http_503", False),
        (400, {"error": {}}, "http_400", False),
        (200, {"error": {"message": "no"}}, "http_200", False),
    ],
)
def test_a_refusal_is_final_only_when_asking_again_cannot_help(
    status: int, body: dict[str, object], code: str, is_final: bool
) -> None:
    refused = token_reply(status, json.dumps(body).encode(), NOW_MS)

    assert isinstance(refused, TokenRefused)
    assert (refused.code, refused.is_final) == (code, is_final)


@pytest.mark.parametrize(("status", "code"), [(502, "http_502"), (200, "invalid_response")])
def test_a_page_instead_of_json_is_no_final_refusal(status: int, code: str) -> None:
    refused = token_reply(status, b"<html>busy</html>", NOW_MS)

    assert isinstance(refused, TokenRefused)
    assert (refused.code, refused.is_final) == (code, False)


def test_the_vendors_words_become_one_short_line() -> None:
    body = json.dumps({"error": "invalid_grant", "error_description": "a\n\nb " + "x" * 9000}).encode()

    refused = token_reply(400, body, NOW_MS)

    assert isinstance(refused, TokenRefused)
    assert refused.message.startswith("a b x")
    assert len(refused.message) == 500


@given(st.integers(100, 599), st.binary(max_size=200))
def test_no_answer_raises_and_none_that_is_not_understood_is_final(status: int, body: bytes) -> None:
    reply = token_reply(status, body, NOW_MS)

    assert isinstance(reply, TokenRefused)
    assert reply.is_final is (reply.code in FINAL_CODES)


def test_no_token_shows_in_a_repr() -> None:
    tokens = Tokens(access_token="aaaa", refresh_token="rrrr")

    assert not any(secret in repr(tokens) for secret in ("aaaa", "rrrr"))
