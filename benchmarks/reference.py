"""The yardstick: a bare aiohttp pass-through on uvloop. No parsing, no key, no log.

python -m benchmarks.reference PORT UPSTREAM_URL
"""

import sys
from collections.abc import AsyncIterator

import aiohttp
import uvloop
from aiohttp import web

_SESSION = web.AppKey("session", aiohttp.ClientSession)
_UPSTREAM = web.AppKey("upstream", str)


async def _pass_on(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    headers = {"Content-Type": request.headers.get("Content-Type", "application/json")}
    url = request.app[_UPSTREAM] + request.path_qs
    async with request.app[_SESSION].post(url, data=body, headers=headers) as answer:
        kind = answer.headers.get("Content-Type", "")
        if not kind.startswith("text/event-stream"):
            return web.Response(
                body=await answer.read(), status=answer.status, headers={"Content-Type": kind}
            )
        response = web.StreamResponse(status=answer.status, headers={"Content-Type": kind})
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response


async def _session(app: web.Application) -> AsyncIterator[None]:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, timeout=timeout
    ) as session:
        app[_SESSION] = session
        yield


def main(port: int, upstream: str) -> None:
    """Serve until killed."""
    app = web.Application(client_max_size=64 << 20)
    app[_UPSTREAM] = upstream
    app.cleanup_ctx.append(_session)
    app.router.add_post("/{tail:.*}", _pass_on)
    web.run_app(
        app, host="127.0.0.1", port=port, access_log=None, print=lambda *_: None, loop=uvloop.new_event_loop()
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
