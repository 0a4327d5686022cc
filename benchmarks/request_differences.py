"""Every difference that a way to an upstream may make to a request and that is no loss, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from omniroute.conversation.parts import Media, Part, PlainText, ToolResult, ToolUse
from omniroute.conversation.request import ChoiceMode, CustomTool, Request
from omniroute.records import FormatName

REPORTED_AS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "choice": ("tool_choice",),
        "kind": ("response_format", "json_object"),
        "end user": ("user",),
        "top_logprobs": ("top_logprobs", "logprobs"),
    }
)
"""By which name a loss is told, where it is not the field's own."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request on its way."""

    asked: Request
    arrived: Request
    other: FormatName


@dataclass(frozen=True, slots=True)
class Difference:
    """One kind of change."""

    why: str
    fields: frozenset[str]
    """What it may change of what a request says."""
    happens: Callable[[Step], bool]


def explained(field: str, step: Step, losses: tuple[str, ...]) -> str | None:
    """The name of what changed a field; `None` when nothing known did."""
    for name in REPORTED_AS.get(field, (field,)):
        if name in losses:
            return f"lost {name}"
    return next(
        (name for name, change in CHANGES.items() if field in change.fields and change.happens(step)), None
    )


def _parts(request: Request) -> list[Part]:
    return [part for message in request.messages for part in message.parts]


def _results(request: Request) -> list[ToolResult]:
    return [part for part in _parts(request) if isinstance(part, ToolResult)]


def _calls(request: Request) -> list[ToolUse]:
    return [part for part in _parts(request) if isinstance(part, ToolUse)]


def _is_unpaired(step: Step) -> bool:
    called = {call.id for call in _calls(step.asked)}
    answered = {result.tool_use_id for result in _results(step.asked)}
    return called != answered


def _has_text_document(step: Step) -> bool:
    return any(isinstance(part, Media) and isinstance(part.source, PlainText) for part in _parts(step.asked))


def _has_media_in_results(step: Step) -> bool:
    return any(isinstance(part, Media) for result in _results(step.asked) for part in result.parts)


def _mode(request: Request) -> ChoiceMode | None:
    return None if request.tool_choice is None else request.tool_choice.mode


def _is_usual(step: Step) -> bool:
    """What is no longer said is what happens anyway."""
    asked, arrived = step.asked, step.arrived
    said = [
        (asked.sampling.candidates, arrived.sampling.candidates, 1),
        (asked.sampling.presence_penalty, arrived.sampling.presence_penalty, 0),
        (asked.sampling.frequency_penalty, arrived.sampling.frequency_penalty, 0),
    ]
    return all(was in (is_, usual) for was, is_, usual in said)


CHANGES: Mapping[str, Difference] = MappingProxyType(
    {
        "most_tokens": Difference(
            "the dialect has to be told how long the answer may be",
            frozenset({"max_tokens"}),
            lambda step: step.asked.sampling.max_tokens is None and step.other is FormatName.ANTHROPIC,
        ),
        "usual": Difference(
            "one answer and penalties of zero are what happens unsaid",
            frozenset({"candidates", "presence_penalty", "frequency_penalty"}),
            _is_usual,
        ),
        "usual_choice": Difference(
            "tools may be called where nobody says otherwise",
            frozenset({"choice"}),
            lambda step: (
                step.asked.tool_choice is not None and step.asked.tool_choice.mode is ChoiceMode.AUTO
            ),
        ),
        "no_choice_no_tools": Difference(
            "where nothing can be said about calling tools, those that must not be called are not declared",
            frozenset({"choice", "tools"}),
            lambda step: step.other is FormatName.OLLAMA and _mode(step.asked) is ChoiceMode.NONE,
        ),
        "allowed_tools": Difference(
            "only the tools that may be called are declared, where the dialect cannot tell them apart",
            frozenset({"tools"}),
            lambda step: step.asked.tool_choice is not None and bool(step.asked.tool_choice.allowed),
        ),
        "custom_tools": Difference(
            "a tool that takes free text is declared as a function with one text",
            frozenset({"tools"}),
            lambda step: any(isinstance(tool, CustomTool) for tool in step.asked.tools),
        ),
        "namespaces": Difference(
            "the group of a tool is told in its name",
            frozenset({"calls", "tools"}),
            lambda step: any(call.namespace for call in _calls(step.asked)),
        ),
        "unpaired": Difference(
            "a call without a result gets an empty one, a result without its call is told as text",
            frozenset({"results", "user"}),
            _is_unpaired,
        ),
        "documents_as_text": Difference(
            "a document given as text is told in the message, or as a file",
            frozenset({"user", "images"}),
            _has_text_document,
        ),
        "media_of_results": Difference(
            "what a tool's result shows stands beside it",
            frozenset({"results", "images", "user"}),
            _has_media_in_results,
        ),
    }
)
"""Names to changes."""
