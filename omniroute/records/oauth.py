"""What is known of how one signs in at a vendor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class FlowKind(StrEnum):
    """One way from a person's consent to a token."""

    CODE = "code"
    """Authorization code with PKCE (RFC 6749, RFC 7636)."""
    DEVICE = "device"
    """Device authorization (RFC 8628)."""
    CODE_FOR_KEY = "code-for-key"
    """OpenRouter's own: PKCE without a client, answered with a permanent key."""
    DEVICE_APPROVAL = "device-approval"
    """Kilo Code's own: a code to approve, no client, answered with a permanent token."""

    @property
    def is_device(self) -> bool:
        """The person types a code at the vendor; nothing comes back through the browser."""
        return self in (FlowKind.DEVICE, FlowKind.DEVICE_APPROVAL)

    @property
    def brings_key(self) -> bool:
        """What it brings lasts, so nothing is ever renewed."""
        return self in (FlowKind.CODE_FOR_KEY, FlowKind.DEVICE_APPROVAL)


class TokenStyle(StrEnum):
    """How a token endpoint wants to be asked."""

    FORM = "form"
    """A form that names the client and its secret."""
    FORM_BASIC = "form-basic"
    """A form; a client with a secret names itself by HTTP Basic."""
    JSON = "json"
    """A JSON object that names the client and its secret."""


class ClientNeed(StrEnum):
    """What client of their own people register at the vendor first."""

    NONE = "none"
    OWN = "own"
    """A client id; a secret too, when the app was registered with one."""
    CONFIDENTIAL = "confidential"
    """A client id and its secret."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The user's own app at a vendor; both are `None` where no client is needed."""

    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthTerms:
    """A vendor's sign-in that is open to programs like this one."""

    flows: tuple[FlowKind, ...]
    """The usual one first."""
    client: ClientNeed
    authorize_url: str | None = None
    """Where the person consents; `None`: there are only device flows."""
    token_url: str | None = None
    """`None`: tokens come without it, and there is nothing to refresh."""
    device_url: str | None = None
    scopes: tuple[str, ...] = ()
    authorize: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Further parameters of the page of consent."""
    style: TokenStyle = TokenStyle.FORM
    register_note: str | None = None
    """How one comes to a client of one's own."""
    source: str
    """Where the facts come from, and the day they were read."""
