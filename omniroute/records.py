"""Frozen rows and facts: what is configured, and what is known about vendors and models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from omniroute.conversation.usage import Usage


class FormatName(StrEnum):
    """A wire dialect of conversations."""

    OPENAI_CHAT = "openai-chat"
    OPENAI_RESPONSES = "openai-responses"
    ANTHROPIC = "anthropic"
    GEMINI = "gemini"
    OLLAMA = "ollama"


class Endpoint(StrEnum):
    """What an upstream can be asked besides a conversation."""

    MODELS = "models"
    COUNT_TOKENS = "count_tokens"
    EMBEDDINGS = "embeddings"
    IMAGES = "images"
    IMAGE_EDITS = "image_edits"
    STT = "stt"
    TTS = "tts"
    MODERATIONS = "moderations"
    RERANK = "rerank"


class ModelKind(StrEnum):
    """What a model is for."""

    CHAT = "chat"
    EMBEDDING = "embedding"
    IMAGE = "image"
    STT = "stt"
    TTS = "tts"
    MODERATION = "moderation"
    RERANK = "rerank"


class Category(StrEnum):
    """How one comes to use a provider."""

    SUBSCRIPTION = "subscription"
    FREE = "free"
    API_KEY = "api-key"
    LOCAL = "local"
    NODE = "compatible-node"


class ProviderStatus(StrEnum):
    """Whether a provider may be used through a gateway."""

    ACTIVE = "active"
    RESTRICTED = "restricted"
    FORBIDDEN = "forbidden"
    PRIVATE_API = "private-api"
    RETIRED = "retired"
    RETIRED_FOR_CONSUMERS = "retired-for-consumers"


class AuthKind(StrEnum):
    """Where the credential goes in a request."""

    BEARER = "bearer"
    HEADER = "header"
    QUERY = "query"
    NONE = "none"


class StreamUsage(StrEnum):
    """Whether a streamed chat may be asked for usage (`stream_options.include_usage`)."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """One way to present a credential."""

    kind: AuthKind
    name: str = "Authorization"
    """Header name, or the query parameter's name."""
    prefix: str = ""
    """Put before the key, its blank included: `Bearer `, `Token `."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Prices in nano-USD per million tokens. `None`: not known."""

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    cache_write_1h: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs, and who said so when."""

    rates: Rates
    above: tuple[tuple[int, Rates], ...] = ()
    """(prompt tokens, rates) ascending: beyond so many prompt tokens these rates hold for all."""
    source: str
    """Shown beside every cost: `catalogue 2026-11-22`, `genai-prices 0.2.3`, `custom`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is known about one model at one provider."""

    id: str
    """The upstream's own id."""
    name: str | None = None
    kind: ModelKind = ModelKind.CHAT
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    dimensions: int | None = None
    """Length of an embedding."""
    inputs: tuple[str, ...] = ()
    """Modalities it takes: text, image, pdf, audio, video. Empty: not known."""
    tools: bool | None = None
    reasoning: bool | None = None
    structured_output: bool | None = None
    formats: tuple[FormatName, ...] = ()
    """Dialects this model is served in; empty: all of its provider's."""
    price: Price | None = None
    shutdown_date: str | None = None
    custom: bool = False
    """Added by the user or discovered from the provider, not shipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A vendor, or the user's own compatible server, as data."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    category: Category
    status: ProviderStatus = ProviderStatus.ACTIVE
    status_note: str | None = None
    """For a provider that is not active: why, and the permitted way."""
    base_url: str | None = None
    """Root that `Account.base_url` replaces; may hold `{placeholders}`."""
    formats: Mapping[FormatName, str] = field(default_factory=lambda: MappingProxyType({}))
    """Full URL per dialect, in order of preference."""
    endpoints: Mapping[Endpoint, str] = field(default_factory=lambda: MappingProxyType({}))
    """Full URL per endpoint."""
    placeholders: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Name to explanation of every `{name}` in the URLs; filled from `Account.variables`."""
    auth: tuple[Auth, ...] = ()
    """Ways to present the key, the usual one first. Empty: no key is needed."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Sent with every request unless the client's own value passes."""
    env_keys: tuple[str, ...] = ()
    """Environment variables people keep this provider's key in, the usual one first."""
    stream_usage: StreamUsage = StreamUsage.UNKNOWN
    notes: tuple[str, ...] = ()
    models: tuple[ModelFacts, ...] = ()
    source: str = ""
    """Where the facts come from, and the day they were read."""

    @property
    def label(self) -> str:
        """What stands before the slash for people: a node's prefix, else the id."""
        return self.aliases[0] if self.category is Category.NODE and self.aliases else self.id

    def model(self, model_id: str) -> ModelFacts | None:
        """The facts of one model by its upstream id, or `None`."""
        return next((model for model in self.models if model.id == model_id), None)


