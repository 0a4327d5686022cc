"""Asking providers about themselves: whether a key works, which models there are, which servers run here."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec

from omniroute.api.providers import Diagnosis, TestResult
from omniroute.clock import iso
from omniroute.errors import ConfigError, Failure, FailureKind, ProtocolError, Refused
from omniroute.gateway.gateway import Gateway
from omniroute.gateway.one_token import OneToken, one_token_call
from omniroute.gateway.upstream import HttpRequest, UpstreamFailed
from omniroute.providers.detect import Probe, identify, probes
from omniroute.providers.models import read_models
from omniroute.providers.wire import USER_AGENT, auth_headers, auth_query, endpoint_url, needs_key
from omniroute.records import Account, Endpoint, FormatName, ModelFacts, ModelKind, Provider

TIMEOUT_S = 15.0
"""Longest wait for one answer, its body included."""
DETECT_TIMEOUT_S = 1.5
MAX_LIST_BYTES = 16 * 1024 * 1024
MAX_ANSWER_BYTES = 64 * 1024
_MAX_MESSAGE_CHARS = 500

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


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What an answer says of the account."""

    valid: bool | None
    type: str
    message: str | None = None
    status: int | None = None
    code: str | None = None
    source: str = "upstream"


async def test_account(
    gateway: Gateway, provider: Provider, account: Account, model: str | None = None
) -> TestResult:
    """What the provider says to the account's key, or with `model` to a call of one token."""
    started_s = gateway.clock.monotonic_s()
    verdict = await _verdict(gateway, provider, account, model)
    message = _told(verdict.message, account.secret)
    code = verdict.code or (None if verdict.status is None else str(verdict.status))
    return TestResult(
        valid=verdict.valid,
        error=None if verdict.valid else message,
        status_code=verdict.status,
        latency_ms=round((gateway.clock.monotonic_s() - started_s) * 1000),
        diagnosis=Diagnosis(type=verdict.type, source=verdict.source, code=code, message=message),
        tested_at=iso(gateway.clock.now_ms()),
    )


async def fetch_models(gateway: Gateway, provider: Provider, account: Account) -> tuple[ModelFacts, ...]:
    """The models the provider lists. Raises `UpstreamFailed`, and `ConfigError` when it cannot be asked."""
    answer = await _ask(gateway, _models_request(provider, account, with_key=True), MAX_LIST_BYTES)
    if answer.status // 100 != 2:
        message = _told(_reason(answer), account.secret)
        raise UpstreamFailed(
            Failure(
                kind=FailureKind.AUTH if answer.status in (401, 403) else FailureKind.PROTOCOL,
                message=f"{provider.name} answered {answer.status}: {message}",
                status=answer.status,
            )
        )
    try:
        return await asyncio.to_thread(_read_list, answer.body)
    except ProtocolError as error:
        raise UpstreamFailed(
            Failure(kind=FailureKind.PROTOCOL, message=f"{provider.name}: {error}", status=answer.status)
        ) from None


