"""What goes to an upstream for a client's request, and which headers pass either way."""

from collections.abc import Mapping

import msgspec

from omniroute.formats.envelope import Envelope
from omniroute.gateway.addresses import Address
from omniroute.gateway.dialogue import Dialogue, Prepared
from omniroute.gateway.proxy_choice import proxy_for
from omniroute.gateway.upstream import HttpRequest
from omniroute.records import FormatName, StreamUsage
from omniroute.records.proxies import Proxy
from omniroute.routing.plan import Attempt
from omniroute.settings import Settings

_TO_UPSTREAM = ("anthropic-version", "anthropic-beta", "openai-beta", "session_id", "conversation_id",
                "x-session-id", "x-client-request-id", "traceparent", "tracestate")  # fmt: skip
"""The client's headers that an upstream of its own dialect gets; no other passes."""

_TO_ANY_UPSTREAM = ("traceparent", "tracestate")
"""The same for an upstream of another dialect."""

_TO_CLIENT = frozenset(
    {"retry-after", "retry-after-ms", "openai-processing-ms", "openai-version", "x-should-retry"}
)
_TO_CLIENT_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-", "x-codex-")


def build(
    settings: Settings, address: Address, attempt: Attempt, dialogue: Dialogue, prepared: Prepared
) -> HttpRequest:
    """The request for one attempt: what never changes, what the client says, and the model's own name."""
    call, stream = dialogue.call, dialogue.stream
    headers = {**address.headers, "X-Request-Id": call.request_id}
    for name in _TO_UPSTREAM if prepared.dialect is call.operation.dialect else _TO_ANY_UPSTREAM:
        if name in call.headers:
            _set(headers, name, call.headers[name])
    limit_ms = first_byte_ms(settings, stream=stream)
    if attempt.config is not None:
        limit_ms = min(limit_ms, attempt.config.timeout_ms)
    idle_ms = settings.stream_idle_timeout_ms if stream else limit_ms
    return HttpRequest(
        method="POST",
        url=address.url,
        headers=headers,
        body=_body(attempt, dialogue, prepared) if prepared.body is None else prepared.body,
        allow_private=attempt.account.allow_private,
        first_byte_s=limit_ms / 1000,
        idle_s=idle_ms / 1000,
        proxy=_proxy(attempt, dialogue),
    )


def first_byte_ms(settings: Settings, *, stream: bool) -> int:
    """How long every upstream is given to begin its answer, whatever a combo says."""
    return settings.fetch_timeout_ms if stream else settings.whole_timeout_ms


def _proxy(attempt: Attempt, dialogue: Dialogue) -> Proxy | None:
    if not dialogue.snapshot.proxies:
        return None
    return proxy_for(dialogue.snapshot, attempt.provider, attempt.account, dialogue.combo)


def asks_for_usage(attempt: Attempt, dialogue: Dialogue, prepared: Prepared) -> bool:
    """True when we ask a stream for usage the client did not ask for: the one edit on by default."""
    envelope = dialogue.envelope
    if dialogue.call.operation.format is not FormatName.OPENAI_CHAT or not dialogue.stream:
        return False
    if prepared.body is None and attempt.provider.stream_usage is not StreamUsage.YES:
        return False  # a body written anew asks by the model's abilities
    return not _stream_options(envelope).get("include_usage")


def _stream_options(envelope: Envelope) -> dict[str, object]:
    options = envelope.value("stream_options") if "stream_options" in envelope else None
    return options if isinstance(options, dict) else {}


def _body(attempt: Attempt, dialogue: Dialogue, prepared: Prepared) -> bytes:
    call, envelope = dialogue.call, dialogue.envelope
    if call.model is not None:
        return call.body  # the URL names the model
    body = envelope.with_model(attempt.model)
    if not asks_for_usage(attempt, dialogue, prepared):
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
