"""What of a request counts, in one spelling, so that two can be compared."""

from benchmarks.likeness import Seen, spelled
from omniroute.conversation.parts import Base64, Media, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import FunctionTool, Message, Request, Role


def said(request: Request) -> Seen:
    """What a request says, whatever its dialect: who said what, which tools there are and were called."""
    results = [p for message in request.messages for p in message.parts if isinstance(p, ToolResult)]
    calls = [p for message in request.messages for p in message.parts if isinstance(p, ToolUse)]
    ids = [call.id for call in calls]
    tools = [tool for tool in request.tools if isinstance(tool, FunctionTool)]
    return {
        "system": _texts(request.messages, Role.SYSTEM, Role.DEVELOPER),
        "user": _texts(request.messages, Role.USER),
        "assistant": _texts(request.messages, Role.ASSISTANT),
        "images": [
            part.source.data
            for message in request.messages
            for part in message.parts
            if isinstance(part, Media) and isinstance(part.source, Base64)
        ],
        "calls": [(call.name, spelled(call.arguments)) for call in calls],
        # Which call they belong to counts, not what it is called: Gemini's requests have no ids.
        "results": [(_place(ids, result.tool_use_id), _joined(result)) for result in results],
        "thinking": [p.text for m in request.messages for p in m.parts if isinstance(p, Thinking) and p.text],
        "tools": [(tool.name, tool.description or "") for tool in tools],
        "choice": request.tool_choice.mode if request.tool_choice is not None else None,
        "max_tokens": request.sampling.max_tokens,
        "kind": request.output.kind,
        "stream": request.stream,
    }


def _texts(messages: tuple[Message, ...], *roles: Role) -> str:
    texts = [p.text for m in messages if m.role in roles for p in m.parts if isinstance(p, Text)]
    return "".join("".join(texts).split())


def _place(ids: list[str], id: str) -> int:
    """Which call it is; -1 for one that is not in the conversation."""
    return ids.index(id) if id in ids else -1


def _joined(result: ToolResult) -> str:
    return "".join(part.text for part in result.parts if isinstance(part, Text))
