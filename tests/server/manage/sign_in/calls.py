"""The calls of a sign-in, and a browser that goes where it is sent."""

from typing import Any

import aiohttp

from omniroute.records import Account
from omniroute.store import accounts, audit
from tests.server.manage.place import Place


async def begin(place: Place, provider: str = "acme", **start: Any) -> dict[str, Any]:
    """A sign-in in a browser."""
    status, body, _ = await place.raw("POST", f"/api/oauth/{provider}/authorize", body=start)
    assert status == 200, body
    answer: dict[str, Any] = body
    return answer


async def device(place: Place, provider: str = "acme") -> dict[str, Any]:
    """A sign-in with a code to type."""
    status, body, _ = await place.raw("GET", f"/api/oauth/{provider}/device-code")
    assert status == 200, body
    answer: dict[str, Any] = body
    return answer


async def browse(url: str) -> tuple[int, str, dict[str, str]]:
    """What a browser ends at that follows every redirect."""
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text(), dict(answer.headers)


async def way_back(url: str) -> str:
    """Where the vendor sends the browser, which does not go there."""
    async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False) as answer:
        return answer.headers["Location"]


async def poll_callback(place: Place, flow_id: str, provider: str = "acme") -> tuple[int, Any]:
    """How a sign-in in a browser stands."""
    path = f"/api/oauth/{provider}/poll-callback"
    status, body, _ = await place.raw("POST", path, body={"flowId": flow_id})
    return status, body


async def poll(place: Place, flow_id: str, provider: str = "acme") -> tuple[int, Any]:
    """How a sign-in with a code stands."""
    status, body, _ = await place.raw("POST", f"/api/oauth/{provider}/poll", body={"flowId": flow_id})
    return status, body


async def exchange(place: Place, code: str, **members: Any) -> tuple[int, Any]:
    """What a person pastes."""
    status, body, _ = await place.raw("POST", "/api/oauth/acme/exchange", body={"code": code, **members})
    return status, body


async def stored(place: Place) -> tuple[Account, ...]:
    """The accounts there are."""
    return await place.gateway.database.read(lambda c: accounts.listing(c, place.gateway.vault))


async def actions(place: Place) -> list[str]:
    """What the audit log has of sign-ins."""
    rows, _ = await place.gateway.database.read(lambda c: audit.listing(c, limit=50))
    return [row.action for row in rows if row.action.startswith("oauth.")]
