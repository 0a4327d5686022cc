"""What is said to a token endpoint, and what its answers mean (RFC 6749). Pure."""

from base64 import b64encode, urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import msgspec

from omniroute.providers.wire import USER_AGENT
from omniroute.records.logins import Login
from omniroute.records.oauth import TokenStyle

FINAL_CODES = frozenset(
    {
        "invalid_grant",
        "invalid_refresh_token",
        "token_expired",
        "refresh_token_expired",
        "refresh_token_invalidated",
        "refresh_token_reused",
        "unauthorized_client",
    }
)
"""After these the same question never gets another answer: the person has to sign in again."""

_MAX_MESSAGE_CHARS = 500
_MAX_DIGITS = 15

TokenRequest = tuple[str, dict[str, str], bytes]
"""URL, headers and body of a POST."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a sign-in or a refresh has brought."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    """`None`: the one there was goes on."""
    expires_in_s: int | None = None
    """`None`: the vendor did not say, or the token does not end."""
    scope: str | None = None
    identity: str | None = None
    """E-mail or login name the vendor told along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRefused:
    """The vendor gives no token."""

    code: str
    """Its own code; `http_{status}` when it had none."""
    message: str
    """For people; never a token."""
    is_final: bool
    """Asking again cannot help: the person has to sign in again."""


def refresh_request(login: Login) -> TokenRequest:
    """The request for a new access token. ValueError: the login has no refresh token."""
    if login.refresh_token is None:
        raise ValueError("a login without a refresh token cannot be refreshed")
    fields = {"grant_type": "refresh_token", "refresh_token": login.refresh_token}
    return token_request(
        login.token_url,
        fields,
        style=login.style,
        client_id=login.client_id,
        client_secret=login.client_secret,
    )


def token_request(
    url: str,
    fields: Mapping[str, str],
    *,
    style: TokenStyle,
    client_id: str | None,
    client_secret: str | None,
) -> TokenRequest:
    """A request with these fields, and the client named where the vendor looks for it."""
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
    by_basic = style is TokenStyle.FORM_BASIC and client_id is not None and client_secret is not None
    if by_basic:
        headers["Authorization"] = f"Basic {_basic(client_id or '', client_secret or '')}"
        named: dict[str, str | None] = {}
    else:
        named = {"client_id": client_id, "client_secret": client_secret}
    members = {**fields, **{name: value for name, value in named.items() if value is not None}}
    if style is TokenStyle.JSON:
        return url, {**headers, "Content-Type": "application/json"}, msgspec.json.encode(members)
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return url, headers, urlencode(members).encode()


def token_reply(status: int, body: bytes, now_ms: int) -> Tokens | TokenRefused:
    """What the endpoint's answer brings; `now_ms` turns an instant of expiry into a duration."""
    reply = reply_object(body)
    error = refusal(status, reply)
    if error is not None:
        return error
    token = text_of(reply, "access_token") or text_of(reply, "accessToken")
    if token is None:
        return TokenRefused(code="invalid_response", message="its answer holds no token", is_final=False)
    return Tokens(
        access_token=token,
        refresh_token=text_of(reply, "refresh_token") or text_of(reply, "refreshToken"),
        expires_in_s=_expires_in_s(reply, now_ms),
        scope=text_of(reply, "scope"),
        identity=_identity(text_of(reply, "id_token") or text_of(reply, "idToken")),
    )


def refusal(status: int, reply: Mapping[str, object]) -> TokenRefused | None:
    """The error in an answer, wherever its vendor puts it; `None`: it is no error.

    Some answer 200 with an `error` (GitHub does), some wrap it in an object, some send no JSON at all.
    """
    error = reply.get("error")
    inner = error if isinstance(error, dict) else reply
    code = error if isinstance(error, str) and error else None
    if code is None and status // 100 == 2 and not error:
        return None
    code = code or text_of(inner, "code") or text_of(inner, "type") or f"http_{status}"
    said = text_of(reply, "error_description") or text_of(inner, "message") or f"it answered {status}"
    return TokenRefused(
        code=code, message=" ".join(said.split())[:_MAX_MESSAGE_CHARS], is_final=code in FINAL_CODES
    )


def reply_object(body: bytes) -> Mapping[str, object]:
    """The JSON object in the body; empty when there is none."""
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def text_of(reply: Mapping[str, object], name: str) -> str | None:
    """The member, when it is text and not blank."""
    value = reply.get(name)
    return value if isinstance(value, str) and value.strip() else None


def _basic(client_id: str, client_secret: str) -> str:
    """RFC 6749, section 2.3.1: both are form-encoded before they are joined."""
    return b64encode(f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}".encode()).decode()


def _identity(id_token: str | None) -> str | None:
    """Whom an ID token names.

    Its signature is not checked: it came from the token endpoint itself, over TLS, which OpenID Connect Core
    (section 3.1.3.7) lets stand for it, and it only gives the account a name.
    """
    parts = (id_token or "").split(".")
    if len(parts) != 3:
        return None
    try:
        claims = reply_object(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    names = (text_of(claims, name) for name in ("email", "preferred_username", "name"))
    return next((name for name in names if name is not None), None)


def _expires_in_s(reply: Mapping[str, object], now_ms: int) -> int | None:
    duration = _seconds(reply, "expires_in", "expiresIn")
    if duration is not None:
        return max(0, int(duration))
    instant = _seconds(reply, "expires_at", "expiresAt")
    return None if instant is None else max(0, int(instant - now_ms / 1000))


def _seconds(reply: Mapping[str, object], *names: str) -> float | None:
    for name in names:
        value = reply.get(name)
        if isinstance(value, str) and value.isdecimal() and len(value) <= _MAX_DIGITS:
            return float(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    return None
