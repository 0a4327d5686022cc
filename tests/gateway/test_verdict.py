"""What answers to a test mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.gateway.verdict import Finding, TestAnswer, Verdict, of_call, of_list, of_model, reason, told


@pytest.mark.parametrize(
    ("status", "body", "finding", "valid"),
    [
        (200, b'{"choices":[]}', Finding.OK, True),
        (200, b"<html>", Finding.UPSTREAM_ERROR, False),
        (400, b"{}", Finding.OK, True),
        (422, b"{}", Finding.OK, True),
        (401, b"{}", Finding.AUTH_ERROR, False),
        (403, b"{}", Finding.AUTH_ERROR, False),
        (402, b"{}", Finding.UPSTREAM_ERROR, False),
        (404, b"{}", Finding.UNSUPPORTED, None),
        (405, b"", Finding.UNSUPPORTED, None),
        (429, b"{}", Finding.RATE_LIMITED, True),
        (307, b"", Finding.UPSTREAM_ERROR, False),
        (500, b"", Finding.UNAVAILABLE, False),
    ],
)
def test_a_call_says_this_of_the_key(status: int, body: bytes, finding: Finding, valid: bool | None) -> None:
    verdict = of_call(TestAnswer(status, body))
    assert (verdict.finding, verdict.valid) == (finding, valid)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_call_with_a_model_asked_for_fails_when_the_model_does(status: int) -> None:
    verdict = of_model(TestAnswer(status, b'{"error":{"message":"no such model"}}'), "m-1")
    assert (verdict.valid, verdict.message) == (False, "model 'm-1': no such model")


def test_a_list_that_is_not_served_says_nothing() -> None:
    assert of_list(TestAnswer(404, b"not found")) is None


def test_a_list_of_models_proves_the_account() -> None:
    assert of_list(TestAnswer(200, b'{"data":[{"id":"m"}]}')) == Verdict(Finding.OK, None, 200)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error":{"message":"one"}}', "one"),
        (b'{"error":"two"}', "two"),
        (b'{"detail":"three"}', "three"),
        (b'{"message":"four","code":1}', "four"),
        (b'{"type":"error","error":{"type":"x","message":"five"}}', "five"),
        (b'{"error":{"message":7}}', "status 418"),
        (b"<html>teapot</html>", "status 418"),
        (b"\xff\xfe", "status 418"),
    ],
)
def test_the_provider_is_quoted(body: bytes, words: str) -> None:
    assert reason(TestAnswer(418, body)) == words


@given(before=st.text(), after=st.text(), secret=st.text("abcdef0123456789", min_size=8))
def test_what_is_told_never_holds_the_key(before: str, after: str, secret: str) -> None:
    assert secret not in told(f"{before}{secret}{after}", secret).replace("****", "\0")


@given(status=st.integers(100, 599), body=st.binary(max_size=60))
def test_every_answer_has_a_verdict(status: int, body: bytes) -> None:
    assert of_call(TestAnswer(status, body)).finding in Finding
    of_list(TestAnswer(status, body))
