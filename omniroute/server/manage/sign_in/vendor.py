"""Asking a vendor for tokens."""

import asyncio

from omniroute.errors import Failure, FailureKind
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.proxy_choice import proxy_for
from omniroute.gateway.upstream import HttpRequest, UpstreamFailed
from omniroute.providers.device_wire import Call
from omniroute.records import Provider
from omniroute.server.manage.connection_rules import OWN_SERVERS

TIMEOUT_S = 20.0
"""Longest wait for one whole answer."""
MAX_BYTES = 256 * 1024


async def ask(gateway: Gateway, provider: Provider, call: Call) -> tuple[int, bytes]:
    """Status and body of the answer. Raises `UpstreamFailed`."""
    request = HttpRequest(
        method=call.method,
        url=call.url,
        headers=call.headers,
        body=call.body,
        allow_private=provider.category in OWN_SERVERS,
        proxy=proxy_for(gateway.snapshot, provider),
        first_byte_s=TIMEOUT_S,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S), gateway.upstream.open(request) as answer:
            return answer.status, await answer.read(MAX_BYTES)
    except TimeoutError:
        message = f"no whole answer within {TIMEOUT_S:g} s"
        raise UpstreamFailed(Failure(kind=FailureKind.SLOW, message=message)) from None
