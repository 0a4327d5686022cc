"""What an account that was signed in keeps beside its access token."""

from dataclasses import dataclass, field

from omniroute.records.oauth import TokenStyle


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How an account's access token, which is its `secret`, is renewed."""

    refresh_token: str | None = field(default=None, repr=False)
    """`None`: it cannot be renewed; the person signs in again when it ends."""
    expires_at_ms: int | None = None
    """When the access token ends; `None`: not known."""
    token_url: str
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    style: TokenStyle = TokenStyle.FORM
    scope: str | None = None
    identity: str | None = None
    """E-mail or login name at the vendor, for people and to find the same account again."""
    obtained_at_ms: int | None = None
    """When the present access token came; set by the store."""
    generation: int = 0
    """Grows with every token that is stored: another generation is another token. Set by the store."""
