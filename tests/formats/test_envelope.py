"""A request's top level is read and edited without touching the rest."""

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import ErrorKind, Refused
from omniroute.formats import FORMATS
from omniroute.formats.envelope import Envelope
from omniroute.records import FormatName

_RAW = st.sampled_from(
    ['{"b": {"model": "gpt-x"}}', "1", "1.0", "1e3", "-0",
     "0.10", "12345678901234567890123", "true", "null", '"x"', '"\\u00e9"', '"é"',
     '"\\/"', "[]", "[ 1 ,2]", '{"model":"gpt-x"}', '"gpt-x"', '"model\\": \\"gpt-x"']
)  # fmt: skip
_NAMES = st.sampled_from(["messages", "stream", "n", "temperature", "tools", "metadata", "é", "a b"])
_BLANKS = st.sampled_from(["", " ", "\n  ", "\t"])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A JSON object with a model, in any order and spacing."""
    members = draw(st.dictionaries(_NAMES, _RAW, max_size=5))
    texts = [f'"{name}"{draw(_BLANKS)}:{draw(_BLANKS)}{raw}' for name, raw in members.items()]
    texts.insert(draw(st.integers(0, len(texts))), f'"model"{draw(_BLANKS)}:{draw(_BLANKS)}"gpt-x"')
    return f"{draw(_BLANKS)}{{{f',{draw(_BLANKS)}'.join(texts)}{draw(_BLANKS)}}}{draw(_BLANKS)}".encode()


def members_of(body: bytes) -> list[tuple[str, bytes | None]]:
    """Names in order, with their texts as they stand."""
    envelope = Envelope(body)
    return [(name, envelope.raw(name)) for name in json.loads(body)]


@given(body=bodies(), name=st.text(min_size=1, max_size=20).filter(str.isprintable))
def test_another_model_changes_nothing_else(body: bytes, name: str) -> None:
    changed = Envelope(body).with_model(name)
    new = json.dumps(name, ensure_ascii=False).encode()
    expected = [(member, new if member == "model" else raw) for member, raw in members_of(body)]
    assert [(member, raw) for member, raw in members_of(changed) if member != "model"] == [
        (member, raw) for member, raw in expected if member != "model"
    ]
    assert [member for member, _ in members_of(changed)] == [member for member, _ in expected]
    assert Envelope(changed).value("model") == name


@given(body=bodies())
def test_other_bytes_stay_where_the_name_stands_once(body: bytes) -> None:
    if body.count(b'"gpt-x"') == 1:
        assert Envelope(body).with_model("m/2") == body.replace(b'"gpt-x"', b'"m/2"')


@given(body=bodies())
def test_the_same_model_changes_no_byte(body: bytes) -> None:
    assert Envelope(body).with_model("gpt-x") == body


def test_the_name_inside_a_prompt_is_not_changed() -> None:
    body = b'{"messages":[{"content":"I said \\"gpt-x\\" and"},"gpt-x"],"model":"gpt-x","n":1.50}'
    changed = Envelope(body).with_model("other")
    assert changed == b'{"messages":[{"content":"I said \\"gpt-x\\" and"},"gpt-x"],"model":"other","n":1.50}'


def test_a_key_of_the_models_name_is_not_changed() -> None:
    body = b'{"model":"tools","tools":[],"n":1}'
    assert json.loads(Envelope(body).with_model("m")) == {"model": "m", "tools": [], "n": 1}


def test_the_only_occurrence_may_not_be_the_model() -> None:
    """An escaped spelling of the name leaves the text of another member as the only match."""
    body = b'{"model":"a\\/b","x":"a/b"}'
    assert json.loads(Envelope(body).with_model("c")) == {"model": "c", "x": "a/b"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","messages":[{"content":"cut \\ud83d"}],"n":1.50}',
        b'{"model":"m","temperature":NaN}',
        b'{"model":"m","top_p":-Infinity,"x":"\\udc00"}',
    ],
)
def test_what_only_lenient_parsers_take_is_accepted_and_kept(body: bytes) -> None:
    envelope = Envelope(body)
    assert envelope.model == "m"
    before, after = json.loads(body), json.loads(envelope.with_model("other"))
    assert repr({**before, "model": "other"}) == repr(after)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b'"x"', b"null", b"\xff\xfe", b"<html>", b'{"a":1}x']
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        Envelope(body)
    assert refused.value.kind is ErrorKind.INVALID_JSON


@pytest.mark.parametrize("depth", [600, 5000, 100_000])
def test_deep_nesting_is_refused_or_read_but_no_crash(depth: int) -> None:
    body = b'{"model":"m","messages":' + b"[" * depth + b"]" * depth + b"}"
    with suppress(Refused):
        Envelope(body).value("messages")


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"model":null}',
        b'{"model":7}',
        b'{"model":"  "}',
        b'{"model":"a\\u0000"}',
        b'{"model":"../../x"}',
        b'{"model":"' + b"x" * 300 + b'"}',
    ],
)
def test_a_model_that_is_no_name_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        _ = Envelope(body).model
    assert refused.value.param == "model"


@pytest.mark.parametrize(
    ("body", "stream"),
    [(b'{"stream":true}', True), (b'{"stream": true }', True), (b'{"stream":false}', False), (b"{}", False),
     (b'{"stream":"true"}', False), (b'{"stream":1}', False)],
)  # fmt: skip
def test_a_stream_is_asked_for_in_so_many_words(body: bytes, stream: bool) -> None:
    assert Envelope(body).stream is stream


def test_members_are_set_in_place_and_new_ones_last() -> None:
    body = b'{"stream_options":{"a":1},"n":1.50}'
    assert Envelope(body).with_members({"x": b"[1]", "stream_options": b"{}"}) == (
        b'{"stream_options":{},"n":1.50,"x":[1]}'
    )


@given(value=st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5), st.lists))
def test_a_member_is_decoded(value: Any) -> None:
    body = json.dumps({"a": value}).encode()
    assert Envelope(body).value("a") == value
    assert Envelope(body).value("b") is None


_ASKED = {"role": "user", "content": "hi"}
BODIES = {
    FormatName.OPENAI_CHAT: {"model": "m", "messages": [_ASKED], "new": 1},
    FormatName.OPENAI_RESPONSES: {"model": "m", "input": "hi", "new": 1},
    FormatName.ANTHROPIC: {"model": "m", "max_tokens": 9, "messages": [_ASKED], "new": 1},
    FormatName.GEMINI: {"model": "m", "contents": [{"parts": [{"text": "hi"}]}], "system_instruction": None},
    FormatName.OLLAMA: {"model": "m", "messages": [_ASKED], "new": 1},
}


@pytest.mark.parametrize("name", list(FormatName))
def test_a_request_is_the_same_whether_or_not_its_body_was_taken_apart_before(name: FormatName) -> None:
    envelope = Envelope(msgspec.json.encode(BODIES[name]))
    members = envelope.members
    assert members is not None
    decode = FORMATS[name].decode_request
    assert decode(envelope.body, members=members) == decode(envelope.body)
    assert envelope.value("model") == "m"  # its own members are left to it


def test_members_that_had_to_be_mended_are_not_given_on() -> None:
    assert Envelope(b'{"model":"m","top_p":NaN}').members is None
