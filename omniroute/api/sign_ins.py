"""Signing in at a vendor."""

from typing import Annotated

import msgspec
from msgspec import Meta

from omniroute.api.providers import Name, Secret

_Address = Annotated[str, Meta(min_length=1, max_length=2000)]
_FlowId = Annotated[str, Meta(min_length=1, max_length=200)]
_Pasted = Annotated[str, Meta(min_length=1, max_length=10_000)]


class SignInStart(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of the calls that begin a sign-in."""

    redirect_uri: _Address | None = None
    """A loopback address the browser comes back to; `None`: this gateway's own `/callback`."""
    client_id: Name | None = None
    """The user's own app at the vendor; `None`: the one the gateway's environment names."""
    client_secret: Secret | None = None
    name: Name | None = None
    """What the account is called; `None`: after whoever signs in."""
    variables: dict[str, str] = {}
    """Parts of the provider's URL."""


class ConsentAsked(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `…/authorize`: where the person goes with a browser."""

    flow_id: str
    auth_url: str
    state: str
    redirect_uri: str
    flow_type: str = "authorization_code_pkce"
    fixed_port: int | None = None
    callback_path: str = "/callback"
    code_challenge: str
    code_verifier: None = None
    """Stays in the gateway."""


class DeviceAsked(msgspec.Struct, frozen=True, kw_only=True, rename={"flow_id": "flowId"}):
    """Answer of `…/device-code`: what the person types where."""

    flow_id: str
    device_code: str
    """Names the sign-in as `flowId` does; the vendor's own stays in the gateway."""
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_in: int
    interval: int


class CallbackServer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `…/start-callback-server`."""

    flow_id: str
    auth_url: str
    redirect_uri: str
    server_port: int


class SignInCode(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `…/exchange`."""

    code: _Pasted
    """Alone, as `code#state`, or the whole address the browser came back to."""
    flow_id: _FlowId | None = None
    """`None`: `state` names the sign-in."""
    state: _FlowId | None = None
    redirect_uri: _Address | None = None
    code_verifier: _FlowId | None = None
    """Of an old client that has made its own; `None`: the gateway's."""


class SignInPoll(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `…/poll` and `…/poll-callback`."""

    flow_id: _FlowId | None = None
    device_code: _FlowId | None = None
    """The same as `flowId`, for old clients."""
    code_verifier: _FlowId | None = None
    """Of old clients; the gateway has what it needs."""
    extra_data: dict[str, object] | None = None
    """The same."""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The connection that a sign-in has made or renewed."""

    id: str
    provider: str
    email: str | None
    display_name: str | None


class SignInResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How a sign-in stands."""

    success: bool
    """The connection is stored."""
    connection: SignedIn | None = None
    pending: bool = False
    """The person has not agreed yet."""
    error: str | None = None
    """The vendor's code: `access_denied`, `expired_token`, …"""
    error_description: str | None = None
    interval: int | None = None
    """Seconds until the next poll."""
