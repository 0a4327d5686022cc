"""The management API over HTTP: its table as routes, its answers as JSON."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from aiohttp import web

from omniroute.server import errors
from omniroute.server.incoming import Incoming, Plane, Route, RouteRow
from omniroute.server.manage.call import Answer, ApiError, ManageCall, ManageRoute


def routes(table: Sequence[ManageRoute]) -> list[RouteRow]:
    """The table's rows as the server's."""
    return [
        (row.method, row.path, Route(Plane.OPEN if row.open else Plane.MANAGE, _serving(row)))
        for row in table
    ]


def _serving(row: ManageRoute) -> Callable[[Incoming], Awaitable[web.StreamResponse]]:
    async def serve(incoming: Incoming) -> web.StreamResponse:
        return await _answer(row, incoming)

    return serve


async def _answer(row: ManageRoute, incoming: Incoming) -> web.StreamResponse:
    http = incoming.http
    call = ManageCall(
        gateway=incoming.gateway,
        control=incoming.control,
        params=incoming.params,
        query=http.query,
        body=await incoming.body(),
        actor=incoming.caller.actor,
        authorised=incoming.caller.may_manage,
        peer=incoming.caller.address,
        request_id=incoming.request_id,
    )
    headers = {"X-Request-Id": incoming.request_id, "Content-Type": "application/json"}
    try:
        answer = await row.handler(call)
    except ApiError as error:
        body = errors.problem(error.code, error.message, incoming.request_id, error.details)
        return web.Response(status=error.status, headers=headers, body=body)
    if isinstance(answer, Answer):
        return web.Response(
            status=answer.status,
            headers=headers | dict(answer.headers),
            body=msgspec.json.encode(answer.body),
        )
    return web.Response(headers=headers, body=msgspec.json.encode(answer))
