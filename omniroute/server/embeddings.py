"""Embeddings for clients of Gemini and Ollama: asked and answered through OpenAI's dialect."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from aiohttp import web

from omniroute.errors import ErrorKind, ProtocolError
from omniroute.formats.codec import Encoded
from omniroute.formats.envelope import Envelope
from omniroute.formats.gemini import embeddings as gemini
from omniroute.formats.ollama import embeddings as ollama
from omniroute.gateway.call import EMBEDDINGS, ErrorAnswer
from omniroute.records import FormatName
from omniroute.server.incoming import Incoming
from omniroute.server.reply import HttpReply
from omniroute.server.serving import Serve, call_of, json_bytes, reply_headers, run

Rewrite = Callable[[bytes], bytes]
"""OpenAI's answer in the client's dialect. Raises ProtocolError."""


def ollama_embed(*, legacy: bool) -> Serve:
    """`/api/embed`, or with `legacy` `/api/embeddings`."""

    async def serve(incoming: Incoming) -> web.StreamResponse:
        body = await incoming.body()
        asked = ollama.openai_request(body, legacy=legacy)
        model = Envelope(body).model
        if asked is None:
            return json_bytes(incoming, ollama.nothing(model, legacy=legacy))
        clock = incoming.gateway.clock
        started_s = clock.monotonic_s()

        def rewrite(answer: bytes) -> bytes:
            took_ns = round((clock.monotonic_s() - started_s) * 1e9)
            return ollama.answer(answer, model=model, legacy=legacy, took_ns=took_ns)

        return await _embed(incoming, asked, FormatName.OLLAMA, rewrite)

    return serve


async def gemini_embed(incoming: Incoming, model: str, *, batch: bool) -> web.StreamResponse:
    """`embedContent`, or with `batch` `batchEmbedContents`."""
    asked = gemini.openai_request(await incoming.body(), model=model, batch=batch)
    return await _embed(incoming, asked, FormatName.GEMINI, lambda body: gemini.answer(body, batch=batch))


async def _embed(
    incoming: Incoming, asked: Encoded, dialect: FormatName, rewrite: Rewrite
) -> web.StreamResponse:
    call = await call_of(incoming, EMBEDDINGS, translated=asked)
    return await run(incoming, call, _RewritingReply(incoming, dialect, rewrite))


class _RewritingReply(HttpReply):
    """Hands a good answer on in another dialect, and tells errors in it."""

    def __init__(self, incoming: Incoming, dialect: FormatName, rewrite: Rewrite) -> None:
        spoken = replace(EMBEDDINGS, dialect=dialect)
        headers = reply_headers(incoming, spoken)
        super().__init__(incoming.http, spoken, headers, now_ms=incoming.gateway.clock.now_ms())
        self._rewrite = rewrite

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer. Raises ConnectionError when the client is gone."""
        if 200 <= status < 300:
            try:
                body = await asyncio.to_thread(self._rewrite, body)
            except ProtocolError as error:
                told = ErrorAnswer(kind=ErrorKind.BAD_GATEWAY, message=str(error), status=502)
                await self.fail(told, {})
                return
        await super().whole(status, headers, body)
