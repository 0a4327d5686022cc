"""What goes to an upstream for a client's request, and which headers pass either way."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from omniroute.errors import ConfigError, Failure, FailureKind
from omniroute.formats import FORMATS
from omniroute.formats.envelope import Envelope
from omniroute.gateway.call import Call, Operation
from omniroute.gateway.upstream import HttpRequest, UpstreamFailed
from omniroute.providers.wire import USER_AGENT, auth_headers, endpoint_url, format_url
from omniroute.records import FormatName, Snapshot, StreamUsage
from omniroute.routing.plan import Attempt
from omniroute.settings import Settings

_TO_UPSTREAM = ("anthropic-version", "anthropic-beta", "openai-beta", "session_id", "conversation_id",
                "x-session-id", "x-client-request-id", "traceparent", "tracestate")  # fmt: skip
"""The client's headers that an upstream of its own dialect gets; no other passes."""

_MOST_ADDRESSES = 4096
"""A dialect whose URL names the model has one address per model."""

_TO_CLIENT = frozenset(
    {"retry-after", "retry-after-ms", "openai-processing-ms", "openai-version", "x-should-retry"}
)
_TO_CLIENT_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-", "x-codex-")


@dataclass(frozen=True, slots=True)
class Address:
    """Where requests of one kind to one account go, with the headers that never change."""

    url: str
    headers: Mapping[str, str]


class Addresses:
    """Addresses by account and kind of request, made once for each snapshot."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._made: dict[tuple[str, str, str, bool], Address] = {}

    def find(self, snapshot: Snapshot, attempt: Attempt, operation: Operation, *, stream: bool) -> Address:
        """The address of an attempt.

        Raises `UpstreamFailed` when the account's configuration is not complete, `Refused` when the model
        cannot be part of an address.
        """
        if snapshot is not self._snapshot or len(self._made) > _MOST_ADDRESSES:
            self._snapshot, self._made = snapshot, {}
        key = (attempt.account.id, operation.name, attempt.model, stream)
        address = self._made.get(key)
        if address is None:
            address = self._made[key] = _address(attempt, operation, stream=stream)
        return address


def _address(attempt: Attempt, operation: Operation, *, stream: bool) -> Address:
    provider, account = attempt.provider, attempt.account
    try:
        if operation.endpoint is not None:
            url = endpoint_url(provider, account, operation.endpoint)
        else:
            url = format_url(provider, account, operation.dialect, model=attempt.model, stream=stream)
        credential = auth_headers(provider, account, format=operation.dialect)
    except ConfigError as error:
        # As good as refused: another account's configuration may be complete.
        raise UpstreamFailed(Failure(kind=FailureKind.AUTH, message=str(error))) from None
    headers = {
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json",
        "Accept": FORMATS[operation.dialect].STREAM_TYPE.partition(";")[0] if stream else "application/json",
        "Accept-Encoding": "identity" if stream else "gzip, deflate, br, zstd",
    }
    return Address(url, headers | dict(provider.headers) | credential)


def build(
    settings: Settings, address: Address, attempt: Attempt, call: Call, envelope: Envelope, *, stream: bool
) -> HttpRequest:
    """The request for one attempt: what never changes, what the client says, and the model's own name."""
    headers = {**address.headers, "X-Request-Id": call.request_id}
    for name in _TO_UPSTREAM:
        if name in call.headers:
            _set(headers, name, call.headers[name])
    first_byte_ms = settings.fetch_timeout_ms if stream else settings.whole_timeout_ms
    idle_ms = settings.stream_idle_timeout_ms if stream else settings.whole_timeout_ms
    return HttpRequest(
        method="POST",
        url=address.url,
        headers=headers,
        body=_body(attempt, call, envelope),
        allow_private=attempt.account.allow_private,
        first_byte_s=first_byte_ms / 1000,
        idle_s=idle_ms / 1000,
    )


def asks_for_usage(attempt: Attempt, call: Call, envelope: Envelope) -> bool:
    """True when we ask a stream for usage the client did not ask for: the one edit on by default."""
    if call.operation.format is not FormatName.OPENAI_CHAT or not envelope.stream:
        return False
    return attempt.provider.stream_usage is StreamUsage.YES and not _stream_options(envelope).get(
        "include_usage"
    )


def _stream_options(envelope: Envelope) -> dict[str, object]:
    options = envelope.value("stream_options") if "stream_options" in envelope else None
    return options if isinstance(options, dict) else {}


def _body(attempt: Attempt, call: Call, envelope: Envelope) -> bytes:
    if call.model is not None:
        return call.body  # the URL names the model
    body = envelope.with_model(attempt.model)
    if not asks_for_usage(attempt, call, envelope):
        return body
    options = msgspec.json.encode(_stream_options(envelope) | {"include_usage": True})
    if "stream_options" in envelope:
        return Envelope(body).with_members({"stream_options": options})
    return Envelope(body).with_first_member("stream_options", options)


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
