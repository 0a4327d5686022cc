"""The running gateway itself. Calls raise as `Client` does."""

from omniroute.api.system import Accepted, AuditLog, Health, Init, RotatedToken
from omniroute.client.http import Client


def init(client: Client) -> Init:
    """Whether anything is set up; needs no token."""
    return client.get("/api/init", Init)


def health(client: Client) -> Health:
    """How the gateway is. Raises `ApiRefused` with what is broken when it cannot work at all."""
    return client.get("/api/monitoring/health", Health)


def restart(client: Client) -> Accepted:
    """The gateway will go on in a new process, with no connection refused in between."""
    return client.post("/api/restart", Accepted)


def shutdown(client: Client) -> Accepted:
    """The gateway will end when its running requests have."""
    return client.post("/api/shutdown", Accepted)


def rotate_token(client: Client) -> RotatedToken:
    """The token of this client is of no use any more; the new one is in its file."""
    return client.post("/api/token/rotate", RotatedToken)


def audit_log(
    client: Client,
    *,
    action: str | None = None,
    actor: str | None = None,
    target: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> AuditLog:
    """What was changed, newest first. An action ending in `*` is the beginning of one."""
    query = {"action": action, "actor": actor, "target": target, "limit": limit, "offset": offset}
    return client.get("/api/compliance/audit-log", AuditLog, query)
