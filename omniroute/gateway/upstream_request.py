"""What goes to an upstream for a client's request, and which headers pass either way."""

from collections.abc import Mapping

from omniroute.errors import ConfigError, ErrorKind, Refused
from omniroute.formats.envelope import Envelope
from omniroute.gateway.call import Call
from omniroute.gateway.upstream import HttpRequest
from omniroute.providers.wire import USER_AGENT, auth_headers, endpoint_url, format_url
from omniroute.records import FormatName, StreamUsage
from omniroute.routing.plan import Attempt
from omniroute.settings import Settings

_TO_UPSTREAM = ("anthropic-version", "anthropic-beta", "openai-beta", "session_id", "conversation_id",
                "x-session-id", "x-client-request-id", "traceparent", "tracestate")  # fmt: skip
"""The client's headers that an upstream of its own dialect gets; no other passes."""

_TO_CLIENT = frozenset(
    {"retry-after", "retry-after-ms", "openai-processing-ms", "openai-version", "x-should-retry"}
)
_TO_CLIENT_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-", "x-codex-")


def build(
    settings: Settings, attempt: Attempt, call: Call, envelope: Envelope, *, stream: bool
) -> HttpRequest:
    """The request for one attempt. Raises `Refused` when the connection's configuration is not complete."""
    account = attempt.account
    try:
        url = _url(attempt, call, stream=stream)
        headers = _headers(attempt, call, stream=stream)
    except ConfigError as error:
        raise Refused(ErrorKind.UNAVAILABLE, f"account {account.name!r}: {error}") from None
    first_byte_s = (settings.fetch_timeout_ms if stream else settings.whole_timeout_ms) / 1000
    idle_ms = settings.stream_idle_timeout_ms if stream else settings.whole_timeout_ms
    return HttpRequest(
        method="POST",
        url=url,
        headers=headers,
        body=_body(attempt, call, envelope),
        allow_private=account.allow_private,
        first_byte_s=first_byte_s,
        idle_s=idle_ms / 1000 if idle_ms else 0,
    )


def asks_for_usage(attempt: Attempt, call: Call, envelope: Envelope) -> bool:
    """True when we ask a stream for usage the client did not ask for: the one edit on by default."""
    if call.operation.format is not FormatName.OPENAI_CHAT or not envelope.stream:
        return False
    if attempt.provider.stream_usage is not StreamUsage.YES:
        return False
    options = envelope.value("stream_options") if "stream_options" in envelope else None
    return not (isinstance(options, dict) and options.get("include_usage"))


def _url(attempt: Attempt, call: Call, *, stream: bool) -> str:
    operation, provider, account = call.operation, attempt.provider, attempt.account
    if operation.format is not None:
        return format_url(provider, account, operation.format, model=attempt.model, stream=stream)
    assert operation.endpoint is not None, "an operation is a conversation or an endpoint"  # noqa: S101
    return endpoint_url(provider, account, operation.endpoint)


def _body(attempt: Attempt, call: Call, envelope: Envelope) -> bytes:
    body = envelope.with_model(attempt.model)
    if not asks_for_usage(attempt, call, envelope):
        return body
    return Envelope(body).with_members({"stream_options": b'{"include_usage":true}'})


def _headers(attempt: Attempt, call: Call, *, stream: bool) -> dict[str, str]:
    headers = {
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json",
        "Accept": "text/event-stream" if stream else "application/json",
        "Accept-Encoding": "identity" if stream else "gzip, deflate, br, zstd",
        "X-Request-Id": call.request_id,
    }
    headers |= attempt.provider.headers
    for name in _TO_UPSTREAM:
        if value := call.headers.get(name):
            _set(headers, name, value)
    dialect = call.operation.format or FormatName.OPENAI_CHAT
    headers |= auth_headers(attempt.provider, attempt.account, format=dialect)
    return headers


def _set(headers: dict[str, str], name: str, value: str) -> None:
    """Replace whatever spelling of the name is there."""
    for known in [known for known in headers if known.lower() == name]:
        del headers[known]
    headers[name] = value


def passed_back(headers: Mapping[str, str]) -> dict[str, str]:
    """The upstream's headers that the client gets."""
    passed = {}
    for name, value in headers.items():
        lower = name.lower()
        if lower in _TO_CLIENT or lower.startswith(_TO_CLIENT_PREFIXES):
            passed[lower] = value
    return passed