async def detect_local(gateway: Gateway) -> tuple[Found, ...]:
    """The model servers that answer where they usually listen, asked all at once."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_detect(gateway, probe), name=f"detect {probe.provider_id}")
            for probe in probes(gateway.catalogue)
        ]
    return tuple(found for task in tasks if (found := task.result()) is not None)


async def _verdict(gateway: Gateway, provider: Provider, account: Account, model: str | None) -> _Verdict:
    if needs_key(provider) and not (account.secret or "").strip():
        return _Verdict(False, "auth_missing", f"the account {account.name!r} has no key", source="local")
    try:
        if model is not None:
            return _of_call(await _call(gateway, provider, account, model), asked_for=model)
        return await _of_key(gateway, provider, account)
    except (ConfigError, Refused) as error:
        return _Verdict(False, "unsupported", str(error), source="validation")
    except UpstreamFailed as failed:
        failure = failed.failure
        return _Verdict(False, "network_error", failure.message, failure.status, failure.kind.value)


async def _of_key(gateway: Gateway, provider: Provider, account: Account) -> _Verdict:
    """By the list of models where that tells, else by the cheapest call there is."""
    verdict = None
    if Endpoint.MODELS in provider.endpoints:
        verdict = await _of_list(gateway, provider, account)
    if verdict is not None:
        return verdict
    model = _cheapest(provider, account)
    if model is None or not provider.formats:
        return _Verdict(
            None,
            "unsupported",
            f"{provider.name} offers no way to check a key at no cost; name a model to make a real call",
            source="local",
        )
    return _of_call(await _call(gateway, provider, account, model), asked_for=None)


async def _of_list(gateway: Gateway, provider: Provider, account: Account) -> _Verdict | None:
    """What the list of models tells of the key; `None`: nothing."""
    answer = await _ask(gateway, _models_request(provider, account, with_key=True), MAX_LIST_BYTES)
    known = _of_status(answer)
    if known is not None:
        return known
    if answer.status // 100 != 2:
        return None
    try:
        await asyncio.to_thread(_read_list, answer.body)
    except ProtocolError:
        return _Verdict(
            False,
            "upstream_error",
            f"the answer is no list of models; is {_models_request(provider, account, with_key=False).url}"
            " the right address?",
            answer.status,
        )
    if needs_key(provider):
        anybody = await _ask(gateway, _models_request(provider, account, with_key=False), MAX_LIST_BYTES)
        if anybody.status // 100 == 2:
            return None  # everybody gets this list, with any key or none
    return _Verdict(True, "ok", None, answer.status)


async def _call(gateway: Gateway, provider: Provider, account: Account, model: str) -> _Answer:
    """The answer to a call of one token; some models name the limit of tokens otherwise."""
    call = one_token_call(provider, account, model)
    answer = await _ask(gateway, _post(account, call), MAX_ANSWER_BYTES)
    if answer.status == 400 and call.other_body and b"max_completion_tokens" in answer.body:
        answer = await _ask(gateway, _post(account, call, other=True), MAX_ANSWER_BYTES)
    return answer


def _of_call(answer: _Answer, *, asked_for: str | None) -> _Verdict:
    """What a call of one token tells; a refusal other than of the key counts only for the model asked for."""
    known = _of_status(answer)
    if known is not None:
        return known
    status = answer.status
    if status // 100 == 2:
        if _json(answer.body) is None:
            return _Verdict(
                False, "upstream_error", "the answer is not JSON; is the base URL the right one?", status
            )
        return _Verdict(True, "ok", None, status)
    if asked_for is not None:
        return _Verdict(False, "upstream_error", f"model {asked_for!r}: {_reason(answer)}", status)
    if status in (400, 422):
        return _Verdict(True, "ok", None, status)  # it looked at the request, so the key had passed
    if status in (404, 405):
        return _Verdict(None, "unsupported", _reason(answer), status)
    return _Verdict(False, "upstream_error", _reason(answer), status)


def _of_status(answer: _Answer) -> _Verdict | None:
    """What the status alone tells; `None`: it depends on what was asked."""
    status = answer.status
    if status in (401, 403):
        return _Verdict(False, "upstream_auth_error", _reason(answer), status)
    if status == 429:
        return _Verdict(True, "upstream_rate_limited", _reason(answer), status)
    if status >= 500:
        return _Verdict(False, "upstream_unavailable", _reason(answer), status)
    if status // 100 == 3:
        message = "it answers with a redirect, and none is followed; is the base URL the right one?"
        return _Verdict(False, "upstream_error", message, status)
    return None


async def _detect(gateway: Gateway, probe: Probe) -> Found | None:
    provider = gateway.catalogue[probe.provider_id]
    account = Account(id="", provider_id=provider.id, name="", priority=1, is_active=True, allow_private=True)
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
    request = HttpRequest(
        method="GET", url=probe.url, headers=headers, allow_private=True, first_byte_s=DETECT_TIMEOUT_S
    )
    try:
        answer = await _ask(gateway, request, MAX_LIST_BYTES, timeout_s=DETECT_TIMEOUT_S)
        if not identify(probe.provider_id, probe.path, answer.status, answer.body):
            return None
    except UpstreamFailed:
        return None  # nobody listens there, which is the rule
    try:
        models = await fetch_models(gateway, provider, account)
    except (UpstreamFailed, ConfigError) as error:
        _log.info("%s runs here, but lists no models: %s", provider.name, error)
        models = ()
    return Found(provider, probe.base_url, models)


async def _ask(
    gateway: Gateway, request: HttpRequest, limit: int, *, timeout_s: float = TIMEOUT_S
) -> _Answer:
    """Status and body, at most `limit` bytes. Raises `UpstreamFailed`."""
    try:
        async with asyncio.timeout(timeout_s), gateway.upstream.open(request) as answer:
            return _Answer(answer.status, await answer.read(limit))
    except TimeoutError:
        message = f"no whole answer within {timeout_s:g} s"
        raise UpstreamFailed(Failure(kind=FailureKind.SLOW, message=message)) from None


def _models_request(provider: Provider, account: Account, *, with_key: bool) -> HttpRequest:
    url = endpoint_url(provider, account, Endpoint.MODELS)
    query = dict(_WHOLE_LIST.get(next(iter(provider.formats), FormatName.OPENAI_CHAT), {}))
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", **provider.headers}
    if with_key:
        headers |= auth_headers(provider, account)
        query |= auth_query(provider, account)
    return HttpRequest(
        method="GET",
        url=_with_query(url, query),
        headers=headers,
        allow_private=account.allow_private,
        first_byte_s=TIMEOUT_S,
    )


def _post(account: Account, call: OneToken, *, other: bool = False) -> HttpRequest:
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Content-Type": "application/json"}
    return HttpRequest(
        method="POST",
        url=_with_query(call.url, call.query),
        headers={**headers, **call.headers},
        body=call.other_body if other else call.body,
        allow_private=account.allow_private,
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
    return model.price.rates.input if model.price is not None else None


def _read_list(body: bytes) -> tuple[ModelFacts, ...]:
    return read_models(_json(body))


def _json(body: bytes) -> object:
    """The decoded body; `None` when it is not JSON."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _reason(answer: _Answer) -> str:
    """The provider's own words, wherever its error keeps them."""
    value = _json(answer.body)
    error = value.get("error", value) if isinstance(value, dict) else value
    if isinstance(error, dict):
        error = next((error[name] for name in ("message", "detail", "msg", "error") if error.get(name)), None)
    return error if isinstance(error, str) and error.strip() else f"status {answer.status}"


def _told(message: str | None, secret: str | None) -> str | None:
    """One short line without the key, which some providers repeat in their errors."""
    if message is None:
        return None
    if secret:
        message = message.replace(secret.strip(), "****")
    return " ".join(message.split())[:_MAX_MESSAGE_CHARS]
