"""Credentials: the user's at providers, and our own keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from omniroute.records.logins import Login


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One credential at one provider; the API calls it a connection."""

    id: str
    provider_id: str
    """A catalogue id or a node's id."""
    name: str
    priority: int
    """1 is asked first."""
    is_active: bool = True
    secret: str | None = field(default=None, repr=False)
    """The key itself, or a login's access token, decrypted. `None`: the provider needs none."""
    login: Login | None = None
    """How `secret`, an access token then, is renewed. `None`: it is a key that lasts."""
    base_url: str | None = None
    """Replaces the provider's own root."""
    allow_private: bool = False
    """A loopback or private address is meant."""
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Values of the provider's placeholders."""
    default_model: str | None = None
    test_status: str = "unknown"
    """unknown, active, error, expired: signed in once, and has to sign in again"""
    last_error: str | None = None
    last_tested_ms: int | None = None
    created_at_ms: int = 0
    updated_at_ms: int = 0


class Scope(StrEnum):
    """What one of our own API keys may do."""

    PROXY = "proxy"
    MANAGE = "manage"
    SYNC = "sync"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One of our own keys. The key itself is never kept, only its SHA-256."""

    id: str
    name: str
    digest: bytes = field(repr=False)
    masked: str
    """First 11 and last 4 characters, for people."""
    scopes: tuple[Scope, ...] = (Scope.PROXY,)
    allowed_models: tuple[str, ...] = ()
    """Glob patterns; empty: all models."""
    is_active: bool = True
    expires_at_ms: int | None = None
    no_log: bool = False
    last_used_at_ms: int | None = None
    created_at_ms: int = 0
