"""What is known of vendors and their models."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from omniroute.conversation.ability_rules import AbilityRule
from omniroute.records.oauth import OAuthTerms


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
    oauth: OAuthTerms | None = None
    """How one signs in there instead of pasting a key; `None`: not from a program like this one."""
    stream_usage: StreamUsage = StreamUsage.UNKNOWN
    notes: tuple[str, ...] = ()
    models: tuple[ModelFacts, ...] = ()
    abilities: tuple[AbilityRule, ...] = ()
    """What its models take, beyond the rules that are shipped for all providers."""
    source: str = ""
    """Where the facts come from, and the day they were read."""
    _by_id: Mapping[str, ModelFacts] = field(init=False, repr=False, compare=False)
    """Every attempt asks for the facts of its model, and some providers have hundreds of models."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {model.id: model for model in reversed(self.models)})

    @property
    def label(self) -> str:
        """What stands before the slash for people: a node's prefix, else the id."""
        return self.aliases[0] if self.category is Category.NODE and self.aliases else self.id

    def model(self, model_id: str) -> ModelFacts | None:
        """The facts of one model by its upstream id, or `None`."""
        return self._by_id.get(model_id)


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
