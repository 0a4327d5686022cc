"""A model that calls the client's shell once and then says that it has: in any dialect."""

import itertools
import json
from collections.abc import Iterable

from omniroute.conversation.fold import unfold
from omniroute.conversation.parts import Part, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import FunctionTool, Request
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import Usage
from omniroute.formats import FORMATS
from omniroute.formats.codec import ReplyFacts
from omniroute.records import FormatName
from tests.scripted_upstream import SSE, Behaviour, Recorded

TOLD = "The command has run."
SHELLS = {
    "Bash": "command",
    "bash": "command",
    "exec_command": "cmd",
    "run_shell_command": "command",
    "shell_command": "command",
}
"""The tool by which each coding agent runs commands, and the member that holds the command."""
_numbers = itertools.count(1)


def answering(dialect: FormatName, command: str) -> Behaviour:
    """An upstream of that dialect with such a model behind it."""
    stream_type = "application/x-ndjson" if dialect is FormatName.OLLAMA else SSE
    return Behaviour(
        chunks=lambda request: [_answer(dialect, request, command)],
        content_type=lambda request: stream_type if _asks(dialect, request).stream else "application/json",
    )


def _asks(dialect: FormatName, request: Recorded) -> Request:
    path = request.path.partition("?")[0]
    if dialect is not FormatName.GEMINI:
        return FORMATS[dialect].decode_request(request.body)
    model, _, verb = path.rpartition("/")[2].partition(":")
    return FORMATS[dialect].decode_request(request.body, model=model, stream=verb.startswith("stream"))


def _answer(dialect: FormatName, recorded: Recorded, command: str) -> bytes:
    request = _asks(dialect, recorded)
    facts = ReplyFacts(id=f"{next(_numbers):024d}", created_s=1, model=request.model, request=request)
    response = _response(request, command)
    if not request.stream:
        return FORMATS[dialect].encode_response(response, facts).body
    return FORMATS[dialect].stream_encoder(facts).encode(list(unfold(response)))


def _response(request: Request, command: str) -> Response:
    call = _call(request, command)
    parts: tuple[Part, ...] = (Text(TOLD),)
    if call is not None:
        parts = (Thinking("I should run it."), Text("Running it."), call)
    reason = FinishReason.TOOL_USE if call is not None else FinishReason.STOP
    usage = Usage(input=70, cache_read=30, output=20)
    return Response(model=request.model, candidates=(Candidate(parts, Finish(reason)),), usage=usage)


def _call(request: Request, command: str) -> ToolUse | None:
    """`None`: there is no shell to call, or its result is there."""
    if any(isinstance(part, ToolResult) for part in _parts(request)):
        return None
    for tool in request.tools:
        if isinstance(tool, FunctionTool) and tool.name in SHELLS:
            arguments = {SHELLS[tool.name]: command, "description": "write the proof"}
            if tool.name == "exec_command":
                del arguments["description"]
            return ToolUse(f"call_{next(_numbers):020d}x", tool.name, json.dumps(arguments))
    return None


def _parts(request: Request) -> Iterable[Part]:
    return (part for message in request.messages for part in message.parts)
