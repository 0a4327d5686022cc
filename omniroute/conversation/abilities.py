"""What one model at one provider takes, beyond what its dialect can say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Structured(StrEnum):
    """The strongest promise a target makes about JSON answers."""

    SCHEMA = "schema"
    """Takes a JSON Schema."""
    JSON = "json"
    """JSON of any shape; the schema has to be asked for in words."""
    TOOL = "tool"
    """By a forced call of one tool, whose arguments are the answer."""
    NONE = "none"
    """Only in words."""


class EffortStyle(StrEnum):
    """How a target is told how much to think."""

    EFFORT = "effort"
    """By a word: `reasoning_effort`, `reasoning.effort`, `output_config.effort`, `thinkingLevel`, `think`."""
    BUDGET = "budget"
    """By tokens: `thinking.budget_tokens`, `thinkingBudget`."""
    SWITCH = "switch"
    """On or off: `thinking: {type}`; where efforts are known too, with the word beside it."""
    ENABLE = "enable_thinking"
    """On or off: `enable_thinking`, with `thinking_budget` (Qwen and its kin)."""
    ADAPTIVE = "adaptive"
    """`thinking: {type: adaptive}`, with an effort beside it (newer Claude models)."""
    NONE = "none"
    """Not at all: what the client says about it is dropped."""


class ReasoningBack(StrEnum):
    """Whether a target wants to see again what it thought."""

    NEVER = "never"
    """It refuses it, or ignores it at the price of tokens."""
    TOOL_TURNS = "tool_turns"
    """For the turns since the last user message, while tools are being called."""
    ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """Rules for one target. The defaults are those of a model that takes all its dialect has."""

    model: str
    """The upstream's own id of the model."""
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    inputs: frozenset[str] = frozenset()
    """text, image, pdf, audio, video. Empty: not known, so nothing is refused for it."""
    tools: bool | None = None
    reasoning: bool | None = None
    structured: Structured = Structured.SCHEMA
    system_role: bool = True
    """False: system texts go into the first user message, in a frame."""
    developer_role: bool = False
    """False: developer messages become system messages."""
    mid_system: bool = True
    """System messages may stand between others; False: they join the first."""
    merge_turns: bool = False
    """Consecutive messages of one role are made one."""
    max_tokens_field: str = "max_tokens"
    """Chat only: `max_tokens` or `max_completion_tokens`."""
    max_tokens_required: bool = False
    drop: frozenset[str] = frozenset()
    """Names of `Sampling` and `Request` fields the target refuses or ignores: left out, and reported.

    Besides them `verbosity` of the output, and `name` of messages.
    """
    drop_when_thinking: frozenset[str] = frozenset()
    """The same, while the request has the model think."""
    exclusive: tuple[str, ...] = ()
    """Of these `Sampling` fields only the first that was said is sent; the others are reported."""
    clamp: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))
    """Least and greatest value of a `Sampling` field; what lies outside is moved to the end, and reported."""
    reject: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Field to the reason why a request with it is refused."""
    effort_style: EffortStyle = EffortStyle.EFFORT
    efforts: tuple[str, ...] = ()
    """Words the target knows, ascending; another is moved to the nearest. Empty: all."""
    budget_range: tuple[int, int] | None = None
    """Least and greatest thinking budget."""
    thinking_off: bool = True
    """Thinking can be switched off; False: it is made the least there is, and reported."""
    thinks_by_default: bool = False
    """The model thinks unless it is told not to."""
    thinking_after_assistant: bool = True
    """It may think when the last message is the assistant's; False: then it does not, which is reported."""
    thought_before_tools: bool = False
    """Thinking is refused while an assistant's message that called tools has lost its thought."""
    tools_while_thinking: bool = True
    """Tools may be declared while it thinks; False: with tools it does not think, which is reported."""
    prefill: bool = True
    """The last message may be the assistant's, to be continued; False: refused."""
    reasoning_field: str = "reasoning_content"
    """Chat only: where reasoning goes in messages: `reasoning_content`, `reasoning`, `reasoning_details`."""
    reasoning_back: ReasoningBack = ReasoningBack.NEVER
    think_tags: bool = False
    """The model writes its thoughts as `<think>` in its text."""
    tool_choices: frozenset[str] = frozenset({"auto", "none", "required", "named"})
    """Modes the target knows; `allowed` among them: it can be told which tools may be called."""
    parallel_tools: bool = True
    """The target knows `parallel_tool_calls`."""
    tool_id_pattern: str | None = None
    """Ids of tool calls have to look like this (Mistral: `[A-Za-z0-9]{9}`)."""
    unsigned_call: str | None = None
    """What the provider documents to stand for a signature that nobody has (Gemini 3)."""
    cache_marks: bool = False
    """Chat only: `cache_control` may stand on parts and tools (OpenRouter and its kin)."""
    user_field: bool = True
    stream_usage: bool = True
    """Chat only: `stream_options.include_usage` may be sent."""


def plain(model: str) -> Abilities:
    """A target nothing is known about."""
    return Abilities(model=model)
