"""What a provider's answer to a test says of an account. Pure."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from omniroute.errors import ProtocolError
from omniroute.providers.models import read_models
from omniroute.records import ModelFacts

_MAX_MESSAGE_CHARS = 500


class Finding(StrEnum):
    """The closed vocabulary of the API."""

    OK = "ok"
    AUTH_MISSING = "auth_missing"
    AUTH_ERROR = "upstream_auth_error"
    REAUTH_REQUIRED = "reauth_required"
    """The sign-in has ended; only its person can begin another."""
    REFRESH_FAILED = "token_refresh_failed"
    """The access token has ended, and there is no new one just now."""
    RATE_LIMITED = "upstream_rate_limited"
    UNAVAILABLE = "upstream_unavailable"
    UPSTREAM_ERROR = "upstream_error"
    NETWORK_ERROR = "network_error"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class TestAnswer:
    """A provider's answer, whole or its beginning."""

    __test__ = False  # pytest: not a test class
    status: int
    body: bytes

    @property
    def is_success(self) -> bool:
        """The request was answered."""
        return self.status // 100 == 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found."""

    finding: Finding
    message: str | None = None
    status: int | None = None
    """The provider's; `None`: it was not reached."""
    code: str | None = None
    source: str = "upstream"
    """`local`, `oauth`, `upstream`, `validation`"""

    @property
    def valid(self) -> bool | None:
        """Whether the account may be used; `None`: there was no way to tell."""
        if self.finding in (Finding.OK, Finding.RATE_LIMITED):
            return True
        if self.finding is Finding.UNSUPPORTED and self.source != "validation":
            return None
        return False


def of_list(answer: TestAnswer) -> Verdict | None:
    """What the answer to a request for the models says; `None`: nothing about the account."""
    known = _of_status(answer)
    if known is not None or not answer.is_success:
        return known
    try:
        read_list(answer.body)
    except ProtocolError:
        message = "its answer is no list of models; is the base URL the right one?"
        return Verdict(Finding.UPSTREAM_ERROR, message, answer.status)
    return Verdict(Finding.OK, None, answer.status)


def of_call(answer: TestAnswer) -> Verdict:
    """What the answer to a call of one token says of the account, whatever it says of the model."""
    known = _of_status(answer) or _of_success(answer)
    if known is not None:
        return known
    if answer.status in (400, 422):
        return Verdict(Finding.OK, None, answer.status)  # it looked at the request: the key had passed
    finding = Finding.UNSUPPORTED if answer.status in (404, 405) else Finding.UPSTREAM_ERROR
    return Verdict(finding, reason(answer), answer.status)


def of_model(answer: TestAnswer, model: str) -> Verdict:
    """What the answer to a call of one token says of the account with this model."""
    known = _of_status(answer) or _of_success(answer)
    if known is not None:
        return known
    return Verdict(Finding.UPSTREAM_ERROR, f"model {model!r}: {reason(answer)}", answer.status)


def read_list(body: bytes) -> tuple[ModelFacts, ...]:
    """The models in the body. Raises `ProtocolError` when it is no list of models."""
    return read_models(_json(body))


def reason(answer: TestAnswer) -> str:
    """The provider's own words, wherever its error keeps them."""
    value = _json(answer.body)
    error = value.get("error", value) if isinstance(value, dict) else value
    if isinstance(error, dict):
        error = next((error[name] for name in ("message", "detail", "msg", "error") if error.get(name)), None)
    return error if isinstance(error, str) and error.strip() else f"status {answer.status}"


def told(message: str, secret: str | None) -> str:
    """One short line without the key, which some providers repeat in their errors."""
    if secret and secret.strip():
        message = message.replace(secret.strip(), "****")
    return " ".join(message.split())[:_MAX_MESSAGE_CHARS]


def _of_status(answer: TestAnswer) -> Verdict | None:
    """What the status alone says; `None`: it depends on what was asked."""
    if answer.status in (401, 403):
        return Verdict(Finding.AUTH_ERROR, reason(answer), answer.status)
    if answer.status == 429:
        return Verdict(Finding.RATE_LIMITED, reason(answer), answer.status)
    if answer.status >= 500:
        return Verdict(Finding.UNAVAILABLE, reason(answer), answer.status)
    if answer.status // 100 == 3:
        message = "it answers with a redirect, and none is followed; is the base URL the right one?"
        return Verdict(Finding.UPSTREAM_ERROR, message, answer.status)
    return None


def _of_success(answer: TestAnswer) -> Verdict | None:
    if not answer.is_success:
        return None
    if _json(answer.body) is None:
        message = "its answer is not JSON; is the base URL the right one?"
        return Verdict(Finding.UPSTREAM_ERROR, message, answer.status)
    return Verdict(Finding.OK, None, answer.status)


def _json(body: bytes) -> object:
    """The decoded body; `None` when it is not JSON."""
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return value
