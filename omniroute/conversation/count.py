"""How many tokens a request has, by an estimate or an exact tokenizer for its texts.

What stands around the texts was measured on answers whose usage providers reported (November 2026): the
marks around each turn, the prompt that providers add when there are tools, and the form they give to tools.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from omniroute.conversation.media_tokens import media_tokens
from omniroute.conversation.parts import (
    Media,
    Opaque,
    Part,
    PlainText,
    Refusal,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from omniroute.conversation.request import (
    CustomTool,
    FunctionTool,
    HostedTool,
    Message,
    Request,
    Role,
    Tool,
)
from omniroute.conversation.tokens import count_tokens

CountText: TypeAlias = Callable[[str], int]
"""The tokens of one text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Tokens that no text of the request holds."""

    request: int
    """Once, for the mark that asks for an answer."""
    message: int
    """For each turn."""
    call: int
    """For each call of a tool, and each result."""
    tools: int
    """Once, when there are tools: the provider's own words about them."""
    tool: int
    """For each tool."""


_OPENAI = Frame(request=3, message=4, call=6, tools=12, tool=8)
_FRAMES = {
    "claude": Frame(request=3, message=4, call=30, tools=490, tool=26),
    "claude-4.7": Frame(request=3, message=4, call=40, tools=490, tool=40),
    "gemini": Frame(request=0, message=1, call=6, tools=0, tool=10),
    "deepseek": Frame(request=3, message=4, call=6, tools=240, tool=8),
    "qwen": Frame(request=3, message=4, call=6, tools=170, tool=8),
}
"""By family of tokenizers; others are framed like OpenAI's."""


def count_request(request: Request, family: str, *, count_text: CountText | None = None) -> int:
    """The prompt tokens of the request for models of one family of tokenizers.

    `count_text` takes the place of the estimate of `tokens.count_tokens` for every text.
    """
    counting = _Counting(family, count_text or (lambda text: count_tokens(text, family)))
    total = counting.frame.request + counting.messages(request.messages) + counting.tools(request.tools)
    if request.output.schema is not None:
        total += counting.text(_decoded(bytes(request.output.schema)))
    return total


class _Counting:
    """The rules of one family."""

    def __init__(self, family: str, text: CountText) -> None:
        self.family = family
        self.text = text
        self.frame = _FRAMES.get(family, _OPENAI)

    def messages(self, messages: Sequence[Message]) -> int:
        """All turns. What was thought before the last thing the user said is not sent to a model again."""
        last = _last_question(messages)
        total = 0
        for place, message in enumerate(messages):
            name = self.text(message.name) + 1 if message.name else 0
            parts = sum(self._part(part, thinks=place > last) for part in message.parts)
            total += self.frame.message + name + parts
        return total

    def tools(self, tools: Sequence[Tool]) -> int:
        """All tools with what the provider says about tools at large."""
        if not tools:
            return 0
        return self.frame.tools + sum(self.frame.tool + self._tool(tool) for tool in tools)

    def _tool(self, tool: Tool) -> int:
        match tool:
            case FunctionTool():
                schema = b"" if tool.schema is None else bytes(tool.schema)
                return self._joined(tool.name, tool.description, tool.namespace, _decoded(schema))
            case CustomTool():
                grammar = b"" if tool.format is None else bytes(tool.format)
                return self._joined(tool.name, tool.description, tool.namespace, _decoded(grammar))
            case HostedTool():
                return self.text(_decoded(bytes(tool.value)))

    def _part(self, part: Part, *, thinks: bool) -> int:  # noqa: PLR0911 - one arm per kind of part
        match part:
            case Text() | Refusal():
                return self.text(part.text)
            case Thinking():
                return self.text(part.text) if thinks else 0
            case Media(source=PlainText() as source):
                return self._joined(part.name, source.text)
            case Media():
                return media_tokens(part, self.family)
            case ToolUse():
                return self.frame.call + self._joined(part.name, part.namespace, part.arguments)
            case Opaque():
                return self.text(_decoded(bytes(part.value)))
            case ToolResult():
                return self.frame.call + sum(self._part(inner, thinks=thinks) for inner in part.parts)

    def _joined(self, *texts: str | None) -> int:
        return sum(self.text(text) for text in texts if text)


def _last_question(messages: Sequence[Message]) -> int:
    """Where the user last said something that is no result of a tool; -1: nowhere."""
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message.role is Role.USER and any(isinstance(part, Text | Media) for part in message.parts):
            return place
    return -1


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")
