"""Whole answers of Anthropic Messages (API reference, read 2026-11-23)."""

import msgspec

from omniroute.conversation.fold import StreamFailed
from omniroute.conversation.parts import ToolUse
from omniroute.conversation.response import Candidate, Response
from omniroute.conversation.usage import UNKNOWN, Usage
from omniroute.errors import ProtocolError
from omniroute.formats.anthropic.blocks_decode import decode_content
from omniroute.formats.anthropic.finish import finish_of
from omniroute.formats.anthropic.members import Members, WrongShape, items
from omniroute.formats.anthropic.usage import WireUsage, disjoint
from omniroute.formats.watch import decode, in_band

_BODY = msgspec.json.Decoder(dict[str, msgspec.Raw])
_USAGE = msgspec.json.Decoder(WireUsage)


def decode_response(body: bytes) -> Response:
    """A whole answer. Raises ProtocolError, and `StreamFailed` for a body that tells a failure."""
    try:
        return _response(Members(decode(_BODY, body), ""))
    except WrongShape as error:
        raise ProtocolError(f"the upstream's answer: {error}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ProtocolError):
        raise ProtocolError("the upstream's answer is not an Anthropic message") from None


def _response(whole: Members) -> Response:
    if whole.text("type") == "error":
        error = whole.nested("error") or Members({}, "error")
        raise StreamFailed(in_band(error.text("message"), error.text("type")))
    content = whole.raw("content")
    if content is None:
        raise WrongShape("content", "a list")
    items(content, "content")
    parts = decode_content(content, "content")
    calls = any(isinstance(part, ToolUse) for part in parts)
    finish = finish_of(whole.text("stop_reason"), whole.text("stop_sequence"), calls=calls)
    whole.text("role")
    return Response(
        id=whole.text("id"),
        model=whole.text("model"),
        candidates=(Candidate(parts, finish),),
        usage=_usage(whole.raw("usage")),
        extra=whole.rest(),
    )


def _usage(raw: msgspec.Raw | None) -> Usage:
    """The buckets; `UNKNOWN` for an object nobody can make sense of."""
    try:
        return UNKNOWN if raw is None else disjoint(_USAGE.decode(raw))
    except msgspec.ValidationError:
        return UNKNOWN
