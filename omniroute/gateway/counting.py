"""How many tokens a request would have: asked of the provider where it counts, else counted here."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any

import msgspec

from omniroute.conversation.count import count_request
from omniroute.conversation.request import Request
from omniroute.conversation.tokens import family_of
from omniroute.errors import ConfigError, Failure, ProtocolError, Refused
from omniroute.formats import FORMATS
from omniroute.formats.envelope import Envelope
from omniroute.formats.translate import outgoing
from omniroute.gateway.addresses import ANTHROPIC_VERSION
from omniroute.gateway.call import CHAT
from omniroute.gateway.counted import Counted, Counts
from omniroute.gateway.demo import DEMO_PROVIDER
from omniroute.gateway.dialogue import spoken_dialect
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.guarding import guarded, is_on
from omniroute.gateway.permitted import route_for, ruled
from omniroute.gateway.proxy_choice import proxy_for
from omniroute.gateway.upstream import HttpRequest, UpstreamFailed
from omniroute.providers.abilities import abilities_of
from omniroute.providers.wire import USER_AGENT, auth_headers, endpoint_url, format_url
from omniroute.records import ApiKey, Endpoint, FormatName, Snapshot
from omniroute.records.preferences import InjectionGuard
from omniroute.routing.plan import Attempt
from omniroute.routing.route import Member

TIMEOUT_S = 3.0
MAX_ANSWER_BYTES = 64 * 1024

_UNCOUNTED = (
    "max_tokens",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "metadata",
    "service_tier",
)
"""Members of a message that Anthropic's counter refuses."""
_PASSED = ("anthropic-version", "anthropic-beta")

_log = logging.getLogger(__name__)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One request to be counted, in its client's dialect."""

    dialect: FormatName
    model: str
    """As the client names it."""
    body: bytes
    headers: Mapping[str, str]
    key: ApiKey | None
    request_id: str
    client_ip: str | None = None
    only_provider: str | None = None
    redacted: Request | None = None
    """What is to be counted instead of the body: personal data was taken out."""


async def count(gateway: Gateway, question: Question) -> Counted:
    """The prompt tokens. Raises `Refused` for a model or a body that could not be asked either."""
    snapshot, key = gateway.snapshot, question.key
    route = route_for(snapshot, question.model, key, CHAT, only_provider=question.only_provider)
    member = ruled(gateway, snapshot, route, key, question.client_ip).route.members[0]
    question = await _screened(question, snapshot.preferences.injection_guard)
    attempt = _attempt(gateway, snapshot, member)
    if attempt is not None:
        told = await _told(gateway, attempt, question)
        if told is not None:
            return told
    return await asyncio.to_thread(_estimated, gateway.counts, question, member.model)


async def _screened(question: Question, guard: InjectionGuard) -> Question:
    """What may leave the gateway of it. Raises `Refused` naming the rule of the guard that forbids it."""
    if not is_on(guard):
        return question
    size_bytes = len(question.body)
    request = await asyncio.to_thread(_decoded, question)
    screened = await guarded(request, guard, size_bytes=size_bytes, request_id=question.request_id)
    if screened.request is request:
        return question
    return msgspec.structs.replace(question, redacted=screened.request)


def _attempt(gateway: Gateway, snapshot: Snapshot, member: Member) -> Attempt | None:
    """The first account that is well: none that cools down, or is tried again, is bothered with a count."""
    provider, model, health = member.provider, member.model, gateway.health
    if provider.id == DEMO_PROVIDER.id:
        return None
    for account in snapshot.accounts.get(provider.id, ()):
        meant = not member.accounts or account.name in member.accounts or account.id in member.accounts
        if (
            account.is_active
            and meant
            and health.obstacle(provider, account, model) is None
            and not health.is_probe(provider, account, model)
        ):
            return Attempt(provider, account, model)
    return None


async def _told(gateway: Gateway, attempt: Attempt, question: Question) -> Counted | None:
    """What the provider says; `None` when it does not count, or does not say in time."""
    dialect = spoken_dialect(attempt.provider, attempt.model, question.dialect)
    if dialect is FormatName.ANTHROPIC and Endpoint.COUNT_TOKENS not in attempt.provider.endpoints:
        return None
    if dialect not in (FormatName.ANTHROPIC, FormatName.GEMINI):
        return None
    account = await gateway.tokens.ready(attempt.provider, attempt.account)
    if isinstance(account, Failure):
        _log.info(
            "%s did not count a request, so it is estimated: %s", attempt.provider.name, account.message
        )
        return None
    attempt = replace(attempt, account=account)
    try:
        request = await asyncio.to_thread(_request, attempt, question, dialect)
        way = proxy_for(gateway.snapshot, attempt.provider, attempt.account)
        request = msgspec.structs.replace(request, proxy=way)
        beta = question.headers.get("anthropic-beta", "")
        digest = sha256(request.body or b"").hexdigest()
        key = (attempt.account.id, request.url, question.dialect.value, beta, digest)
        kept = gateway.counts.find(key)
        if kept is not None:
            return kept
        counted = _read(await _ask(gateway, request), dialect, same=dialect is question.dialect)
    except (UpstreamFailed, TimeoutError, ConfigError, Refused, ProtocolError) as error:
        _log.info("%s did not count a request, so it is estimated: %s", attempt.provider.name, error)
        return None
    gateway.counts.keep(key, counted)
    return counted


