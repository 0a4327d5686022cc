"""The data plane: conversations, embeddings, lists of models."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from omniroute import __version__
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.envelope import Envelope, check_model_name
from omniroute.gateway.call import (
    CHAT,
    EMBEDDINGS,
    GENERATE,
    MESSAGES,
    OLLAMA_CHAT,
    RESPONSES,
    Call,
    Operation,
)
from omniroute.gateway.exchange import exchange
from omniroute.server import errors, model_lists
from omniroute.server.incoming import Incoming, Plane, Route, RouteRow
from omniroute.server.model_lists import Listed
from omniroute.server.reply import HttpReply

_log = logging.getLogger(__name__)

Serve = Callable[[Incoming], Awaitable[web.StreamResponse]]


def _operation(operation: Operation) -> Serve:
    """The route that answers one kind of request."""

    async def serve(incoming: Incoming) -> web.StreamResponse:
        return await _exchange(incoming, operation)

    return serve


async def _exchange(
    incoming: Incoming, operation: Operation, *, model: str | None = None, stream: bool | None = None
) -> web.StreamResponse:
    http = incoming.http
    headers = {"X-Request-Id": incoming.request_id}
    if operation is MESSAGES:
        headers["request-id"] = incoming.request_id
    if incoming.origin is not None:
        headers |= errors.cors(incoming.origin)
    reply = HttpReply(http, operation, headers, now_ms=incoming.gateway.clock.now_ms())
    call = Call(
        operation=operation,
        method=http.method,
        path=incoming.path,
        headers=http.headers,
        body=await incoming.body(),
        request_id=incoming.request_id,
        key=incoming.caller.key,
        model=model,
        stream=stream,
        only_provider=incoming.params.get("provider"),
    )
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


async def _generate(incoming: Incoming) -> web.StreamResponse:
    """Gemini's path names model and verb; the verb is what follows the last colon."""
    model, _, verb = incoming.params["id"].rpartition(":")
    if verb not in ("generateContent", "streamGenerateContent") or not model:
        raise Refused(ErrorKind.NOT_FOUND, f"no verb {verb[:60]!r} is served here")
    stream = verb == "streamGenerateContent"
    if stream and incoming.http.query.get("alt") != "sse":
        raise Refused(ErrorKind.UNSUPPORTED, "streams are served as server-sent events: add ?alt=sse")
    check_model_name(model)
    return await _exchange(incoming, GENERATE, model=model, stream=stream)


async def _ollama_chat(incoming: Incoming) -> web.StreamResponse:
    """Ollama streams unless it is told not to."""
    stream = Envelope(await incoming.body()).raw("stream") != b"false"
    return await _exchange(incoming, OLLAMA_CHAT, stream=stream)


async def _models(incoming: Incoming) -> web.StreamResponse:
    """The list in the shape the caller's headers ask for."""
    query = incoming.http.query
    entries = model_lists.listed(incoming.gateway.snapshot, incoming.caller.key, kind=query.get("type"))
    if _wants_anthropic(incoming):
        return _json(incoming, model_lists.anthropic_list(entries, query))
    if _wants_gemini(incoming):
        return _json(incoming, model_lists.gemini_list(entries))
    return _json(incoming, model_lists.openai_list(entries))


async def _model(incoming: Incoming) -> web.StreamResponse:
    """One model by any of its names."""
    wanted = incoming.params["id"].removeprefix("models/")
    entries = model_lists.listed(incoming.gateway.snapshot, incoming.caller.key)
    entry = next((entry for entry in entries if entry.id == wanted), None) or _by_bare_id(entries, wanted)
    if entry is None:
        raise Refused(ErrorKind.MODEL_NOT_FOUND, f"no model {wanted!r}", param="model")
    if _wants_anthropic(incoming):
        return _json(incoming, model_lists.anthropic_entry(entry))
    if _wants_gemini(incoming):
        return _json(incoming, model_lists.gemini_entry(entry))
    return _json(incoming, model_lists.openai_entry(entry))


