"""What clients are told: errors from refusals and failures, and the headers of every answer."""

import fnmatch
import math
from collections.abc import Mapping, Sequence

from omniroute.errors import HEALS_BY_ITSELF, HTTP_STATUS, ErrorKind, Failure, FailureKind, Refused
from omniroute.gateway.call import ErrorAnswer, Operation
from omniroute.gateway.usage_log import UsageEntry
from omniroute.records import ApiKey, FormatName
from omniroute.routing.plan import Attempt
from omniroute.routing.resolve import Target

_KINDS: Mapping[FailureKind, ErrorKind] = {
    FailureKind.CONNECT: ErrorKind.BAD_GATEWAY,
    FailureKind.SLOW: ErrorKind.TIMEOUT,
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
    }
)
"""Kinds where the upstream's own status and body say more to a client than ours would."""

_PATHS = {
    FormatName.OPENAI_CHAT: "/v1/chat/completions",
    FormatName.OPENAI_RESPONSES: "/v1/responses",
    FormatName.ANTHROPIC: "/v1/messages",
    FormatName.GEMINI: "/v1beta/models/MODEL:generateContent",
    FormatName.OLLAMA: "/api/chat",
}


def check_key(key: ApiKey | None, requested: str, target: Target) -> None:
    """Raises `Refused` unless one of the model's names matches a pattern of the key."""
    if key is None or not key.allowed_models:
        return
    provider = target.provider
    names = [requested, *(f"{name}/{target.model}" for name in (provider.id, *provider.aliases))]
    if not any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in key.allowed_models):
        raise Refused(
            ErrorKind.NOT_ALLOWED, f"the key {key.name!r} may not use the model {requested!r}", param="model"
        )


def check_format(target: Target, operation: Operation) -> None:
    """Raises `Refused` when the provider cannot be asked in the client's dialect."""
    provider = target.provider
    if operation.endpoint is not None:
        if operation.endpoint not in provider.endpoints:
            raise Refused(ErrorKind.UNSUPPORTED, f"{provider.name} offers no {operation.endpoint.value}")
        return
    facts = provider.model(target.model)
    spoken = facts.formats if facts is not None and facts.formats else tuple(provider.formats)
    if operation.format in spoken:
        return
    paths = [path for name in spoken if (path := _PATHS.get(name))]
    way = f"send it to {' or '.join(paths)}" if paths else "no path of this gateway reaches it"
    raise Refused(
        ErrorKind.UNSUPPORTED,
        f"{provider.name} does not speak {operation.format} for {target.model!r}; {way}",
        param="model",
    )


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
