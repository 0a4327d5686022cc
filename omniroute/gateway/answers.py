"""What clients are told: errors from refusals and failures, and the headers of every answer."""

import fnmatch
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from omniroute.errors import HEALS_BY_ITSELF, HTTP_STATUS, ErrorKind, Failure, FailureKind, Refused
from omniroute.gateway.call import ErrorAnswer, Operation
from omniroute.gateway.usage_log import UsageEntry
from omniroute.records import ApiKey
from omniroute.routing.plan import Attempt
from omniroute.routing.route import Member, Node, Route

_KINDS: Mapping[FailureKind, ErrorKind] = {
    FailureKind.CONNECT: ErrorKind.BAD_GATEWAY,
    FailureKind.SLOW: ErrorKind.TIMEOUT,
    FailureKind.OVERDUE: ErrorKind.TIMEOUT,
    FailureKind.OVERLOADED: ErrorKind.UNAVAILABLE,
    FailureKind.RATE_LIMITED: ErrorKind.RATE_LIMITED,
    FailureKind.QUOTA: ErrorKind.QUOTA,
    FailureKind.AUTH: ErrorKind.BAD_GATEWAY,
    FailureKind.NO_MODEL: ErrorKind.MODEL_NOT_FOUND,
    FailureKind.TOO_LONG: ErrorKind.BAD_REQUEST,
    FailureKind.PROTOCOL: ErrorKind.BAD_GATEWAY,
    FailureKind.CUT: ErrorKind.BAD_GATEWAY,
    FailureKind.SILENT: ErrorKind.TIMEOUT,
    FailureKind.BAD_REQUEST: ErrorKind.BAD_REQUEST,
    FailureKind.CONTENT: ErrorKind.BAD_REQUEST,
    FailureKind.CANNOT_EXPRESS: ErrorKind.UNSUPPORTED,
    FailureKind.CLIENT_GONE: ErrorKind.INTERNAL,
}
_OWN_STATUS = frozenset(
    {
        FailureKind.OVERLOADED,
        FailureKind.RATE_LIMITED,
        FailureKind.NO_MODEL,
        FailureKind.TOO_LONG,
        FailureKind.BAD_REQUEST,
        FailureKind.CONTENT,
        FailureKind.CANNOT_EXPRESS,
    }
)
"""Kinds where the upstream's own status and body say more to a client than ours would."""


def allowed(key: ApiKey | None, requested: str, route: Route) -> Route:
    """The route with the members the key may use. Raises `Refused` when there are none.

    A key that may use a combo's own name may use all its members.
    """
    if key is None or not key.allowed_models or _matches(key, requested):
        return route
    if route.combo is not None and _matches(key, route.combo.name):
        return route
    root = _kept(route.root, lambda member: any(_matches(key, name) for name in _names(member)))
    if root is None:
        raise Refused(
            ErrorKind.NOT_ALLOWED, f"the key {key.name!r} may not use the model {requested!r}", param="model"
        )
    return route if root is route.root else replace(route, root=root)


def _matches(key: ApiKey, name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in key.allowed_models)


def _names(member: Member) -> list[str]:
    return [f"{name}/{member.model}" for name in (member.provider.id, *member.provider.aliases)]


def _kept(node: Node, may: Callable[[Member], bool]) -> Node | None:
    """The tree without the members that may not be asked; itself when nothing goes."""
    if isinstance(node, Member):
        return node if may(node) else None
    children = tuple(kept for child in node.children if (kept := _kept(child, may)) is not None)
    if not children:
        return None
    return node if children == node.children else replace(node, children=children)


def check_route(route: Route, operation: Operation) -> Route:
    """The route with the members that can do what the path is for. Raises `Refused` when none can."""
    endpoint = operation.endpoint
    if endpoint is None:
        root = _kept(route.root, lambda member: bool(member.provider.formats))
    else:
        root = _kept(route.root, lambda member: endpoint in member.provider.endpoints)
    if root is None:
        who = route.members[0].provider.name
        what = "holds no conversations" if endpoint is None else f"offers no {endpoint.value}"
        raise Refused(ErrorKind.UNSUPPORTED, f"{who} {what}", param="model" if endpoint is None else None)
    return route if root is route.root else replace(route, root=root)


def of_refusal(refused: Refused) -> ErrorAnswer:
    """Our own no."""
    return ErrorAnswer(
        kind=refused.kind,
        message=refused.message,
        status=HTTP_STATUS[refused.kind],
        retry_after_s=refused.retry_after_s,
        param=refused.param,
        should_retry=refused.kind in HEALS_BY_ITSELF,
    )


def of_failures(failures: Sequence[tuple[Attempt, Failure]], *, same_dialect: bool) -> ErrorAnswer:
    """The last failure as the client is told of it, with the earliest time to come back of all."""
    attempt, failure = failures[-1]
    kind = _KINDS[failure.kind]
    own = failure.kind in _OWN_STATUS and failure.status is not None and failure.status >= 400
    waits = [one.retry_after_s for _, one in failures if one.retry_after_s is not None]
    return ErrorAnswer(
        kind=kind,
        message=_told(attempt, failure),
        status=failure.status if own and failure.status is not None else HTTP_STATUS[kind],
        retry_after_s=min(waits) if waits else None,
        body=failure.body if own and same_dialect else None,
        should_retry=kind in HEALS_BY_ITSELF and failure.kind is not FailureKind.AUTH,
    )


def _told(attempt: Attempt, failure: Failure) -> str:
    """What happened, to which account of whom, and what to do about it."""
    who = attempt.provider.name
    if failure.kind is FailureKind.AUTH and failure.status is not None:
        return (
            f"{who} refused the credential of account {attempt.account.name!r} ({failure.status}): "
            f"{failure.message}. `omniroute providers test {attempt.account.name}` checks it"
        )
    return f"{who}: {failure.message}"


def scrubbed(failure: Failure, secret: str | None) -> Failure:
    """The failure without the account's secret, which some upstreams repeat in their errors."""
    if not secret or (secret not in failure.message and secret.encode() not in (failure.body or b"")):
        return failure
    return Failure(
        kind=failure.kind,
        message=failure.message.replace(secret, "****"),
        status=failure.status,
        code=failure.code,
        retry_after_s=failure.retry_after_s,
        body=failure.body.replace(secret.encode(), b"****") if failure.body else None,
    )


def headers_of(entry: UsageEntry, *, attempts: int) -> dict[str, str]:
    """What every answer says of its way."""
    headers = {"X-OmniRoute-Attempts": str(attempts)}
    if entry.dropped:
        headers["X-OmniRoute-Dropped"] = ", ".join(entry.dropped).encode("ascii", "replace").decode()
    if entry.budget_warns:
        headers["X-OmniRoute-Budget"] = "warning"
    if entry.combo is not None:
        headers["X-OmniRoute-Combo"] = entry.combo.encode("ascii", "replace").decode()
    if entry.provider and entry.model:
        headers["X-OmniRoute-Model"] = f"{entry.provider}/{entry.model}".encode("ascii", "replace").decode()
    return headers


def retry_headers(error: ErrorAnswer) -> dict[str, str]:
    """When, and whether at all, a client should come back."""
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(math.ceil(error.retry_after_s), 1))
    if not error.should_retry:
        headers["x-should-retry"] = "false"
    return headers
