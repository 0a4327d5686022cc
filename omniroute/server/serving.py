"""A client's request on its way into the gateway's core, and its answer on the way back."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from omniroute.errors import ErrorKind, Refused
from omniroute.formats.codec import Encoded
from omniroute.gateway.call import MESSAGES, Call, Operation
from omniroute.gateway.exchange import exchange
from omniroute.server import errors
from omniroute.server.incoming import Incoming
from omniroute.server.reply import HttpReply

_log = logging.getLogger(__name__)

Serve = Callable[[Incoming], Awaitable[web.StreamResponse]]


def operation(operation: Operation) -> Serve:
    """The route that answers one kind of request."""

    async def serve(incoming: Incoming) -> web.StreamResponse:
        return await converse(incoming, operation)

    return serve


async def converse(
    incoming: Incoming, operation: Operation, *, model: str | None = None, stream: bool | None = None
) -> web.StreamResponse:
    """The answer to the body as it came."""
    call = await call_of(incoming, operation, model=model, stream=stream)
    return await run(incoming, call, new_reply(incoming, operation))


async def call_of(
    incoming: Incoming,
    operation: Operation,
    *,
    model: str | None = None,
    stream: bool | None = None,
    translated: Encoded | None = None,
) -> Call:
    """What the client asks, with its own body unless that was translated. Raises `Refused`."""
    return Call(
        operation=operation,
        method=incoming.http.method,
        path=incoming.path,
        headers=incoming.http.headers,
        body=await incoming.body() if translated is None else translated.body,
        request_id=incoming.request_id,
        key=incoming.caller.key,
        client_ip=incoming.caller.address,
        model=model,
        stream=stream,
        only_provider=incoming.params.get("provider"),
        losses=() if translated is None else translated.losses,
    )


def new_reply(incoming: Incoming, operation: Operation) -> HttpReply:
    """The way back."""
    now_ms = incoming.gateway.clock.now_ms()
    return HttpReply(incoming.http, operation, reply_headers(incoming, operation), now_ms=now_ms)


def reply_headers(incoming: Incoming, operation: Operation) -> dict[str, str]:
    """What every answer to this request carries."""
    headers = {"X-Request-Id": incoming.request_id}
    if operation is MESSAGES:
        headers["request-id"] = incoming.request_id
    if incoming.origin is not None:
        headers |= errors.cors(incoming.origin)
    return headers


async def run(incoming: Incoming, call: Call, reply: HttpReply) -> web.StreamResponse:
    """The answer, whole or streamed, or the error. Raises ConnectionError when the client is gone."""
    try:
        await exchange(incoming.gateway, call, reply)
    except ConnectionError:
        raise
    except Exception:
        if reply.response is None:
            raise
        _log.exception("request %s failed inside the gateway, in the middle of its answer", call.request_id)
        await reply.break_off()
    if reply.response is None:
        raise Refused(ErrorKind.INTERNAL, "the gateway gave no answer; its log says more")
    return reply.response


def json_answer(incoming: Incoming, value: Any) -> web.Response:  # JSON of any shape
    """A whole answer of our own."""
    return json_bytes(incoming, msgspec.json.encode(value))


def json_bytes(incoming: Incoming, body: bytes) -> web.Response:
    """A whole answer of our own that is encoded already."""
    return web.Response(
        body=body, headers={"X-Request-Id": incoming.request_id, "Content-Type": "application/json"}
    )
