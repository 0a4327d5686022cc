"""The gateway itself: first run, audit log, life."""

import os

from omniroute import __version__
from omniroute.api.system import Accepted, AuditEvent, AuditLog, Init, RotatedToken
from omniroute.clock import iso
from omniroute.providers.pricing import DEMO
from omniroute.server.manage.call import Answer, ApiError, ManageCall
from omniroute.server.manage.rows import commit, note, read
from omniroute.store import audit

DEMO_MODEL = f"{DEMO}/echo"
_DEFAULT_EVENTS = 50


async def show_init(call: ManageCall) -> Init:
    """`GET /api/init`, open."""
    connected = any(rows for name, rows in call.gateway.snapshot.accounts.items() if name != DEMO)
    return Init(initialized=connected, version=__version__, demo_model=DEMO_MODEL)


async def show_audit_log(call: ManageCall) -> Answer:
    """`GET /api/compliance/audit-log`"""
    query = call.query
    filters = audit.Filters(action=query.get("action"), actor=query.get("actor"), target=query.get("target"))
    limit = call.number("limit", _DEFAULT_EVENTS, lowest=1)
    offset = call.number("offset", 0, highest=1_000_000_000)
    rows, total = await read(call, lambda c: audit.listing(c, filters, limit=limit, offset=offset))
    entries = [
        AuditEvent(
            id=row.id,
            timestamp=iso(row.at_ms),
            action=row.action,
            actor=row.actor,
            target=row.target,
            details=dict(row.details),
            ip_address=row.ip_address,
            request_id=row.request_id,
        )
        for row in rows
    ]
    return Answer(AuditLog(entries=entries, total=total), headers={"X-Total-Count": str(total)})


async def restart(call: ManageCall) -> Answer:
    """`POST /api/restart`: a successor takes over the socket."""
    call.control.restart()
    await commit(call, lambda c: note(call, c, "server.restart"))
    return _accepted("restarting")


async def shutdown(call: ManageCall) -> Answer:
    """`POST /api/shutdown`: running requests end first."""
    _check_is_local(call)
    call.control.shutdown()
    await commit(call, lambda c: note(call, c, "server.shutdown"))
    return _accepted("shutting down")


async def rotate_token(call: ManageCall) -> RotatedToken:
    """`POST /api/token/rotate`: the new token is in its file, never in an answer."""
    _check_is_local(call)
    call.control.rotate_token()
    await commit(call, lambda c: note(call, c, "localToken.rotate"))
    return RotatedToken(success=True)


def _accepted(message: str) -> Answer:
    return Answer(Accepted(success=True, message=message, pid=os.getpid()), 202)


def _check_is_local(call: ManageCall) -> None:
    """Raises `ApiError` 403 for API keys: these calls are for whoever may read our files."""
    if call.actor.startswith("key:"):
        raise ApiError(403, "FORBIDDEN", "this call needs the local token; no API key may make it")
