"""Error bodies of many vendors, in one shape."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.formats.wire_error import MAX_MESSAGE_CHARS, WireError


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"error": {"message": "bad key", "type": "invalid_request_error", "code": "invalid_api_key"}},
            WireError("bad key", "invalid_request_error", "invalid_api_key"),
        ),
        (
            {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}, "request_id": "r"},
            WireError("busy", "overloaded_error", None),
        ),
        (
            {"error": {"code": 429, "message": "too fast", "status": "RESOURCE_EXHAUSTED", "details": []}},
            WireError("too fast", None, "429"),
        ),
        ([{"error": {"code": 400, "message": "bad part"}}], WireError("bad part", None, "400")),
        ({"error": "model 'x' not found"}, WireError("model 'x' not found")),
        ({"error": "gone", "type": "t", "code": 7}, WireError("gone", "t", "7")),
        ({"message": "Unauthorized"}, WireError("Unauthorized")),
        ({"object": "error", "message": "m", "type": "T", "code": 40001}, WireError("m", "T", "40001")),
        ({"detail": "Not Found"}, WireError("Not Found")),
        (
            {"detail": [{"loc": ["body", "n"], "msg": "must be 1"}]},
            WireError('[{"loc":["body","n"],"msg":"must be 1"}]'),
        ),
        ({"errors": [{"message": "first"}, {"message": "second"}]}, WireError("first")),
        ({"code": "BadParameter", "message": "no field"}, WireError("no field", None, "BadParameter")),
        ({"error_code": 18, "error_msg": "qps limit"}, WireError("qps limit")),
        ({"error": {"message": ""}}, WireError()),
        ({"error": None}, WireError()),
        ({}, WireError()),
        ([], WireError()),
        ("text", WireError()),
        (7, WireError()),
    ],
)  # fmt: skip
def test_each_vendors_shape_is_read(body: object, expected: WireError) -> None:
    assert WireError.of(json.dumps(body).encode()) == expected


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b'{"error":', b"[" * 100_000])
def test_what_is_no_json_says_nothing(body: bytes) -> None:
    assert WireError.of(body) == WireError()


def test_long_messages_are_cut() -> None:
    body = json.dumps({"error": {"message": "x" * 9000}}).encode()
    assert len(WireError.of(body).message or "") == MAX_MESSAGE_CHARS


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "errors", "message", "code", "type", "detail"]), inner)
    ),
    max_leaves=12,
)


@given(value=_JSON)
def test_no_json_is_too_odd(value: object) -> None:
    error = WireError.of(json.dumps(value).encode())
    for part in (error.message, error.type, error.code):
        assert part is None or isinstance(part, str)
