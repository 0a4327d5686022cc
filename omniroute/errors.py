"""What can go wrong, as values and a few exceptions named by who is at fault."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from omniroute.exit_codes import ExitCode


class ErrorKind(StrEnum):
    """Why a client gets an error instead of an answer; each dialect has its own words for each kind."""

    BAD_REQUEST = "bad_request"
    INVALID_JSON = "invalid_json"
    AMBIGUOUS_MODEL = "ambiguous_model"
    UNSUPPORTED = "unsupported_feature"
    INVALID_KEY = "invalid_api_key"
    NOT_ALLOWED = "model_not_allowed"
    SCOPE_NOT_ALLOWED = "scope_not_allowed"
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    PROVIDER_NOT_ALLOWED = "provider_not_allowed"
    POLICY_BLOCKED = "policy_blocked"
    IP_BLOCKED = "ip_blocked"
    INJECTION_DETECTED = "injection_detected"
    LOCKED_OUT = "locked_out"
    """Too many wrong keys; no key is looked at until the lock ends."""
    NOT_FOUND = "not_found"
    MODEL_NOT_FOUND = "model_not_found"
    NO_CREDENTIALS = "no_credentials"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    TOO_LARGE = "payload_too_large"
    MEDIA_TYPE = "unsupported_media_type"
    HOST_NOT_ALLOWED = "host_not_allowed"
    UPGRADE_REQUIRED = "upgrade_required"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    REQUEST_IN_PROGRESS = "request_in_progress"
    RATE_LIMITED = "rate_limit_exceeded"
    QUOTA = "insufficient_quota"
    BUDGET_EXCEEDED = "budget_exceeded"
    """A limit that the user set, not one of a provider."""
    INTERNAL = "internal_server_error"
    BAD_GATEWAY = "bad_gateway"
    UNAVAILABLE = "service_unavailable"
    TIMEOUT = "gateway_timeout"


HTTP_STATUS: dict[ErrorKind, int] = {
    ErrorKind.BAD_REQUEST: 400,
    ErrorKind.INVALID_JSON: 400,
    ErrorKind.AMBIGUOUS_MODEL: 400,
    ErrorKind.UNSUPPORTED: 400,
    ErrorKind.INJECTION_DETECTED: 400,
    ErrorKind.INVALID_KEY: 401,
    ErrorKind.NOT_ALLOWED: 403,
    ErrorKind.SCOPE_NOT_ALLOWED: 403,
    ErrorKind.ORIGIN_NOT_ALLOWED: 403,
    ErrorKind.PROVIDER_NOT_ALLOWED: 403,
    ErrorKind.POLICY_BLOCKED: 403,
    ErrorKind.IP_BLOCKED: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.MODEL_NOT_FOUND: 404,
    ErrorKind.NO_CREDENTIALS: 404,
    ErrorKind.METHOD_NOT_ALLOWED: 405,
    ErrorKind.REQUEST_IN_PROGRESS: 409,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.MEDIA_TYPE: 415,
    ErrorKind.HOST_NOT_ALLOWED: 421,
    ErrorKind.IDEMPOTENCY_KEY_REUSED: 422,
    ErrorKind.UPGRADE_REQUIRED: 426,
    ErrorKind.LOCKED_OUT: 429,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.QUOTA: 429,
    ErrorKind.BUDGET_EXCEEDED: 429,
    ErrorKind.INTERNAL: 500,
    ErrorKind.BAD_GATEWAY: 502,
    ErrorKind.UNAVAILABLE: 503,
    ErrorKind.TIMEOUT: 504,
}

HEALS_BY_ITSELF = frozenset(
    {
        ErrorKind.REQUEST_IN_PROGRESS,
        ErrorKind.RATE_LIMITED,
        ErrorKind.INTERNAL,
        ErrorKind.BAD_GATEWAY,
        ErrorKind.UNAVAILABLE,
        ErrorKind.TIMEOUT,
    }
)
"""Kinds a client may usefully try again; every other kind is answered with `x-should-retry: false`."""


class FailureKind(StrEnum):
    """How one attempt at an upstream went wrong; `routing.decide` knows what comes next."""

    CONNECT = "connect"
    """DNS, TCP, TLS, or reset before a byte."""
    SLOW = "slow"
    """No first byte in time."""
    OVERDUE = "overdue"
    """A limit of the user's, shorter than the time every upstream is given, ran out."""
    OVERLOADED = "overloaded"
    """500, 502, 503, 504, 529."""
    RATE_LIMITED = "rate_limited"
    QUOTA = "quota"
    AUTH = "auth"
    NO_MODEL = "no_model"
    TOO_LONG = "too_long"
    PROTOCOL = "protocol"
    """Bytes that are not the format: HTML, broken JSON, an empty body."""
    CUT = "cut"
    """The answer ended before its end."""
    SILENT = "silent"
    """Idle too long between bytes."""
    BAD_REQUEST = "bad_request"
    CANNOT_EXPRESS = "cannot_express"
    """The target has no place for content of the request, or refuses it for reasons of its own."""
    CONTENT = "content"
    """Refused by the provider's content policy."""
    CLIENT_GONE = "client_gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One attempt that gave no answer: an expected outcome, so a value."""

    kind: FailureKind
    message: str
    """What the upstream said, scrubbed and at most 2 kB, or what we saw."""
    status: int | None = None
    """The upstream's HTTP status; `None` when there was none."""
    code: str | None = None
    """The upstream's own error code, when it gave one."""
    retry_after_s: float | None = None
    body: bytes | None = None
    """The upstream's error body as it came, when it was JSON of the client's own dialect."""


class OmniRouteError(Exception):
    """Root of what this program raises on purpose. Its message may be shown to anybody."""

    exit_code: ClassVar[ExitCode] = ExitCode.FAILED
    """What the program leaves when it ends of this."""


class ConfigError(OmniRouteError):
    """The user wrote something that cannot be used: an option, a file, an environment variable."""

    exit_code = ExitCode.CONFIG


class StoreError(OmniRouteError):
    """The store cannot be used: locked, unwritable, newer than the program, damaged."""

    exit_code = ExitCode.DATABASE


class NewerDatabase(StoreError):
    """The database was written by a newer version; nothing was changed."""

    exit_code = ExitCode.NEWER_DATABASE


class SecretsError(OmniRouteError):
    """The master key, or a secret under it, is not to be had."""

    exit_code = ExitCode.SECRETS


class ProtocolError(OmniRouteError):
    """A peer broke the wire format."""


class Refused(OmniRouteError):
    """We say no to a request, before or instead of an upstream."""

    def __init__(
        self, kind: ErrorKind, message: str, *, retry_after_s: float | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after_s = retry_after_s
        self.param = param
        """The field of the request that is at fault, when it is one field."""
