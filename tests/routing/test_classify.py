"""What an upstream's refusal means, vendor by vendor."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import FailureKind
from omniroute.routing.classify import classify
from omniroute.routing.waits import LONGEST_S, retry_after_s, told_wait_s
from tests.routing.error_bodies import REFUSALS as REAL
from tests.routing.error_bodies import Refusal

NOW_S = 1_790_000_000.0  # Mon, 21 Sep 2026 14:13:20 GMT
JSON = {"Content-Type": "application/json"}
K = FailureKind


def openai(kind: str, message: str, code: str | None = None) -> object:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic(kind: str, message: str) -> object:
    return {"type": "error", "error": {"type": kind, "message": message}}


def google(code: int, status: str, message: str) -> object:
    return {"error": {"code": code, "message": message, "status": status}}


REFUSALS: list[tuple[str, int, object, FailureKind]] = [
    ("openai key", 401, openai("invalid_request_error", "That key is wrong", "invalid_api_key"), K.AUTH),
    ("openai region", 403, openai("request_forbidden", "Your country is not served"), K.AUTH),
    ("openai rate", 429, openai("requests", "Rate limit hit", "rate_limit_exceeded"), K.RATE_LIMITED),
    ("openai quota", 429, openai("insufficient_quota", "No money", "insufficient_quota"), K.QUOTA),
    ("openai model", 404, openai("invalid_request_error", "No model x", "model_not_found"), K.NO_MODEL),
    ("openai length", 400, openai("invalid_request_error", "Long", "context_length_exceeded"), K.TOO_LONG),
    ("openai image", 400, openai("image_error", "Our safety system", "x"), K.CONTENT),
    ("openai param", 400, openai("invalid_request_error", "temperature must be below 2"), K.BAD_REQUEST),
    ("openai 500", 500, openai("server_error", "Something broke"), K.OVERLOADED),
    ("azure filter", 400, openai("x", "The prompt was filtered", "content_filter"), K.CONTENT),
    ("anthropic key", 401, anthropic("authentication_error", "wrong x-api-key"), K.AUTH),
    ("anthropic permission", 403, anthropic("permission_error", "not for your organization"), K.AUTH),
    ("anthropic model", 404, anthropic("not_found_error", "model: claude-x"), K.NO_MODEL),
    ("anthropic rate", 429, anthropic("rate_limit_error", "too many input tokens a minute"), K.RATE_LIMITED),
    ("anthropic busy", 529, anthropic("overloaded_error", "Overloaded"), K.OVERLOADED),
    ("anthropic money", 400, anthropic("invalid_request_error", "Your credit balance is too low"), K.QUOTA),
    ("anthropic billing", 402, anthropic("billing_error", "Pay first"), K.QUOTA),
    ("anthropic long", 400, anthropic("invalid_request_error", "prompt is too long: 9 > 8"), K.TOO_LONG),
    ("anthropic size", 413, anthropic("request_too_large", "over 32 MB"), K.BAD_REQUEST),
    ("anthropic field", 400, anthropic("invalid_request_error", "messages.0: wrong role"), K.BAD_REQUEST),
    ("google rate", 429, google(429, "RESOURCE_EXHAUSTED", "Slow down"), K.RATE_LIMITED),
    ("google quota", 429, google(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota"), K.QUOTA),
    ("google busy", 503, google(503, "UNAVAILABLE", "The model is overloaded"), K.OVERLOADED),
    ("google model", 404, google(404, "NOT_FOUND", "models/x is not found for v1beta"), K.NO_MODEL),
    ("google argument", 400, google(400, "INVALID_ARGUMENT", "Unknown field foo"), K.BAD_REQUEST),
    ("deepseek money", 402, openai("unknown", "Insufficient Balance", "invalid_request_error"), K.QUOTA),
    ("deepseek field", 422, openai("invalid_request_error", "Wrong field"), K.BAD_REQUEST),
    ("mistral key", 401, {"message": "Unauthorized", "request_id": "r"}, K.AUTH),
    ("mistral model", 400, {"object": "error", "message": "Invalid model: x", "code": "1"}, K.NO_MODEL),
    ("mistral field", 422, {"detail": [{"loc": ["body"], "msg": "missing"}]}, K.BAD_REQUEST),
    ("groq long", 400, openai("invalid_request_error", "Over the context window of 8192"), K.TOO_LONG),
    ("groq rate", 429, openai("tokens", "Rate limit reached for tokens a minute"), K.RATE_LIMITED),
    ("openrouter credits", 402, {"error": {"message": "More credits needed", "code": 402}}, K.QUOTA),
    ("openrouter upstream", 502, {"error": {"message": "Provider error", "code": 502}}, K.OVERLOADED),
    ("openrouter moderation", 403, {"error": {"message": "Against content policy", "code": 403}}, K.CONTENT),
    ("xai model", 404, {"code": "not-found", "error": "The model x does not exist"}, K.NO_MODEL),
    ("ollama model", 404, {"error": "model 'x' not found, try pulling it first"}, K.NO_MODEL),
    ("ollama broken", 500, {"error": "the runner ended unexpectedly"}, K.OVERLOADED),
    ("vllm model", 404, {"object": "error", "message": "x does not exist", "code": 404}, K.NO_MODEL),
    ("vllm long", 400, {"object": "error", "message": "maximum context length is 4096"}, K.TOO_LONG),
    ("cohere timeout", 408, {"message": "request timed out"}, K.OVERLOADED),
    ("zhipu balance", 429, {"error": {"code": "1113", "message": "insufficient balance"}}, K.QUOTA),
    ("moonshot long", 400, openai("invalid_request_error", "Over the context length"), K.TOO_LONG),
    ("conflict", 409, {"message": "busy with another"}, K.CANNOT_EXPRESS),
    ("redirect", 302, {}, K.PROTOCOL),
]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "body", "kind"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_a_vendors_refusal_is_understood(status: int, body: object, kind: FailureKind) -> None:
    raw = json.dumps(body).encode()
    failure = classify(status, JSON, raw, now_s=NOW_S)
    assert failure.kind is kind
    assert failure.status == status
    assert failure.message
    assert failure.body == (raw if body else None)


@pytest.mark.parametrize("refusal", REAL, ids=[f"{row.vendor} {row.kind}" for row in REAL])
def test_what_vendors_really_answer_is_understood(refusal: Refusal) -> None:
    body = json.dumps(refusal.body, ensure_ascii=False).encode()
    failure = classify(refusal.status, {**JSON, **refusal.headers}, body, now_s=NOW_S)
    assert failure.kind is refusal.kind
    assert failure.retry_after_s == (None if refusal.wait_s is None else pytest.approx(refusal.wait_s))


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Please try again in 6m0s.", 360.0),
        ("Please try again in 9m38.016s. Need more?", 578.016),
        ("Please try again in 114h18m0s", LONGEST_S),
        ("try again in 1 day 2 hours", LONGEST_S),
        ("Please retry in 48.939935699s.", 48.939935699),
        ("will reset after 26s", 26.0),
        ("try again in 20ms", 0.02),
        ("Try again in 2 minutes", 120.0),
        ("try again after 500 milliseconds", 0.5),
        ("You will regain access on 2026-09-21", 0.0),
        ("You will regain access on 2026-99-99", None),
        ("try again in a while", None),
        ("try again later", None),
        ("", None),
    ],
)
def test_a_wait_in_words_is_read(message: str, seconds: float | None) -> None:
    assert told_wait_s(b"", message, now_s=NOW_S) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"retry_after": 7}}, 7.0),
        ({"error": {"details": [{"retryDelay": {"seconds": 3, "nanos": 5}}]}}, 3.0),
        ({"error": {"details": [{"retryDelay": "3s"}, {"metadata": {"quotaResetDelay": "9.5s"}}]}}, 9.5),
        ({"error": {"resets_at": "2026-09-21T14:13:50Z"}}, 30.0),
        ({"error": {"resets_at": 1, "resets_in_seconds": None}}, 0.0),
        ({"error": {"retry_after": True, "retryDelay": "soon", "resets_at": "T"}}, None),
        ({"error": {"retry_after": -3}}, None),
        ({"error": {"resets_in_seconds": 1e300}}, LONGEST_S),
    ],
)
def test_a_wait_in_a_member_is_read(body: object, seconds: float | None) -> None:
    assert told_wait_s(json.dumps(body).encode(), "", now_s=NOW_S) == seconds


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "retryDelay", "resets_at", "details", "seconds"]), inner
            )
        ),
    ),
    message=st.text(max_size=40),
)
def test_no_wait_is_too_odd(body: object, message: str) -> None:
    wait_s = told_wait_s(json.dumps(body).encode(), f"try again in {message}", now_s=NOW_S)
    assert wait_s is None or 0 <= wait_s <= LONGEST_S


def test_a_failure_keeps_the_vendors_words_and_code() -> None:
    body = json.dumps(openai("requests", "Slow down, please", "rate_limit_exceeded")).encode()
    failure = classify(429, {**JSON, "Retry-After": "7"}, body, now_s=NOW_S)
    assert (failure.message, failure.code, failure.retry_after_s) == (
        "Slow down, please",
        "rate_limit_exceeded",
        7.0,
    )


@pytest.mark.parametrize(
    ("headers", "body", "message"),
    [
        ({"Content-Type": "text/html"}, b"<h1>secret page</h1>", "answered 502 with text/html"),
        ({"Content-Type": "text/plain"}, b" upstream connect error ", "upstream connect error"),
        ({}, b"", "answered 502 without a body"),
        (JSON, b"", "answered 502 without a body"),
        (JSON, b"{broken", "answered 502"),
    ],
)
def test_what_is_no_error_body_is_described_not_shown(
    headers: dict[str, str], body: bytes, message: str
) -> None:
    failure = classify(502, headers, body, now_s=NOW_S)
    assert message in failure.message
    assert "<" not in failure.message
    assert failure.body is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "12"}, 12.0),
        ({"Retry-After": " 12 "}, 12.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "Mon, 21 Sep 2026 14:13:50 GMT"}, 30.0),
        ({"Retry-After": "Mon, 21 Sep 2026 16:13:50 +0200"}, 30.0),
        ({"Retry-After": "Mon, 21 Sep 2026 14:13:50 -0000"}, 30.0),
        ({"Retry-After": "Mon, 21 Sep 2026 14:00:00 GMT"}, 0.0),
        ({"Retry-After": "Mon, 21 Sep 2099 14:00:00 GMT"}, 86400.0),
        ({"Retry-After": "9999999"}, 86400.0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "Retry-After": "1"}, 0.25),
        ({"retry-after-ms": "soon", "Retry-After": "1"}, 1.0),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "Mon, 99 Foo 2026 99:99:99 GMT"}, None),
    ],
)
def test_every_form_of_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, now_s=NOW_S) == seconds


@given(value=st.text(max_size=40))
def test_no_retry_after_is_too_odd(value: str) -> None:
    seconds = retry_after_s({"Retry-After": value}, now_s=NOW_S)
    assert seconds is None or 0 <= seconds <= 86400


@given(status=st.integers(300, 599), body=st.binary(max_size=60))
def test_every_refusal_is_some_failure(status: int, body: bytes) -> None:
    failure = classify(status, {}, body, now_s=NOW_S)
    assert failure.message
    assert failure.kind is not FailureKind.CLIENT_GONE
