"""A whole answer of a server that speaks Ollama."""

import msgspec

from omniroute.conversation.fold import StreamFailed
from omniroute.conversation.parts import Extra, ToolUse
from omniroute.conversation.response import Candidate, Response
from omniroute.errors import ProtocolError
from omniroute.formats.ollama.answer import (
    LINE,
    MESSAGE_MODELLED,
    MODELLED,
    Line,
    failure_of,
    finish_of,
    logprobs_of,
    parts_of,
    usage_of,
)
from omniroute.formats.ollama.fields import FORMAT, MEMBERS
from omniroute.formats.watch import decode


def decode_response(body: bytes) -> Response:
    """A whole answer. Raises ProtocolError, and StreamFailed for an error in its place."""
    try:
        line = decode(LINE, body)
        members = decode(MEMBERS, body)
    except (msgspec.ValidationError, ProtocolError):
        raise ProtocolError("the upstream's answer is not Ollama's") from None
    if line.error:
        raise StreamFailed(failure_of(line.error))
    if line.message is None:
        raise ProtocolError("the upstream's answer holds no message")
    if line.done is False:
        raise ProtocolError("the upstream's answer is only the beginning of one")
    candidate = _candidate(line, members)
    return Response(
        model=line.model,
        candidates=(candidate,),
        usage=usage_of(line),
        extra=_extra(members, MODELLED | {"created_at"}),
    )


def _candidate(line: Line, members: dict[str, msgspec.Raw]) -> Candidate:
    parts = tuple(parts_of(line.message)) if line.message is not None else ()
    return Candidate(
        parts,
        finish_of(line, called=any(isinstance(part, ToolUse) for part in parts)),
        logprobs_of(line.logprobs),
        _extra(decode(MEMBERS, bytes(members["message"])), MESSAGE_MODELLED),
    )


def _extra(members: dict[str, msgspec.Raw], modelled: frozenset[str]) -> Extra | None:
    """Members nobody reads. `created_at` is none: each answer gets its own."""
    left = {
        name: raw for name, raw in members.items() if name not in modelled and raw != msgspec.Raw(b"null")
    }
    return Extra(FORMAT, left) if left else None
