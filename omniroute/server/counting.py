"""Counts of tokens, in the three dialects that ask for them. They leave no row."""

from typing import Any

from aiohttp import web

from omniroute.errors import ErrorKind, Refused
from omniroute.formats.envelope import Envelope
from omniroute.gateway import counting
from omniroute.records import FormatName
from omniroute.server.incoming import Incoming
from omniroute.server.serving import json_answer, json_bytes

_NEEDED = {
    FormatName.ANTHROPIC: ("messages",),
    FormatName.OPENAI_RESPONSES: ("input", "instructions"),
    FormatName.GEMINI: ("contents", "generateContentRequest"),
}
"""One of these has to be there."""


async def messages(incoming: Incoming) -> web.StreamResponse:
    """`/v1/messages/count_tokens`."""
    return await count(incoming, FormatName.ANTHROPIC)


async def responses(incoming: Incoming) -> web.StreamResponse:
    """`/v1/responses/input_tokens`."""
    return await count(incoming, FormatName.OPENAI_RESPONSES)


async def count(incoming: Incoming, dialect: FormatName, *, model: str | None = None) -> web.StreamResponse:
    """The count in the client's dialect. Raises `Refused`."""
    body = await incoming.body()
    envelope = Envelope(body)
    model = model or envelope.model
    needed = _NEEDED[dialect]
    if not any(envelope.value(name) for name in needed):
        raise Refused(ErrorKind.BAD_REQUEST, f"{needed[0]}: needed, and not empty", param=needed[0])
    question = counting.Question(
        dialect=dialect,
        model=model,
        body=body,
        headers=incoming.http.headers,
        key=incoming.caller.key,
        request_id=incoming.request_id,
        client_ip=incoming.caller.address,
        only_provider=incoming.params.get("provider"),
    )
    counted = await counting.count(incoming.gateway, question)
    if counted.body is not None:
        return json_bytes(incoming, counted.body)
    return json_answer(incoming, _shown(dialect, counted.tokens))


def _shown(dialect: FormatName, tokens: int) -> dict[str, Any]:
    match dialect:
        case FormatName.OPENAI_RESPONSES:
            return {"object": "response.input_tokens", "input_tokens": tokens}
        case FormatName.GEMINI:
            details = [{"modality": "TEXT", "tokenCount": tokens}]
            return {"totalTokens": tokens, "promptTokensDetails": details}
        case _:
            return {"input_tokens": tokens}
