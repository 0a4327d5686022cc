"""The injection guard at work on a request: where, how long, and what if it fails."""

import asyncio
import logging

from omniroute.conversation.request import Request
from omniroute.errors import ErrorKind, Refused
from omniroute.gateway.injection import Screened, screen
from omniroute.records.preferences import InjectionGuard

LARGE_BYTES = 32 * 1024
"""A body larger than this is screened in a thread."""

_log = logging.getLogger(__name__)


def is_on(guard: InjectionGuard) -> bool:
    """The user wants requests looked at."""
    return guard.mode != "off" or guard.pii != "off"


async def guarded(request: Request, guard: InjectionGuard, *, size_bytes: int, request_id: str) -> Screened:
    """What the guard finds, and the request that may go on. Raises `Refused` naming the rule that forbids it.

    A fault of the guard's own lets the request pass: it is a help, and no lock.
    """
    try:
        if size_bytes > LARGE_BYTES:
            screened = await asyncio.to_thread(screen, request, guard)
        else:
            screened = screen(request, guard)
    except Exception:  # noqa: BLE001 - as the docstring says
        _log.exception("request %s goes on unscreened", request_id)
        return Screened(request)
    if screened.blocked_by is not None:
        message = f"the rule {screened.blocked_by!r} of the injection guard forbids this request"
        raise Refused(ErrorKind.INJECTION_DETECTED, message)
    for found in screened.detections:
        _log.warning(
            "request %s: the guard's rule %s (%s) matches %d times in %s",
            request_id,
            found.rule,
            found.severity,
            found.count,
            found.where,
        )
    return screened
