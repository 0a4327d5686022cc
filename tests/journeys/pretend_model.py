"""A model that calls the client's shell once and then says that it has: in any dialect."""

import itertools
import json
from collections.abc import Callable, Iterable

from omniroute.conversation.fold import unfold
from omniroute.conversation.parts import Part, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import FunctionTool, Request
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import Usage
from omniroute.formats import FORMATS
from omniroute.formats.codec import ReplyFacts
from omniroute.records import FormatName
from tests.recorded import Recorded
from tests.scripted_upstream import SSE, Behaviour

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
    return _behaviour(dialect, lambda request: _response(request, command))


def editing(dialect: FormatName, file: str, old: str, new: str) -> Behaviour:
    """An upstream whose model answers with an edit, in the blocks that aider reads."""
    block = f"{file}\n```\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n```\n"
    response = _saying((Text(block),), FinishReason.STOP)
    return _behaviour(dialect, lambda request: response)


def _behaviour(dialect: FormatName, respond: Callable[[Request], Response]) -> Behaviour:
    def chunks(recorded: Recorded) -> list[bytes]:
        if not recorded.body:  # asked for its models
            return [b'{"data":[]}']
        request = _asks(dialect, recorded)
        return [_written(dialect, request, respond(request))]

    def content_type(recorded: Recorded) -> str:
        if not recorded.body or not _asks(dialect, recorded).stream:
            return "application/json"
        return "application/x-ndjson" if dialect is FormatName.OLLAMA else SSE

    return Behaviour(chunks=chunks, content_type=content_type)


def _asks(dialect: FormatName, request: Recorded) -> Request:
    path = request.path.partition("?")[0]
    if dialect is not FormatName.GEMINI:
        return FORMATS[dialect].decode_request(request.body)
    model, _, verb = path.rpartition("/")[2].partition(":")
    return FORMATS[dialect].decode_request(request.body, model=model, stream=verb.startswith("stream"))


def _written(dialect: FormatName, request: Request, response: Response) -> bytes:
    facts = ReplyFacts(id=f"{next(_numbers):024d}", created_s=1, model=request.model, request=request)
    if not request.stream:
        return FORMATS[dialect].encode_response(response, facts).body
    return FORMATS[dialect].stream_encoder(facts).encode(list(unfold(response)))


def _response(request: Request, command: str) -> Response:
    call = _call(request, command)
    if call is None:
        return _saying((Text(TOLD),), FinishReason.STOP)
    return _saying((Thinking("I should run it."), Text("Running it."), call), FinishReason.TOOL_USE)


def _saying(parts: tuple[Part, ...], reason: FinishReason) -> Response:
    usage = Usage(input=70, cache_read=30, output=20)
    return Response(model="m", candidates=(Candidate(parts, Finish(reason)),), usage=usage)


def _call(request: Request, command: str) -> ToolUse | None:
    """`None`: there is no shell to call, or its result is there."""
    if any(isinstance(part, ToolResult) for part in _parts(request)):
        return None
    for tool in request.tools:
        if isinstance(tool, FunctionTool) and tool.name in SHELLS:
            arguments = {SHELLS[tool.name]: command, "description": "write the proof"}
            known = json.loads(bytes(tool.schema or b"{}")).get("properties", {})
            arguments = {name: value for name, value in arguments.items() if name in known}
            return ToolUse(f"call_{next(_numbers):020d}x", tool.name, json.dumps(arguments))
    return None


def _parts(request: Request) -> Iterable[Part]:
    return (part for message in request.messages for part in message.parts)
