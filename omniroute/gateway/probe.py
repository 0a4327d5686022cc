"""Asking providers about themselves: whether a key works, which models there are, which servers run here."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from omniroute.api.providers import Diagnosis, TestResult
from omniroute.clock import iso
from omniroute.errors import ConfigError, Failure, FailureKind, ProtocolError, Refused
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.one_token import OneToken, one_token_call
from omniroute.gateway.proxy_choice import proxy_for
from omniroute.gateway.upstream import HttpRequest, UpstreamFailed
from omniroute.gateway.verdict import (
    Finding,
    TestAnswer,
    Verdict,
    of_call,
    of_list,
    of_model,
    read_list,
    reason,
    told,
)
from omniroute.providers.detect import Probe, identify, probes
from omniroute.providers.wire import USER_AGENT, auth_headers, auth_query, endpoint_url, needs_key
from omniroute.records import Account, Endpoint, FormatName, ModelFacts, ModelKind, Provider
from omniroute.records.proxies import Proxy

TIMEOUT_S = 15.0
"""Longest wait for one answer, its body included."""
DETECT_TIMEOUT_S = 1.5
MAX_LIST_BYTES = 16 * 1024 * 1024
MAX_ANSWER_BYTES = 64 * 1024

_WHOLE_LIST: Mapping[FormatName, Mapping[str, str]] = {
    FormatName.ANTHROPIC: {"limit": "1000"},
    FormatName.GEMINI: {"pageSize": "1000"},
}
"""What asks for more than the first page, by the provider's first dialect."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """A model server that answers on this machine."""

    provider: Provider
    base_url: str
    models: tuple[ModelFacts, ...]


async def test_account(
    gateway: Gateway, provider: Provider, account: Account, *, model: str | None
) -> TestResult:
    """What the provider says to the account's key, or with `model` to a call of one token."""
    started_s = gateway.clock.monotonic_s()
    account, verdict = await _asked(gateway, provider, account, model)
    message = None if verdict.message is None else told(verdict.message, account.secret)
    code = verdict.code or (None if verdict.status is None else str(verdict.status))
    return TestResult(
        valid=verdict.valid,
        error=None if verdict.valid else message,
        status_code=verdict.status,
        latency_ms=round((gateway.clock.monotonic_s() - started_s) * 1000),
        diagnosis=Diagnosis(type=verdict.finding.value, source=verdict.source, code=code, message=message),
        tested_at=iso(gateway.clock.now_ms()),
    )


async def fetch_models(
    gateway: Gateway, provider: Provider, account: Account, *, timeout_s: float = TIMEOUT_S
) -> tuple[ModelFacts, ...]:
    """The models the provider lists. Raises `UpstreamFailed`, and `ConfigError` when it cannot be asked."""
    ready = await gateway.tokens.ready(provider, account)
    if isinstance(ready, Failure):
        raise UpstreamFailed(ready)
    account = ready
    request = _models_request(gateway, provider, account, with_key=True)
    answer = await _ask(gateway, request, MAX_LIST_BYTES, timeout_s=timeout_s)
    if not answer.is_success:
        kind = FailureKind.AUTH if answer.status in (401, 403) else FailureKind.PROTOCOL
        message = f"{provider.name} answered {answer.status}: {told(reason(answer), account.secret)}"
        raise UpstreamFailed(Failure(kind=kind, message=message, status=answer.status))
    try:
        return await asyncio.to_thread(read_list, answer.body)  # some lists are a megabyte
    except ProtocolError as error:
        message = f"{provider.name}: {error}"
        raise UpstreamFailed(
            Failure(kind=FailureKind.PROTOCOL, message=message, status=answer.status)
        ) from None


