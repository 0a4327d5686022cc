"""`GET /api/live`: the state of the gateway once a second, as server-sent events."""

import msgspec
from aiohttp import web

from omniroute.server.incoming import Incoming, Plane, Route, RouteRow


async def _live(incoming: Incoming) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            "X-Request-Id": incoming.request_id,
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
        }
    )
    await response.prepare(incoming.http)
    if incoming.http.method == "HEAD":
        return response
    async for stats in incoming.gateway.live.follow():
        await response.write(b"event: stats\ndata: " + msgspec.json.encode(stats) + b"\n\n")
        if stats.draining:
            break  # the server ends: a follower comes back to its successor
    await response.write_eof()
    return response


ROUTES: tuple[RouteRow, ...] = (("GET", "/api/live", Route(Plane.MANAGE, _live)),)
