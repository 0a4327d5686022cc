"""One line of an answer, or the whole: both have the same form (API reference, read 2026-11-23)."""

from collections.abc import Iterator, Sequence

import msgspec

from omniroute.conversation.parts import Extra, Part, Text, Thinking, ToolUse
from omniroute.conversation.request import TokenLogprob
from omniroute.conversation.response import Finish, FinishReason
from omniroute.conversation.usage import Usage
from omniroute.errors import Failure, ProtocolError
from omniroute.formats.ollama.fields import FORMAT, MEMBERS, STRING
from omniroute.formats.ollama.media import image
from omniroute.formats.watch import decode, in_band

_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_USE,
    "load": FinishReason.STOP,
    "unload": FinishReason.STOP,
    "": FinishReason.STOP,
}


class _Logprob(msgspec.Struct):
    token: str = ""
    logprob: float = 0.0
    bytes: tuple[int, ...] | None = None
    top_logprobs: tuple["_Logprob", ...] | None = None


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    images: list[str] | None = None
    tool_calls: list[msgspec.Raw] | None = None


class Line(msgspec.Struct):
    """What is read of a line."""

    model: str | None = None
    message: _Message | None = None
    done: bool | None = None
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    logprobs: tuple[_Logprob, ...] | None = None
    error: str | dict[str, msgspec.Raw] | None = None


LINE = msgspec.json.Decoder(Line)
MODELLED = frozenset(Line.__struct_fields__)
"""Members of a line that are read."""
MESSAGE_MODELLED = frozenset({*_Message.__struct_fields__, "role"})


def parts_of(message: _Message) -> Iterator[Part]:
    """What a message holds, in the order it was made. Raises ProtocolError for a call that is none."""
    if message.thinking:
        yield Thinking(message.thinking)
    if message.content:
        yield Text(message.content)
    for data in message.images or ():
        yield image(data)
    for call in message.tool_calls or ():
        yield _tool_use(call)


def _tool_use(raw: msgspec.Raw) -> ToolUse:
    """A call; its id is empty when the server gives none."""
    try:
        call = decode(MEMBERS, bytes(raw))
        function = decode(MEMBERS, bytes(call.pop("function", b"{}")))
        name = decode(STRING, bytes(function.pop("name", b"null")))
        id_ = decode(STRING, bytes(call.pop("id", b'""')))
        arguments = _arguments(bytes(function.pop("arguments", b"null")))
    except msgspec.ValidationError:
        raise ProtocolError("the upstream's answer holds a call of a tool that is none of Ollama's") from None
    call.pop("type", None)
    function.pop("index", None)
    if function:
        call["function"] = msgspec.Raw(msgspec.json.encode(function))
    return ToolUse(id_, name, arguments, extra=Extra(FORMAT, call) if call else None)


def _arguments(raw: bytes) -> str:
    """As the model wrote them, also where a server gives the object as a string."""
    if raw == b"null":
        return ""
    return decode(STRING, raw) if raw.startswith(b'"') else raw.decode("utf-8", "replace")


def logprobs_of(tokens: Sequence[_Logprob] | None) -> tuple[TokenLogprob, ...]:
    """Likelihoods of the tokens of a line."""
    return tuple(
        TokenLogprob(token.token, token.logprob, token.bytes, logprobs_of(token.top_logprobs))
        for token in tokens or ()
    )


def finish_of(line: Line, *, called: bool) -> Finish:
    """Why the model stopped; the dialect says `stop` when it wants results of tools too."""
    reason = _REASONS.get(line.done_reason or "", FinishReason.UNKNOWN)
    if called and reason is FinishReason.STOP:
        reason = FinishReason.TOOL_USE
    return Finish(reason, line.done_reason)


def usage_of(line: Line) -> Usage:
    """The counts; a prompt that was still in the server's memory has none."""
    return Usage(input=line.prompt_eval_count, output=line.eval_count)


def failure_of(error: str | dict[str, msgspec.Raw]) -> Failure:
    """An error in the place of an answer, or behind its beginning."""
    if isinstance(error, str):
        return in_band(error, None)
    try:
        message = decode(STRING, bytes(error.get("message", b"null")))
    except (msgspec.ValidationError, ProtocolError):
        return in_band(None, None)
    return in_band(message, None)
