"""`/api/sessions`: which conversations there were in the last half hour."""

from omniroute.api import sessions as api
from omniroute.gateway.sessions import Session
from omniroute.server.manage.call import ManageCall, invalid
from omniroute.server.manage.rows import record
from omniroute.server.manage.usage import write_out
from omniroute.server.manage.views import NANO


async def list_sessions(call: ManageCall) -> api.Sessions:
    """`GET /api/sessions`"""
    await write_out(call)
    now_ms = call.gateway.clock.now_ms()
    found = [_shown(one, now_ms) for one in call.gateway.sessions.listing()]
    return api.Sessions(count=len(found), sessions=found)


async def forget_session(call: ManageCall) -> api.SessionsRemoved:
    """`DELETE /api/sessions?sessionId=`: it is counted from nothing again. Its requests stay on record."""
    session_id = call.query.get("sessionId")
    if not session_id:
        raise invalid("sessionId", "is missing")
    await write_out(call)
    removed = call.gateway.sessions.forget(session_id)
    await record(call, "session.forget", session_id)
    return api.SessionsRemoved(removed=removed)


def _shown(session: Session, now_ms: int) -> api.Session:
    cost = session.cost_nano_usd
    return api.Session(
        session_id=session.id,
        created_at=session.created_at_ms,
        last_active=session.last_active_ms,
        age_ms=now_ms - session.created_at_ms,
        request_count=session.requests,
        provider=session.provider,
        model=None if session.provider is None else f"{session.provider}/{session.model}",
        connection_id=session.account_id,
        account=session.account_name,
        api_key_id=session.api_key_id,
        api_key_name=session.api_key_name,
        tokens_in=session.tokens_in,
        tokens_out=session.tokens_out,
        cost_usd=None if cost is None else cost / NANO,
    )
