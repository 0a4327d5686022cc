"""Connections, nodes, the catalogue and custom models."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Priority = Annotated[int, Meta(ge=1, le=100)]
Prefix = Annotated[
    str,
    Meta(
        pattern=r"^[a-zA-Z0-9._-]{1,40}$",
        description="1 to 40 letters, digits, dots, underscores and hyphens",
    ),
]
Secret = Annotated[str, Meta(min_length=1, max_length=10_000)]


class Connection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One account at one provider, its secret masked."""

    id: str
    provider: str
    """Catalogue id or node id."""
    provider_name: str
    prefix: str
    """What stands before the slash in model names of this provider."""
    auth_type: str
    """`apikey`, `oauth` or `none`."""
    name: str
    priority: int
    is_active: bool
    default_model: str | None
    base_url: str | None
    """Set only when it replaces the provider's own."""
    allow_private: bool
    variables: dict[str, str]
    has_api_key: bool
    masked_api_key: str | None
    has_access_token: bool
    """It was signed in, and has no key."""
    has_refresh_token: bool
    """The access token is renewed before it ends."""
    expires_at: str | None
    """When the access token ends; `null`: it does not, or nobody has said."""
    email: str | None
    """Who has signed in: an address, or a name at the vendor."""
    scope: str | None
    test_status: str
    """`unknown`, `active`, `error`, `expired` (has to sign in again)"""
    last_tested: str | None
    last_error: str | None
    created_at: str
    updated_at: str


class Connections(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/providers`."""

    connections: list[Connection]


class ConnectionBody(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of the calls that show one connection."""

    connection: Connection


class NewConnection(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/providers`."""

    provider: Annotated[str, Meta(min_length=1, max_length=100)]
    """Catalogue id, alias, node id or node prefix."""
    name: Name
    api_key: Secret | None = None
    """May be absent only for a provider that needs no key."""
    priority: Priority | None = None
    """`None`: after the last one."""
    default_model: Name | None = None
    base_url: str | None = None
    allow_private: bool = False
    variables: dict[str, str] = {}
    validate: bool = False
    """Ask the provider first; refuse a key that it refuses."""


class ConnectionChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `PUT /api/providers/{id}`: members that are absent stay as they are."""

    name: Name | UnsetType = UNSET
    api_key: Secret | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    default_model: Name | UnsetType | None = UNSET
    base_url: str | UnsetType | None = UNSET
    allow_private: bool | UnsetType = UNSET
    variables: dict[str, str] | UnsetType = UNSET


class KeyCheck(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/providers/validate`: what is asked with a key that is not stored."""

    provider: Annotated[str, Meta(min_length=1, max_length=100)]
    api_key: Secret | None = None
    base_url: str | None = None
    allow_private: bool = False
    variables: dict[str, str] = {}


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of a call that removes a thing."""

    message: str
    id: str


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What a test found, in the closed vocabulary of the API."""

    type: str
    """`ok`, `auth_missing`, `reauth_required`, `token_refresh_failed`, `upstream_auth_error`,
    `upstream_rate_limited`, `upstream_unavailable`, `upstream_error`, `network_error`, `unsupported`"""
    source: str
    """`local`, `oauth`, `upstream`, `validation`"""
    code: str | None = None
    message: str | None = None


class TestRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of `POST /api/providers/{id}/test`; without a model only the key is checked."""

    __test__ = False  # pytest: not a test class
    model: Name | None = None


class TestResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of a connection test."""

    __test__ = False  # pytest: not a test class
    valid: bool | None
    """`None`: the provider offers no cheap way to tell."""
    error: str | None
    status_code: int | None
    latency_ms: int
    diagnosis: Diagnosis
    tested_at: str


class ModelEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One model of a provider."""

    id: str
    name: str | None = None
    kind: str = "chat"
    context_length: int | None = None
    max_output: int | None = None
    dimensions: int | None = None
    price_input: float | None = None
    """USD per million tokens."""
    price_output: float | None = None
    price_source: str | None = None
    custom: bool = False
    """Added by the user."""


class ModelList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Answer of `GET /api/providers/{id}/models`."""

    provider: str
    connection_id: str
    source: str
    """`remote`: asked now or up to 10 minutes ago. `registry`: the shipped list."""
    fetched_at: str | None
    models: list[ModelEntry]


class CatalogueEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One provider of the catalogue, or one of the user's nodes."""

    id: str
    name: str
    aliases: list[str]
    category: str
    status: str
    status_note: str | None
    formats: list[str]
    base_url: str | None
    placeholders: dict[str, str]
    env_keys: list[str]
    needs_key: bool
    sign_in: list[str]
    """`browser`, `device`: how one may sign in instead of giving a key; empty: one may not."""
    sign_in_variables: list[str]
    """Where the gateway looks for the user's own app at the vendor; empty: none is needed."""
    connections: int
    """Active ones."""
    model_count: int
    source: str
    models: list[ModelEntry] = []
    """Filled when one provider is asked for."""


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/providers/catalog`."""

    providers: list[CatalogueEntry]


class NodeEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of the user's own compatible servers."""

    id: str
    type: str
    name: str
    prefix: str
    base_url: str
    created_at: str
    updated_at: str


class Nodes(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/provider-nodes`."""

    nodes: list[NodeEntry]


class NodeBody(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of the calls that show one node."""

    node: NodeEntry


class NewNode(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/provider-nodes`."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    prefix: Prefix
    base_url: Annotated[str, Meta(min_length=1, max_length=2000)]
    type: str = "openai-compatible"
    """One of `NodeType`: `openai-compatible`, `anthropic-compatible`, …"""
    api_type: str | None = None
    """`chat` or `responses`, for old clients that name only the OpenAI family."""
    allow_private: bool = True
    """A node is the user's own server, so private addresses are the rule."""


class NodeChange(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `PUT /api/provider-nodes/{id}`."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    prefix: Prefix | UnsetType = UNSET
    base_url: Annotated[str, Meta(min_length=1, max_length=2000)] | UnsetType = UNSET


class NewModel(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Body of `POST /api/provider-models`."""

    provider: Name
    model_id: Name
    model_name: Name | None = None
    context_length: Annotated[int, Meta(ge=1)] | None = None
    max_output: Annotated[int, Meta(ge=1)] | None = None


class ModelsByProvider(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `GET /api/provider-models`: custom models by provider id."""

    models: dict[str, list[ModelEntry]]


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """Whether there was something to remove."""

    removed: bool


class Detected(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One local server that answered on loopback."""

    provider: str
    name: str
    base_url: str
    models: list[str]
    connected: bool
    """A connection to it exists already."""


class Detection(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `POST /api/providers/detect`."""

    servers: list[Detected]