class NodeType(StrEnum):
    """What a user's own compatible server speaks."""

    OPENAI = "openai-compatible"
    RESPONSES = "responses-compatible"
    ANTHROPIC = "anthropic-compatible"
    GEMINI = "gemini-compatible"
    OLLAMA = "ollama-compatible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A user's own server that speaks a known dialect."""

    id: str
    type: NodeType
    name: str
    prefix: str
    """What stands before the slash in its model names."""
    base_url: str
    created_at_ms: int
    updated_at_ms: int


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
    """The key itself, decrypted. `None`: the provider needs none."""
    base_url: str | None = None
    """Replaces the provider's own root."""
    allow_private: bool = False
    """A loopback or private address is meant."""
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Values of the provider's placeholders."""
    default_model: str | None = None
    test_status: str = "unknown"
    """unknown, active, error"""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All configuration a request needs. A request keeps the one it started with."""

    version: int
    providers: Mapping[str, Provider]
    """By id: the catalogue and the user's nodes, with discovered and custom models merged in."""
    names: Mapping[str, str]
    """Id, alias or node prefix to provider id."""
    accounts: Mapping[str, tuple[Account, ...]]
    """Provider id to its accounts in order of priority, inactive ones included."""
    keys: Mapping[bytes, ApiKey]
    """SHA-256 of a key to the key."""
    aliases: Mapping[str, str]
    """The user's model aliases."""
    owners: Mapping[str, tuple[str, ...]]
    """A model's bare id to the ids of all providers that have it."""
    has_manage_key: bool = False


class Outcome(StrEnum):
    """How a client's request ended."""

    OK = "ok"
    ERROR = "error"
    """An error was told with its status."""
    CUT = "cut"
    """A stream broke after content had been handed on, and the client was told so in-band."""
    CANCELLED = "cancelled"
    """The client went away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One try at one upstream, as the request's record keeps it."""

    provider: str
    model: str
    account_id: str
    account_name: str
    status: int | None
    failure: str | None
    """`FailureKind` and message, or `None` for the attempt that answered."""
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """The one row of one client request, whatever ended it."""

    id: str
    """ULID: sorts by time."""
    request_id: str
    """`X-Request-Id`, the client's own or ours."""
    started_at_ms: int
    method: str
    path: str
    operation: str
    """chat, messages, responses, embeddings, …"""
    client_format: str
    upstream_format: str | None
    requested_model: str | None
    provider: str | None
    model: str | None
    account_id: str | None
    account_name: str | None
    api_key_id: str | None
    api_key_name: str | None
    session_id: str | None
    outcome: Outcome
    status: int
    """The HTTP status the client saw; 499 when it left."""
    error: str | None
    stream: bool
    attempts: tuple[AttemptRow, ...]
    usage: Usage
    cost_nano_usd: int | None
    price_source: str | None
    ttft_ms: int | None
    """From the whole request read to the first byte of content sent; `None` when none was."""
    duration_ms: int
    dropped: tuple[str, ...] = ()
    """What the answer's dialect or provider could not carry."""
