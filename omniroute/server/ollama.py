"""What clients of Ollama ask for besides embeddings."""

from collections.abc import Callable
from dataclasses import replace

from aiohttp import web

from omniroute import __version__
from omniroute.conversation.request import Request
from omniroute.errors import ErrorKind, Refused
from omniroute.formats import ollama
from omniroute.formats.codec import ReplyFacts
from omniroute.formats.envelope import Envelope, check_model_name
from omniroute.formats.ollama import generate_dialect
from omniroute.gateway.call import OLLAMA_CHAT
from omniroute.gateway.permitted import route_for, ruled
from omniroute.server import model_lists
from omniroute.server.incoming import Incoming
from omniroute.server.serving import converse, json_answer, json_bytes

OLLAMA_GENERATE = replace(OLLAMA_CHAT, name="ollama-generate", variant=generate_dialect)

_EMPTY = (None, b"null", b"[]", b'""')


async def chat(incoming: Incoming) -> web.StreamResponse:
    """A conversation; without messages the model is only to be loaded."""
    body = await incoming.body()
    if Envelope(body).raw("messages") in _EMPTY:
        request = ollama.decode_request(body)
        return _loaded(incoming, request, ollama.load_answer)
    return await converse(incoming, OLLAMA_CHAT, stream=_streams(body))


async def generate(incoming: Incoming) -> web.StreamResponse:
    """The answer to one prompt; without it the model is only to be loaded."""
    body = await incoming.body()
    if Envelope(body).raw("prompt") in _EMPTY:
        request = generate_dialect.decode_request(body)
        return _loaded(incoming, request, generate_dialect.load_answer)
    return await converse(incoming, OLLAMA_GENERATE, stream=_streams(body))


async def tags(incoming: Incoming) -> web.StreamResponse:
    """The models."""
    entries = model_lists.listed(incoming.gateway.snapshot, incoming.caller.key, kind="chat")
    return json_answer(incoming, model_lists.ollama_list(entries))


async def show(incoming: Incoming) -> web.StreamResponse:
    """What is known of one model."""
    envelope = Envelope(await incoming.body())
    name = envelope.value("model") or envelope.value("name")
    if not isinstance(name, str) or not name.strip():
        raise Refused(ErrorKind.BAD_REQUEST, "model is required", param="model")
    check_model_name(name)
    entries = model_lists.listed(incoming.gateway.snapshot, incoming.caller.key)
    wanted = name.strip()
    # Ollama's own tools put the tag `latest` behind a name without one.
    entry = model_lists.find(entries, wanted) or model_lists.find(entries, wanted.removesuffix(":latest"))
    if entry is None:
        raise Refused(ErrorKind.MODEL_NOT_FOUND, f"model {wanted!r} not found", param="model")
    return json_answer(incoming, model_lists.ollama_details(entry))


async def running(incoming: Incoming) -> web.StreamResponse:
    """The models in memory: none, they are elsewhere."""
    return json_answer(incoming, {"models": []})


async def version(incoming: Incoming) -> web.StreamResponse:
    """Something for clients that look for a server of at least some version."""
    return json_answer(incoming, {"version": f"{__version__}-omniroute"})


def _streams(body: bytes) -> bool:
    """Ollama streams unless it is told not to."""
    return Envelope(body).raw("stream") != b"false"


def _loaded(
    incoming: Incoming, request: Request, answer: Callable[[ReplyFacts], bytes]
) -> web.StreamResponse:
    """That the model is there: nothing has to be loaded. Raises `Refused` when it is not."""
    gateway, snapshot, caller = incoming.gateway, incoming.gateway.snapshot, incoming.caller
    route = route_for(snapshot, request.model, caller.key, OLLAMA_CHAT, only_provider=None)
    ruled(gateway, snapshot, route, caller.key, caller.address)
    now_s = gateway.clock.now_ms() // 1000
    body = answer(ReplyFacts(id="", created_s=now_s, model=request.model, request=request))
    shown = json_bytes(incoming, body + b"\n" if request.stream else body)
    if request.stream:
        shown.headers["Content-Type"] = ollama.STREAM_TYPE
    return shown
