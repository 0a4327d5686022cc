"""What a client asks for, in no dialect."""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from omniroute.conversation.parts import CacheMark, Extra, Part


class Role(StrEnum):
    """Who speaks. Results of tools stand in messages of the user."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"


class Message(msgspec.Struct, frozen=True):
    """One turn, where it stood; system and developer messages too."""

    role: Role
    parts: tuple[Part, ...] = ()
    name: str | None = None
    extra: Extra | None = None


class FunctionTool(msgspec.Struct, frozen=True):
    """A function of the client that the model may call with JSON arguments."""

    name: str
    description: str | None = None
    schema: msgspec.Raw | None = None
    """JSON Schema of the arguments as it stood; `None`: nothing was said."""
    strict: bool | None = None
    namespace: str | None = None
    """Group it was declared in (Responses)."""
    namespace_description: str | None = None
    cache: CacheMark | None = None
    extra: Extra | None = None


class CustomTool(msgspec.Struct, frozen=True):
    """A tool of the client that takes free text (Responses and Chat)."""

    name: str
    description: str | None = None
    format: msgspec.Raw | None = None
    """The grammar of the text as it stood."""
    namespace: str | None = None
    extra: Extra | None = None


class HostedTool(msgspec.Struct, frozen=True):
    """A tool the provider runs itself: web search, code execution, and the like."""

    format: str
    type: str
    """What its dialect calls it: `web_search`, `code_interpreter`, `googleSearch`, `bash_20250124`, …"""
    value: msgspec.Raw
    """The declaration as it stood."""


Tool: TypeAlias = FunctionTool | CustomTool | HostedTool


class ChoiceMode(StrEnum):
    """Whether tools may, must or must not be called."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"
    NAMED = "named"


class ToolChoice(msgspec.Struct, frozen=True):
    """How the model is to go about tools."""

    mode: ChoiceMode = ChoiceMode.AUTO
    name: str | None = None
    """With `NAMED`: which one. For a hosted tool its type."""
    allowed: tuple[str, ...] = ()
    """Only these may be called; empty: all."""


class TokenLogprob(msgspec.Struct, frozen=True):
    """How likely one token was, and the likeliest others."""

    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top: tuple["TokenLogprob", ...] = ()


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How the answer is drawn. `None`: the client did not say."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    candidates: int | None = None
    """How many answers; `n`, `candidateCount`."""
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: msgspec.Raw | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How much the model is to think. All `None`: the client did not say."""

    enabled: bool | None = None
    """False: not at all."""
    effort: str | None = None
    """none, minimal, low, medium, high, xhigh, max."""
    budget_tokens: int | None = None
    """-1: as the model likes (Gemini's dynamic thinking)."""
    adaptive: bool | None = None
    """The model decides by itself how much (Anthropic's `adaptive`)."""
    summary: str | None = None
    """What of it is shown: auto, concise, detailed, omitted; `None`: the provider's usual."""


class OutputKind(StrEnum):
    """What the text of the answer is to be."""

    TEXT = "text"
    JSON = "json"
    SCHEMA = "schema"


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """The shape of the answer."""

    kind: OutputKind = OutputKind.TEXT
    schema: msgspec.Raw | None = None
    """With `SCHEMA`: the JSON Schema as it stood."""
    name: str | None = None
    description: str | None = None
    strict: bool | None = None
    verbosity: str | None = None
    modalities: tuple[str, ...] = ()
    """text, image, audio, in lower case; empty: the client did not say."""
    audio: msgspec.Raw | None = None
    """Voice and format of spoken answers, as it stood (Chat)."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One turn of a conversation to be answered."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    sampling: Sampling = Sampling()
    reasoning: Reasoning = Reasoning()
    output: Output = Output()
    stream: bool = False
    include_usage: bool = False
    """The client wants a chunk of its own with the usage (Chat)."""
    user: str | None = None
    """End user's id as the client gives it."""
    metadata: msgspec.Raw | None = None
    service_tier: str | None = None
    cache_key: str | None = None
    """`prompt_cache_key`."""
    store: bool | None = None
    pin: str | None = None
    """State one account holds: `previous_response_id`, `cachedContent`. Such a request goes nowhere else."""
    extra: Extra | None = None
