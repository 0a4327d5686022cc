"""Beginning a sign-in: what has to be known and checked before a person is sent to the vendor."""

import secrets
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from omniroute.api.sign_ins import SignInStart
from omniroute.gateway.sign_ins import LIFETIME_S, SignIn
from omniroute.providers.consent import Asked, callback_path
from omniroute.providers.registration import registration
from omniroute.records import Account, Provider
from omniroute.records.oauth import FlowKind, OAuthTerms, Registration
from omniroute.server.client_address import is_loopback
from omniroute.server.manage.call import ApiError, ManageCall, invalid
from omniroute.server.manage.connection_rules import check_status, checked_account
from omniroute.server.manage.named import provider_named
from omniroute.server.manage.providers import account_name
from omniroute.settings import environment

_ENTROPY_BYTES = 32
_ANY_ADDRESSES = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared with, never bound
_STAND_IN = "to-come"


def terms_of(call: ManageCall) -> tuple[Provider, OAuthTerms]:
    """The provider of the path, and how one signs in there. Raises `ApiError` with the permitted way."""
    provider = provider_named(call.gateway.snapshot, call.params["provider"])
    check_status(provider)
    if provider.oauth is None:
        message = f"{provider.name} has no sign-in that is open to a gateway"
        way = f"; connect it with: omniroute providers add {provider.label}"
        raise invalid("provider", message + way)
    return provider, provider.oauth


def flow_of(provider: Provider, terms: OAuthTerms, *, device: bool) -> FlowKind:
    """The vendor's flow of that sort. Raises `ApiError` 400 when it has only the other."""
    found = next((flow for flow in terms.flows if flow.is_device is device), None)
    if found is None:
        other = "device-code" if not device else "authorize"
        sort = "device flow" if device else "page that sends one back here"
        raise ApiError(
            400, "VALIDATION_FAILED", f"{provider.name} has no {sort}; sign in by its other way: {other}"
        )
    return found


def new_sign_in(call: ManageCall, provider: Provider, kind: FlowKind, start: SignInStart) -> SignIn:
    """A sign-in whose account can be stored when its token comes. Raises `ApiError` naming what lacks."""
    terms = provider.oauth
    if terms is None:
        raise ValueError(f"{provider.id} has no terms of signing in")
    given = MappingProxyType({name: value.strip() for name, value in start.variables.items()})
    stand_in = Account(
        id="",
        provider_id=provider.id,
        name=_STAND_IN,
        priority=1,
        secret=_STAND_IN,
        variables=given or usual_variables(call, provider),
    )
    checked_account(provider, stand_in)
    return SignIn(
        id=secrets.token_urlsafe(_ENTROPY_BYTES),
        provider_id=provider.id,
        kind=kind,
        registration=_registration(provider, terms, start),
        name=None if start.name is None else account_name(start.name),
        variables=given,
        actor=call.actor,
        ends_s=call.gateway.clock.monotonic_s() + LIFETIME_S,
    )


def ask_consent(sign_in: SignIn, redirect_uri: str, state: str) -> Asked:
    """What the browser is sent away with, kept in the sign-in."""
    sign_in.asked = Asked(
        registration=sign_in.registration,
        redirect_uri=redirect_uri,
        state=state,
        verifier=secrets.token_urlsafe(_ENTROPY_BYTES),
    )
    return sign_in.asked


def new_state() -> str:
    """What the browser has to bring back."""
    return secrets.token_urlsafe(_ENTROPY_BYTES)


def redirect_uri_of(call: ManageCall, kind: FlowKind, start: SignInStart, state: str) -> str:
    """Where the browser comes back to. Raises `ApiError` for an address that is not on loopback."""
    if start.redirect_uri is not None:
        return checked_redirect(start.redirect_uri)
    parts = urlsplit(call.control.server_file().url)
    host = parts.hostname or ""
    if not (host == "localhost" or host in _ANY_ADDRESSES or is_loopback(host)):
        raise ApiError(
            409,
            "INVALID_STATE",
            "this gateway does not listen on loopback, where a vendor may send a browser back to; "
            "use start-callback-server, or paste the code",
        )
    return f"http://localhost:{parts.port}{callback_path(kind, state)}"


def checked_redirect(uri: str) -> str:
    """The address, which must be on loopback. Raises `ApiError` 400."""
    try:
        parts = urlsplit(uri)
        usable = parts.scheme == "http" and parts.port != 0 and not parts.username and not parts.fragment
    except ValueError:
        usable = False
    if not usable or not (parts.hostname == "localhost" or is_loopback(parts.hostname)):
        raise invalid(
            "redirectUri", "must be an http address on loopback, such as http://localhost:20128/callback"
        )
    return uri


def usual_variables(call: ManageCall, provider: Provider) -> Mapping[str, str]:
    """The parts of the provider's URL that its first account has, so that nobody is asked for them again."""
    accounts = call.gateway.snapshot.accounts.get(provider.id, ())
    return next((account.variables for account in accounts if account.variables), MappingProxyType({}))


def _registration(provider: Provider, terms: OAuthTerms, start: SignInStart) -> Registration:
    given = Registration(_stripped(start.client_id), _stripped(start.client_secret))
    found = registration(provider.id, terms, environment(), given)
    if isinstance(found, Registration):
        return found
    raise ApiError(
        409,
        "INVALID_STATE",
        f"{provider.name} lets only registered apps sign people in, and this one needs yours: "
        f"set {' and '.join(found)} for the gateway, or give them with the sign-in. "
        f"{terms.register_note or ''}".strip(),
    )


def _stripped(text: str | None) -> str | None:
    return (text or "").strip() or None
