"""Signing in with a code that is typed at the vendor (RFC 8628). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from omniroute.providers.token_wire import (
    TokenRefused,
    Tokens,
    refusal,
    reply_object,
    text_of,
    token_reply,
    token_request,
)
from omniroute.providers.wire import USER_AGENT
from omniroute.records.oauth import FlowKind, OAuthTerms, Registration

PENDING = "authorization_pending"
SLOW_DOWN = "slow_down"
DENIED = "access_denied"
EXPIRED = "expired_token"

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL_S = 5
"""Between two polls, where the vendor does not say (RFC 8628, section 3.2)."""
_LONGEST_INTERVAL_S = 60
_LIFETIME_S = 600
_APPROVAL_INTERVAL_S = 3
_APPROVAL_CODES = {202: PENDING, 403: DENIED, 410: EXPIRED}
"""How Kilo Code says by its status what others say in the body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What the person is to type, and where."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None = None
    """With the code in it already."""
    expires_in_s: int
    interval_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request to the vendor."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = field(default=None, repr=False)


def start_call(terms: OAuthTerms, kind: FlowKind, registration: Registration) -> Call:
    """The request for a code. ValueError: the vendor has no device flow."""
    url = _device_url(terms)
    if kind is FlowKind.DEVICE_APPROVAL:
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Content-Type": "application/json"}
        return Call(method="POST", url=url, headers=headers, body=b"{}")
    url, headers, body = token_request(
        url,
        {"scope": " ".join(terms.scopes)},
        style=terms.style,
        client_id=registration.client_id,
        client_secret=registration.client_secret,
    )
    return Call(method="POST", url=url, headers=headers, body=body)


def start_reply(kind: FlowKind, status: int, body: bytes) -> DeviceCode | TokenRefused:
    """The code the vendor gives, or why it gives none."""
    reply = reply_object(body)
    refused = refusal(status, reply)
    if refused is not None:
        return refused
    if kind is FlowKind.DEVICE_APPROVAL:
        code, where = text_of(reply, "code"), text_of(reply, "verificationUrl")
        found = (code, code, where, where, _APPROVAL_INTERVAL_S, reply.get("expiresIn"))
    else:
        where = text_of(reply, "verification_uri") or text_of(reply, "verification_url")
        found = (
            text_of(reply, "device_code"),
            text_of(reply, "user_code"),
            where,
            text_of(reply, "verification_uri_complete"),
            _whole(reply.get("interval")) or _INTERVAL_S,
            reply.get("expires_in"),
        )
    device_code, user_code, uri, complete, interval_s, expires_in = found
    if device_code is None or user_code is None or uri is None or not _is_web_page(uri, complete):
        return TokenRefused(code="invalid_response", message="its answer holds no code", is_final=False)
    return DeviceCode(
        device_code=device_code,
        user_code=user_code,
        verification_uri=uri,
        verification_uri_complete=complete,
        expires_in_s=_whole(expires_in) or _LIFETIME_S,
        interval_s=min(interval_s, _LONGEST_INTERVAL_S),
    )


def poll_call(terms: OAuthTerms, kind: FlowKind, registration: Registration, device_code: str) -> Call:
    """The question whether the person has agreed by now."""
    if kind is FlowKind.DEVICE_APPROVAL:
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
        return Call(method="GET", url=f"{_device_url(terms)}/{quote(device_code, safe='')}", headers=headers)
    if terms.token_url is None:
        raise ValueError("there is no token endpoint in these terms")
    url, headers, body = token_request(
        terms.token_url,
        {"grant_type": _GRANT, "device_code": device_code},
        style=terms.style,
        client_id=registration.client_id,
        client_secret=registration.client_secret,
    )
    return Call(method="POST", url=url, headers=headers, body=body)


def poll_reply(kind: FlowKind, status: int, body: bytes, now_ms: int) -> Tokens | TokenRefused:
    """The tokens, or why there are none: `PENDING` and `SLOW_DOWN` mean that one goes on asking."""
    if kind is not FlowKind.DEVICE_APPROVAL:
        return token_reply(status, body, now_ms)
    reply = reply_object(body)
    code = _APPROVAL_CODES.get(status)
    if code is not None:
        return TokenRefused(code=code, message=text_of(reply, "status") or code, is_final=code != PENDING)
    refused = refusal(status, reply)
    if refused is not None:
        return refused
    token = text_of(reply, "token")
    if token is None:
        return TokenRefused(code="invalid_response", message="its answer holds no token", is_final=False)
    return Tokens(access_token=token, identity=text_of(reply, "userEmail"))


def _device_url(terms: OAuthTerms) -> str:
    if terms.device_url is None:
        raise ValueError("there is no device flow in these terms")
    return terms.device_url


def _is_web_page(*urls: str | None) -> bool:
    """People are sent there, and a browser may be opened on it."""
    return all(url is None or url.startswith(("https://", "http://")) for url in urls)


def _whole(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 1:
        return None
    return int(value)
