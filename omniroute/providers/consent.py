"""The page where a person consents, and what comes back from it (RFC 6749, RFC 7636). Pure."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from urllib.parse import parse_qs, urlencode, urlsplit

from omniroute.providers.token_wire import (
    TokenRefused,
    TokenRequest,
    Tokens,
    refusal,
    reply_object,
    token_reply,
    token_request,
)
from omniroute.records.oauth import FlowKind, OAuthTerms, Registration, TokenStyle


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question for consent, as the browser is sent away with it."""

    registration: Registration
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What the vendor has sent the browser back with."""

    code: str | None = field(default=None, repr=False)
    state: str | None = field(default=None, repr=False)
    error: str | None = None
    error_description: str | None = None


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def callback_path(kind: FlowKind, state: str) -> str:
    """Where the browser comes back to. OpenRouter repeats no state, so the path carries it there."""
    return f"/callback/{state}" if kind is FlowKind.CODE_FOR_KEY else "/callback"


def consent_url(terms: OAuthTerms, kind: FlowKind, asked: Asked) -> str:
    """The address of the page. ValueError: the vendor has none."""
    if terms.authorize_url is None:
        raise ValueError("there is no page of consent in these terms")
    proof = {"code_challenge": challenge(asked.verifier), "code_challenge_method": "S256"}
    if kind is FlowKind.CODE_FOR_KEY:
        query = {"callback_url": asked.redirect_uri, **proof}
    else:
        query = {
            "response_type": "code",
            "client_id": asked.registration.client_id or "",
            "redirect_uri": asked.redirect_uri,
            "scope": " ".join(terms.scopes),
            "state": asked.state,
            **proof,
            **terms.authorize,
        }
    return f"{terms.authorize_url}{'&' if '?' in terms.authorize_url else '?'}{urlencode(query)}"


def code_request(terms: OAuthTerms, kind: FlowKind, asked: Asked, code: str) -> TokenRequest:
    """The request that makes a token of a code. ValueError: the vendor has no endpoint for it."""
    if terms.token_url is None:
        raise ValueError("there is no token endpoint in these terms")
    proof = {"code": code, "code_verifier": asked.verifier}
    if kind is FlowKind.CODE_FOR_KEY:
        fields = {**proof, "code_challenge_method": "S256"}
        style = TokenStyle.JSON
    else:
        fields = {"grant_type": "authorization_code", **proof, "redirect_uri": asked.redirect_uri}
        style = terms.style
    return token_request(
        terms.token_url,
        fields,
        style=style,
        client_id=asked.registration.client_id,
        client_secret=asked.registration.client_secret,
    )


def code_reply(kind: FlowKind, status: int, body: bytes, now_ms: int) -> Tokens | TokenRefused:
    """What the answer to `code_request` brings."""
    if kind is not FlowKind.CODE_FOR_KEY:
        return token_reply(status, body, now_ms)
    reply = reply_object(body)
    refused = refusal(status, reply)
    if refused is not None:
        return refused
    key = reply.get("key")
    if not isinstance(key, str) or not key.strip():
        return TokenRefused(code="invalid_response", message="its answer holds no key", is_final=False)
    return Tokens(access_token=key)


def returned(text: str) -> Returned:
    """What a person has pasted: the address they came back to, `code#state`, or the code alone."""
    text = text.strip()
    if "://" not in text and not text.startswith("/"):
        code, _, state = text.partition("#")
        return Returned(code=code or None, state=state or None)
    parts = urlsplit(text)
    found = of_query({name: values[0] for name, values in parse_qs(parts.query).items()})
    _, _, in_path = parts.path.partition("/callback/")
    return replace(found, state=found.state or in_path or None)


def of_query(query: Mapping[str, str]) -> Returned:
    """What the query of a callback says."""
    return Returned(
        code=query.get("code") or None,
        state=query.get("state") or None,
        error=query.get("error") or None,
        error_description=query.get("error_description") or None,
    )