def _by_bare_id(entries: list[Listed], wanted: str) -> Listed | None:
    """The one model with this id and no other provider's."""
    owners = [entry for entry in entries if entry.model.id == wanted and entry.parent is None]
    return owners[0] if len(owners) == 1 else None


async def _tags(incoming: Incoming) -> web.StreamResponse:
    entries = model_lists.listed(incoming.gateway.snapshot, incoming.caller.key, kind="chat")
    return _json(incoming, model_lists.ollama_list(entries))


async def _ollama_version(incoming: Incoming) -> web.StreamResponse:
    return _json(incoming, {"version": f"{__version__}-omniroute"})


async def _embedding_models(incoming: Incoming) -> web.StreamResponse:
    entries = model_lists.listed(incoming.gateway.snapshot, incoming.caller.key, kind="embedding")
    return _json(incoming, model_lists.openai_list(entries))


async def _responses_socket(incoming: Incoming) -> web.StreamResponse:
    """Codex asks for a WebSocket first, and goes on over HTTP at once when told 426."""
    if incoming.http.headers.get("Upgrade", "").lower() == "websocket":
        raise Refused(ErrorKind.UPGRADE_REQUIRED, "responses are served over HTTP: POST /v1/responses")
    if incoming.http.method == "HEAD":
        return web.Response(headers={"X-Request-Id": incoming.request_id})
    raise Refused(ErrorKind.METHOD_NOT_ALLOWED, "/v1/responses takes POST")


async def _root(incoming: Incoming) -> web.StreamResponse:
    """Something for people and probes that look whether anybody is there."""
    return web.Response(text="OmniRoute is running\n", headers={"X-Request-Id": incoming.request_id})


def _wants_anthropic(incoming: Incoming) -> bool:
    return "anthropic-version" in incoming.http.headers


def _wants_gemini(incoming: Incoming) -> bool:
    headers = incoming.http.headers
    if incoming.path.startswith("/v1beta/"):
        return True
    return "x-goog-api-key" in headers or "x-goog-api-client" in headers or "key" in incoming.http.query


def _json(incoming: Incoming, value: Any) -> web.Response:  # JSON of any shape
    return web.Response(
        body=msgspec.json.encode(value),
        headers={"X-Request-Id": incoming.request_id, "Content-Type": "application/json"},
    )


def _proxy(method: str, path: str, serve: Serve) -> RouteRow:
    return method, path, Route(Plane.PROXY, serve)


ROUTES: tuple[RouteRow, ...] = (
    ("GET", "/", Route(Plane.OPEN, _root)),
    _proxy("POST", "/v1/chat/completions", _operation(CHAT)),
    _proxy("POST", "/v1/messages", _operation(MESSAGES)),
    _proxy("POST", "/v1/responses", _operation(RESPONSES)),
    _proxy("GET", "/v1/responses", _responses_socket),
    _proxy("POST", "/v1/embeddings", _operation(EMBEDDINGS)),
    _proxy("GET", "/v1/embeddings", _embedding_models),
    _proxy("GET", "/v1", _models),
    _proxy("GET", "/v1/models", _models),
    _proxy("GET", "/v1/models/{...id}", _model),
    _proxy("POST", "/v1/models/{...id}", _generate),
    _proxy("GET", "/v1beta/models", _models),
    _proxy("GET", "/v1beta/models/{...id}", _model),
    _proxy("POST", "/v1beta/models/{...id}", _generate),
    _proxy("POST", "/api/chat", _ollama_chat),
    _proxy("GET", "/api/tags", _tags),
    _proxy("GET", "/api/version", _ollama_version),
    _proxy("POST", "/v1/providers/{provider}/chat/completions", _operation(CHAT)),
    _proxy("POST", "/v1/providers/{provider}/messages", _operation(MESSAGES)),
    _proxy("POST", "/v1/providers/{provider}/responses", _operation(RESPONSES)),
    _proxy("POST", "/v1/providers/{provider}/embeddings", _operation(EMBEDDINGS)),
)
"""Everything the data plane serves."""
