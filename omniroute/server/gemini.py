"""What clients of Gemini ask for below a model: the verb is what follows the last colon."""

from aiohttp import web

from omniroute.errors import ErrorKind, Refused
from omniroute.formats.envelope import check_model_name
from omniroute.gateway.call import GENERATE
from omniroute.records import FormatName
from omniroute.server.counting import count
from omniroute.server.embeddings import gemini_embed
from omniroute.server.incoming import Incoming
from omniroute.server.json_array import ArrayReply
from omniroute.server.serving import call_of, converse, run


async def verb(incoming: Incoming) -> web.StreamResponse:
    """The answer to one verb."""
    model, _, name = incoming.params["id"].rpartition(":")
    model = model.removeprefix("models/")
    if not model:
        raise Refused(ErrorKind.NOT_FOUND, f"no verb {name[:60]!r} is served here")
    check_model_name(model)
    match name:
        case "generateContent":
            return await converse(incoming, GENERATE, model=model, stream=False)
        case "streamGenerateContent":
            return await _stream(incoming, model)
        case "countTokens":
            return await count(incoming, FormatName.GEMINI, model=model)
        case "embedContent" | "batchEmbedContents":
            return await gemini_embed(incoming, model, batch=name.startswith("batch"))
        case _:
            raise Refused(ErrorKind.NOT_FOUND, f"no verb {name[:60]!r} is served here")


async def _stream(incoming: Incoming, model: str) -> web.StreamResponse:
    """Server-sent events where the client asks for them, else an array."""
    if incoming.http.query.get("alt") == "sse":
        return await converse(incoming, GENERATE, model=model, stream=True)
    call = await call_of(incoming, GENERATE, model=model, stream=True)
    return await run(incoming, call, ArrayReply(incoming))
