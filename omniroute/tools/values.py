"""What goes into a tool's configuration, and what is read out of it."""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from omniroute.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a tool shall be pointed at. Raises ConfigError for what can never work."""

    base_url: str
    """The gateway's root; a trailing `/` or `/v1` is taken off."""
    key: str = field(repr=False)
    """A gateway key, whole."""
    model: str | None = None
    """The model to start with; `None` leaves the tool's own choice."""
    models: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Claude Code only: what stands in for `opus`, `sonnet` and `haiku`."""
    timeout_ms: int | None = None
    """Claude Code only: how long a request may take."""
    quiet: bool = False
    """Claude Code only: no telemetry, no probe."""
    discover: bool = False
    """Claude Code only: fill its model list from the gateway."""
    remove_api_key: bool = False
    """Claude Code only: take out a leftover ANTHROPIC_API_KEY, which would go out beside our token."""

    def __post_init__(self) -> None:
        _check_text("key", self.key)
        if "***" in self.key or "…" in self.key:
            raise ConfigError("the key is masked: give it whole")
        for name in (self.model, *self.models.values()):
            if name is not None:
                _check_text("model", name)
        root = self.base_url.rstrip("/").removesuffix("/v1").rstrip("/")
        _check_text("base URL", root)
        parts = urlsplit(root)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("the base URL must look like http://127.0.0.1:20128")
        object.__setattr__(self, "base_url", root)


def _check_text(name: str, value: str) -> None:
    if not value:
        raise ConfigError(f"the {name} is missing")
    if not value.isprintable() or any(mark.isspace() for mark in value):
        raise ConfigError(f"the {name} holds blanks or characters that cannot be written")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """This gateway, as far as it takes to recognise it in a tool's file."""

    base_url: str
    hosts: frozenset[str] = frozenset()
    """Names and addresses it listens on besides the loopback ones."""
    knows_key: Callable[[str], bool] | None = field(default=None, repr=False)
    """Whether a key is one of its own; `None` when nobody can say."""

    def is_at(self, endpoint: str) -> bool:
        """Whether this endpoint's host and port are the gateway's."""
        try:
            there, here = urlsplit(endpoint), urlsplit(self.base_url)
            same_port = _port(there.scheme, there.port) == _port(here.scheme, here.port)
        except ValueError:
            return False
        host = (there.hostname or "").lower()
        return same_port and (host == here.hostname or host in self.hosts or _is_loopback(host))


def _port(scheme: str, port: int | None) -> int | None:
    return port or {"http": 80, "https": 443}.get(scheme)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a tool's file says. `None`: it does not say."""

    endpoint: str | None = None
    model: str | None = None
    key: str | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()


class State(StrEnum):
    """How a tool's configuration stands to this gateway."""

    CONFIGURED = "configured"
    NOT_CONFIGURED = "not_configured"
    OTHER = "other"
    """Another endpoint, or ours in a form the tool cannot use, or a file that goes before the user's."""
    INVALID = "invalid"
    BUSY = "busy"
    NOT_INSTALLED = "not_installed"
    UNKNOWN = "unknown"
    """The file could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigStatus:
    """The tool's files and what they say."""

    status: State
    paths: tuple[Path, ...]
    endpoint: str | None = None
    model: str | None = None
    key_matches: bool | None = None
    """Whether the key in the file is one of the gateway's; `None`: not known."""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStatus:
    """One tool: its command and its configuration."""

    tool: str
    installed: bool
    runnable: bool
    command: str
    """The name looked for, or what `CLI_<TOOL>_BIN` says."""
    command_path: Path | None
    runtime_mode: str
    reason: str | None
    """Why it is not runnable; `None` when it is."""
    version: str | None
    config: ConfigStatus
    warnings: tuple[str, ...] = ()
    configured_at: str | None = None
    """When an apply last wrote the file, ISO 8601; `None` when none is on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an apply, reset or restore did, or would do."""

    tool: str
    path: Path
    changed: bool
    diff: str
    """Unified, keys masked; empty when nothing changes."""
    backup_id: str | None = None
    """The backup of the state before; `None` when nothing was written."""
    warnings: tuple[str, ...] = ()


class WritesDisabled(ConfigError):
    """`CLI_ALLOW_CONFIG_WRITES=false` forbids every write."""
