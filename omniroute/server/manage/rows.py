"""Reading and changing the store for a management call."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from omniroute.errors import StoreError
from omniroute.server.manage.call import ApiError, ManageCall
from omniroute.store import audit
from omniroute.store.failures import Duplicate, NotFound
from omniroute.ulid import new_ulid

T = TypeVar("T")


async def read(call: ManageCall, fn: Callable[[Connection], T]) -> T:
    """What `fn` returns from one view of the rows. Raises `ApiError`."""
    try:
        return await call.gateway.database.read(fn)
    except StoreError as error:
        raise _api_error(error) from None


async def commit(call: ManageCall, fn: Callable[[Connection], T]) -> T:
    """What `fn` returns; all it wrote is kept and the next request sees it, or nothing is. Raises `ApiError`.

    What `fn` changes, it notes in the audit log itself, in the same transaction.
    """
    try:
        result = await call.gateway.database.write(fn)
        await call.gateway.reload()
    except StoreError as error:
        raise _api_error(error) from None
    return result


async def record(call: ManageCall, action: str, target: str | None = None, **details: str) -> None:
    """Add a row to the audit log about something that changes no other row. Raises `ApiError`."""
    try:
        await call.gateway.database.write(lambda c: note(call, c, action, target, **details))
    except StoreError as error:
        raise _api_error(error) from None


def note(
    call: ManageCall, connection: Connection, action: str, target: str | None = None, **details: str
) -> None:
    """Add a row to the audit log. Details hold no secrets."""
    now_ms = call.gateway.clock.now_ms()
    row = audit.AuditRow(
        id=new_ulid(now_ms),
        at_ms=now_ms,
        action=action,
        actor=call.actor,
        target=target,
        details=details,
        ip_address=call.peer,
        request_id=call.request_id,
    )
    audit.append(connection, row)


def _api_error(error: StoreError) -> ApiError:
    match error:
        case Duplicate():
            return ApiError(409, "CONFLICT", str(error))
        case NotFound():
            return ApiError(404, "NOT_FOUND", str(error))
        case _:
            return ApiError(503, "SERVICE_UNAVAILABLE", str(error))