def _estimated(counts: Counts, question: Question, model: str) -> Counted:
    """By the exact tokenizer where there is one. Raises `Refused` for a body nobody understands."""
    family = family_of(model)
    return Counted(count_request(_decoded(question), family, count_text=counts.exact(family)))


async def _ask(gateway: Gateway, request: HttpRequest) -> bytes:
    async with asyncio.timeout(TIMEOUT_S), gateway.upstream.open(request) as answer:
        body = await answer.read(MAX_ANSWER_BYTES)
        if not 200 <= answer.status < 300:
            raise ProtocolError(f"the counter answered {answer.status}")
        return body


class _AnthropicCount(msgspec.Struct):
    input_tokens: int


class _GeminiCount(msgspec.Struct, rename="camel"):
    total_tokens: int = 0
    """Left out when there are none, as Gemini leaves out every zero."""


def _read(body: bytes, dialect: FormatName, *, same: bool) -> Counted:
    """What the counter said. Raises ProtocolError."""
    try:
        if dialect is FormatName.ANTHROPIC:
            tokens = msgspec.json.decode(body, type=_AnthropicCount).input_tokens
        else:
            tokens = msgspec.json.decode(body, type=_GeminiCount).total_tokens
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProtocolError("the counter's answer is no count") from None
    return Counted(tokens, body if same else None)


def _request(attempt: Attempt, question: Question, dialect: FormatName) -> HttpRequest:
    """The counter's question in its own dialect. Raises `ConfigError`, `Refused`."""
    provider, account = attempt.provider, attempt.account
    headers = {"User-Agent": USER_AGENT, "Content-Type": "application/json", "Accept": "application/json"}
    if dialect is FormatName.ANTHROPIC:
        url = endpoint_url(provider, account, Endpoint.COUNT_TOKENS)
        headers["anthropic-version"] = ANTHROPIC_VERSION
        headers |= {name.lower(): value for name, value in provider.headers.items()}
        if question.dialect is dialect:
            headers |= {name: question.headers[name] for name in _PASSED if name in question.headers}
        body = _for_anthropic(attempt, question)
    else:
        url = format_url(provider, account, dialect, model=attempt.model, stream=False)
        url = url.replace(":generateContent", ":countTokens")
        headers |= provider.headers
        body = _for_gemini(attempt, question, wrapped="/publishers/" not in url)
    return HttpRequest(
        method="POST",
        url=url,
        headers=headers | auth_headers(provider, account, format=dialect),
        body=body,
        allow_private=account.allow_private,
        first_byte_s=TIMEOUT_S,
    )


def _for_anthropic(attempt: Attempt, question: Question) -> bytes:
    if question.dialect is FormatName.ANTHROPIC and question.redacted is None:
        envelope = Envelope(question.body)
        if not any(name in envelope for name in _UNCOUNTED):
            return envelope.with_model(attempt.model)
        body = envelope.with_model(attempt.model)
    else:
        body = _translated(attempt, question, FormatName.ANTHROPIC)
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({name: value for name, value in members.items() if name not in _UNCOUNTED})


def _for_gemini(attempt: Attempt, question: Question, *, wrapped: bool) -> bytes:
    """`wrapped`: all but bare contents stands in `generateContentRequest`, but not so at Vertex."""
    if question.dialect is FormatName.GEMINI and question.redacted is None:
        members: dict[str, Any] = msgspec.json.decode(_inner(question.body), type=dict[str, msgspec.Raw])
        if not wrapped or members.keys() == {"contents"}:
            return msgspec.json.encode(members)
    else:
        body = _translated(attempt, question, FormatName.GEMINI)
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    if not wrapped:
        return msgspec.json.encode(members)
    asked = {**members, "model": f"models/{attempt.model.removeprefix('models/')}"}
    return msgspec.json.encode({"generateContentRequest": asked})


def _translated(attempt: Attempt, question: Question, dialect: FormatName) -> bytes:
    abilities = abilities_of(attempt.provider, attempt.model, dialect)
    return outgoing(_decoded(question), abilities, dialect, same=dialect is question.dialect).body


def _decoded(question: Question) -> Request:
    """What the client would ask. Raises `Refused`."""
    if question.redacted is not None:
        return question.redacted
    body = question.body
    match question.dialect:
        case FormatName.ANTHROPIC:
            envelope = Envelope(body)
            if "max_tokens" not in envelope:  # needed only where something is to be answered
                body = envelope.with_first_member("max_tokens", b"1")
        case FormatName.GEMINI:
            body = _inner(body)
    return FORMATS[question.dialect].decode_request(body, model=question.model, stream=False)


def _inner(body: bytes) -> bytes:
    """What stands in `generateContentRequest`, where a client wraps its request."""
    return Envelope(body).raw("generateContentRequest") or body
