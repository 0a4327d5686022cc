"""What a request asks of the demo, whichever dialect it is written in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from omniroute.conversation.tokens import count_tokens
from omniroute.errors import ErrorKind, Refused

JSONObject = dict[str, Any]  # JSON of any shape, narrowed by the codecs field by field

_NOT_TEXT = frozenset({"data", "image_url", "file_data", "encrypted_content", "signature"})


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the client offers."""

    name: str
    schema: JSONObject
    """JSON Schema of its arguments; empty when it takes none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """The parts of a request the demo looks at."""

    text: str
    """What the user said last."""
    input_tokens: int
    tool_result: str | None = None
    """What a tool gave back, when that is the last thing in the conversation."""
    tools: tuple[Tool, ...] = ()
    forced: str | None = None
    """The tool that must be called by name; empty: any of them; `None`: as the text says."""
    stream: bool = False
    include_usage: bool = False
    """A streamed chat is to end with a chunk of usage."""


def unreadable(message: str, param: str) -> Refused:
    """What to raise for a request that is none of its dialect."""
    return Refused(ErrorKind.BAD_REQUEST, message, param=param)


def objects(value: object) -> list[JSONObject]:
    """The objects of a JSON array; nothing for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text_of(content: object) -> str:
    """The text of a message's content: a string, or the text parts of a list, one a line."""
    if isinstance(content, str):
        return content
    texts = (part.get("text") for part in objects(content))
    return "\n".join(text for text in texts if isinstance(text, str))


def last_text(content: object) -> str:
    """The text part that stands last: agents put their own reminders before what the user typed."""
    if isinstance(content, str):
        return content
    texts = [part.get("text") for part in objects(content)]
    return next((text for text in reversed(texts) if isinstance(text, str) and text.strip()), "")


def tool(name: object, schema: object) -> list[Tool]:
    """The tool of that name, as a list of one; an empty list when it has no name."""
    if not isinstance(name, str) or not name:
        return []
    return [Tool(name, schema if isinstance(schema, dict) else {})]


def forced_tool(choice: object) -> str | None:
    """What `tool_choice` demands, in any dialect's spelling, as `Ask.forced` has it."""
    if isinstance(choice, dict):
        function = choice.get("function")
        named = function.get("name") if isinstance(function, dict) else choice.get("name")
        if isinstance(named, str):
            return named
        choice = choice.get("type")
    return "" if choice in ("required", "any") else None


def tokens_in(*parts: object) -> int:
    """An estimate over every text in these parts of a request."""
    return sum(count_tokens(text) for part in parts for text in _texts(part))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name not in _NOT_TEXT:
                yield from _texts(member)
