"""The data plane: every path of it, and the lists of models."""

from aiohttp import web

from omniroute.errors import ErrorKind, Refused
from omniroute.gateway.call import CHAT, EMBEDDINGS, MESSAGES, RESPONSES
from omniroute.server import counting, gemini, model_lists, ollama
from omniroute.server.embeddings import ollama_embed
from omniroute.server.incoming import Incoming, Plane, Route, RouteRow
from omniroute.server.serving import Serve, json_answer, operation


async def _models(incoming: Incoming) -> web.StreamResponse:
    """The list in the shape the caller's headers ask for."""
    query = incoming.http.query
    entries = model_lists.listed(incoming.gateway.snapshot, incoming.caller.key, kind=query.get("type"))
    if _wants_anthropic(incoming):
        return json_answer(incoming, model_lists.anthropic_list(entries, query))
    if _wants_gemini(incoming):
        return json_answer(incoming, model_lists.gemini_list(entries, query))
    return json_answer(incoming, model_lists.openai_list(entries))


async def _model(incoming: Incoming) -> web.StreamResponse:
    """One model by any of its names."""
    wanted = incoming.params["id"].removeprefix("models/")
    entries = model_lists.listed(incoming.gateway.snapshot, incoming.caller.key)
    entry = model_lists.find(entries, wanted)
    if entry is None:
        raise Refused(ErrorKind.MODEL_NOT_FOUND, f"no model {wanted!r}", param="model")
    if _wants_anthropic(incoming):
        return json_answer(incoming, model_lists.anthropic_entry(entry))
    if _wants_gemini(incoming):
        return json_answer(incoming, model_lists.gemini_entry(entry))
    return json_answer(incoming, model_lists.openai_entry(entry))


async def _embedding_models(incoming: Incoming) -> web.StreamResponse:
    entries = model_lists.listed(incoming.gateway.snapshot, incoming.caller.key, kind="embedding")
    return json_answer(incoming, model_lists.openai_list(entries))


async def _responses_socket(incoming: Incoming) -> web.StreamResponse:
    """Codex asks for a WebSocket first, and goes on over HTTP at once when told 426."""
    if incoming.http.headers.get("Upgrade", "").lower() == "websocket":
        raise Refused(ErrorKind.UPGRADE_REQUIRED, "responses are served over HTTP: POST /v1/responses")
    if incoming.http.method == "HEAD":
        return web.Response(headers={"X-Request-Id": incoming.request_id})
    raise Refused(ErrorKind.METHOD_NOT_ALLOWED, "/v1/responses takes POST")


async def _root(incoming: Incoming) -> web.StreamResponse:
    """Something for people and probes that look whether anybody is there; Ollama's look for its sentence."""
    text = "OmniRoute is running\nTo clients of Ollama: Ollama is running\n"
    return web.Response(text=text, headers={"X-Request-Id": incoming.request_id})


def _wants_anthropic(incoming: Incoming) -> bool:
    return "anthropic-version" in incoming.http.headers


def _wants_gemini(incoming: Incoming) -> bool:
    headers = incoming.http.headers
    if incoming.path.startswith("/v1beta/"):
        return True
    return "x-goog-api-key" in headers or "x-goog-api-client" in headers or "key" in incoming.http.query


def _proxy(method: str, path: str, serve: Serve) -> RouteRow:
    return method, path, Route(Plane.PROXY, serve)


def _aside(method: str, path: str, serve: Serve) -> RouteRow:
    """A question that is none for an answer of a model: it leaves no row."""
    return method, path, Route(Plane.PROXY, serve, leaves_row=False)


ROUTES: tuple[RouteRow, ...] = (
    ("GET", "/", Route(Plane.OPEN, _root)),
    _proxy("POST", "/v1/chat/completions", operation(CHAT)),
    _proxy("POST", "/v1/messages", operation(MESSAGES)),
    _aside("POST", "/v1/messages/count_tokens", counting.messages),
    _proxy("POST", "/v1/responses", operation(RESPONSES)),
    _aside("GET", "/v1/responses", _responses_socket),
    _aside("POST", "/v1/responses/input_tokens", counting.responses),
    _proxy("POST", "/v1/embeddings", operation(EMBEDDINGS)),
    _aside("GET", "/v1/embeddings", _embedding_models),
    _aside("GET", "/v1", _models),
    _aside("GET", "/v1/models", _models),
    _aside("GET", "/v1/models/{...id}", _model),
    _proxy("POST", "/v1/models/{...id}", gemini.verb),
    _aside("GET", "/v1beta/models", _models),
    _aside("GET", "/v1beta/models/{...id}", _model),
    _proxy("POST", "/v1beta/models/{...id}", gemini.verb),
    _proxy(
        "POST", "/v1beta/{...id}", gemini.verb
    ),  # Vercel's SDK leaves `models/` out before an id with a slash
    _proxy("POST", "/api/chat", ollama.chat),
    _proxy("POST", "/api/generate", ollama.generate),
    _proxy("POST", "/api/embed", ollama_embed(legacy=False)),
    _proxy("POST", "/api/embeddings", ollama_embed(legacy=True)),
    _aside("GET", "/api/tags", ollama.tags),
    _aside("POST", "/api/show", ollama.show),
    _aside("GET", "/api/ps", ollama.running),
    _aside("GET", "/api/version", ollama.version),
    _proxy("POST", "/v1/providers/{provider}/chat/completions", operation(CHAT)),
    _proxy("POST", "/v1/providers/{provider}/messages", operation(MESSAGES)),
    _aside("POST", "/v1/providers/{provider}/messages/count_tokens", counting.messages),
    _proxy("POST", "/v1/providers/{provider}/responses", operation(RESPONSES)),
    _proxy("POST", "/v1/providers/{provider}/embeddings", operation(EMBEDDINGS)),
)
"""Everything the data plane serves."""