async def detect_local(gateway: Gateway) -> tuple[Found, ...]:
    """The model servers that answer where they usually listen, asked all at once."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_detect(gateway, probe), name=f"detect {probe.provider_id}")
            for probe in probes(gateway.catalogue)
        ]
    return tuple(found for task in tasks if (found := task.result()) is not None)


async def _asked(
    gateway: Gateway, provider: Provider, account: Account, model: str | None
) -> tuple[Account, Verdict]:
    """The verdict, and the account with the token it holds for: one that is refused is renewed once."""
    ready = await gateway.tokens.ready(provider, account)
    if isinstance(ready, Failure):
        finding = Finding.REAUTH_REQUIRED if ready.kind is FailureKind.AUTH else Finding.REFRESH_FAILED
        return account, Verdict(finding, ready.message, source="oauth")
    verdict = await _verdict(gateway, provider, ready, model)
    if ready.login is None or verdict.finding is not Finding.AUTH_ERROR:
        return ready, verdict
    newer = await gateway.tokens.newer(provider, ready)
    if isinstance(newer, Failure):
        return ready, verdict
    return newer, await _verdict(gateway, provider, newer, model)


async def _verdict(gateway: Gateway, provider: Provider, account: Account, model: str | None) -> Verdict:
    if needs_key(provider) and not (account.secret or "").strip():
        message = f"the account {account.name!r} has no key"
        return Verdict(Finding.AUTH_MISSING, message, source="local")
    try:
        if model is not None:
            return of_model(await _call(gateway, provider, account, model), model)
        return await _of_key(gateway, provider, account)
    except (ConfigError, Refused) as error:
        return Verdict(Finding.UNSUPPORTED, str(error), source="validation")
    except UpstreamFailed as failed:
        failure = failed.failure
        return Verdict(Finding.NETWORK_ERROR, failure.message, failure.status, failure.kind.value)


async def _of_key(gateway: Gateway, provider: Provider, account: Account) -> Verdict:
    """By the list of models where that tells, else by the cheapest call there is."""
    verdict = None
    if Endpoint.MODELS in provider.endpoints:
        verdict = await _of_list(gateway, provider, account)
    if verdict is not None:
        return verdict
    model = _cheapest(provider, account)
    if model is None or not provider.formats:
        message = f"{provider.name} offers no free way to check a key; name a model to make a real call"
        return Verdict(Finding.UNSUPPORTED, message, source="local")
    return of_call(await _call(gateway, provider, account, model))


async def _of_list(gateway: Gateway, provider: Provider, account: Account) -> Verdict | None:
    """What the list of models tells of the key; `None`: nothing."""
    request = _models_request(gateway, provider, account, with_key=True)
    verdict = await asyncio.to_thread(of_list, await _ask(gateway, request, MAX_LIST_BYTES))
    if verdict is None or verdict.finding is not Finding.OK or not needs_key(provider):
        return verdict
    request = _models_request(gateway, provider, account, with_key=False)
    anybody = await _ask(gateway, request, MAX_ANSWER_BYTES)
    return None if anybody.is_success else verdict  # a list that everybody gets tells nothing of a key


async def _call(gateway: Gateway, provider: Provider, account: Account, model: str) -> TestAnswer:
    """The answer to a call of one token; some models name the limit of tokens otherwise."""
    call = one_token_call(provider, account, model)
    way = proxy_for(gateway.snapshot, provider, account)
    answer = await _ask(gateway, _post(account, call, call.body, way), MAX_ANSWER_BYTES)
    if answer.status == 400 and call.other_body and b"max_completion_tokens" in answer.body:
        answer = await _ask(gateway, _post(account, call, call.other_body, way), MAX_ANSWER_BYTES)
    return answer


async def _detect(gateway: Gateway, probe: Probe) -> Found | None:
    provider = gateway.catalogue[probe.provider_id]
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
    request = HttpRequest(
        method="GET", url=probe.url, headers=headers, allow_private=True, first_byte_s=DETECT_TIMEOUT_S
    )
    try:
        answer = await _ask(gateway, request, MAX_LIST_BYTES, timeout_s=DETECT_TIMEOUT_S)
    except UpstreamFailed:
        return None  # nobody listens there, which is the rule
    if not identify(probe.provider_id, probe.path, answer.status, answer.body):
        return None
    nobody = Account(id="", provider_id=provider.id, name="", priority=1, allow_private=True)
    models: tuple[ModelFacts, ...] = ()
    try:
        models = await fetch_models(gateway, provider, nobody, timeout_s=DETECT_TIMEOUT_S)
    except (UpstreamFailed, ConfigError) as error:
        _log.info("%s runs here, but lists no models: %s", provider.name, error)
    return Found(provider, probe.base_url, models)


async def _ask(
    gateway: Gateway, request: HttpRequest, limit: int, *, timeout_s: float = TIMEOUT_S
) -> TestAnswer:
    """Status and body, at most `limit` bytes of it. Raises `UpstreamFailed`."""
    try:
        async with asyncio.timeout(timeout_s), gateway.upstream.open(request) as answer:
            return TestAnswer(answer.status, await answer.read(limit))
    except TimeoutError:
        message = f"no whole answer within {timeout_s:g} s"
        raise UpstreamFailed(Failure(kind=FailureKind.SLOW, message=message)) from None


def _models_request(gateway: Gateway, provider: Provider, account: Account, *, with_key: bool) -> HttpRequest:
    query = dict(_WHOLE_LIST.get(next(iter(provider.formats), FormatName.OPENAI_CHAT), {}))
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", **provider.headers}
    if with_key:
        headers |= auth_headers(provider, account)
        query |= auth_query(provider, account)
    return HttpRequest(
        method="GET",
        url=_with_query(endpoint_url(provider, account, Endpoint.MODELS), query),
        headers=headers,
        allow_private=account.allow_private,
        proxy=proxy_for(gateway.snapshot, provider, account),
        first_byte_s=TIMEOUT_S,
    )


def _post(account: Account, call: OneToken, body: bytes, way: Proxy | None) -> HttpRequest:
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Content-Type": "application/json"}
    return HttpRequest(
        method="POST",
        url=_with_query(call.url, call.query),
        headers={**headers, **call.headers},
        body=body,
        allow_private=account.allow_private,
        proxy=way,
        first_byte_s=TIMEOUT_S,
    )


def _with_query(url: str, query: Mapping[str, str]) -> str:
    if not query:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _cheapest(provider: Provider, account: Account) -> str | None:
    """The model for a call that nobody asked for by name."""
    if account.default_model is not None:
        return account.default_model
    chats = [model for model in provider.models if model.kind is ModelKind.CHAT]
    priced = [(rate, model.id) for model in chats if (rate := _input_rate(model)) is not None]
    if priced:
        return min(priced)[1]
    return chats[0].id if chats else None


def _input_rate(model: ModelFacts) -> int | None:
    return None if model.price is None else model.price.rates.input
