"""Where a vendor sends the browser back to: the page says how it went, and nothing else."""

from collections.abc import Mapping

from aiohttp import web

from omniroute.gateway.gateway import Gateway
from omniroute.gateway.sign_ins import SignIn
from omniroute.providers.consent import of_query
from omniroute.server.incoming import Incoming, Plane, Route, RouteRow
from omniroute.server.manage.call import ApiError, Control, ManageCall
from omniroute.server.manage.sign_in import finishing

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p></body></html>
"""


async def come_back(call: ManageCall, sign_in: SignIn, query: Mapping[str, str]) -> web.Response:
    """The page for a browser that was sent away with this sign-in's state."""
    provider = call.gateway.snapshot.providers.get(sign_in.provider_id)
    if provider is None:
        return page(is_well=False)
    if sign_in.result is not None:
        return page(is_well=sign_in.result.success)  # the page was loaded anew
    try:
        answer = await finishing.exchange(call, provider, sign_in, of_query(query))
    except ApiError:
        return page(is_well=False)
    return page(is_well=answer.status // 100 == 2)


def callback_call(
    gateway: Gateway, control: Control, sign_in: SignIn, *, peer: str | None, request_id: str
) -> ManageCall:
    """The management call that a browser's return stands for: of whoever has begun the sign-in."""
    return ManageCall(
        gateway=gateway,
        control=control,
        params={},
        query={},
        body=b"",
        actor=sign_in.actor,
        peer=peer,
        request_id=request_id,
    )


def page(*, is_well: bool) -> web.Response:
    """A page without script, that no other page may frame."""
    if is_well:
        title, text = "Signed in", "The account is connected. You may close this page."
    else:
        title, text = (
            "Not signed in",
            "OmniRoute tells the reason where you have begun. You may close this page.",
        )
    status = 200 if is_well else 400
    return web.Response(status=status, headers=_HEADERS, text=_PAGE.format(title=title, text=text))


async def _callback(incoming: Incoming) -> web.StreamResponse:
    """`GET /callback`, and `/callback/{state}` for vendors that repeat no state."""
    query = incoming.http.query
    state = incoming.params.get("state") or query.get("state", "")
    sign_in = incoming.gateway.sign_ins.of_state(state)
    if sign_in is None:
        return page(is_well=False)
    call = callback_call(
        incoming.gateway,
        incoming.control,
        sign_in,
        peer=incoming.caller.address,
        request_id=incoming.request_id,
    )
    return await come_back(call, sign_in, query)


ROUTES: tuple[RouteRow, ...] = (
    ("GET", "/callback", Route(Plane.OPEN, _callback)),
    ("GET", "/callback/{state}", Route(Plane.OPEN, _callback)),
)
