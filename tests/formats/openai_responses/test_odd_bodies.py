"""Bodies of any shape: refused, or a broken peer, and nothing else."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.abilities import plain
from omniroute.conversation.fold import StreamFailed
from omniroute.errors import ProtocolError, Refused
from omniroute.formats.openai_responses import (
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from tests.formats.openai_responses.asking import BODIES
from tests.formats.openai_responses.wires import CALL, MESSAGE, THOUGHT, answer, facts

_NAMES = st.sampled_from(
    [
        *(
            "input",
            "output",
            "type",
            "role",
            "content",
            "text",
            "summary",
            "name",
            "arguments",
            "call_id",
            "tools",
        ),
        *(
            "tool_choice",
            "reasoning",
            "include",
            "instructions",
            "image_url",
            "file_data",
            "annotations",
            "id",
        ),
    ]
)
_WORDS = st.sampled_from(
    [
        *(
            "",
            "x",
            "message",
            "user",
            "assistant",
            "system",
            "function",
            "function_call",
            "custom",
            "namespace",
        ),
        *("input_text", "output_text", "input_image", "input_file", "reasoning", "allowed_tools", "\ud83d"),
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=20,
)


def _json(value: object) -> bytes:
    import json

    return json.dumps(value).encode()


def _check_request(body: bytes) -> None:
    try:
        request = decode_request(body, model="m")
    except Refused:
        return
    try:
        sent = encode_request(request, plain("m"))
    except Refused:
        return
    again = encode_request(decode_request(sent.body), plain("m"))
    assert again.body == sent.body


@given(members=st.dictionaries(_NAMES, _VALUES, max_size=6))
def test_a_request_of_any_shape_is_read_or_refused(members: dict[str, Any]) -> None:
    _check_request(_json({"input": "x"} | members))


@given(name=st.sampled_from(sorted(BODIES)), path=st.lists(st.integers(0, 9), max_size=5), value=_VALUES)
def test_a_request_with_one_odd_value_is_read_or_refused(name: str, path: list[int], value: object) -> None:
    body = msgspec.json.decode(msgspec.json.encode({"input": "x"} | BODIES[name]))
    _check_request(_json(_with(body, path, value)))


@given(path=st.lists(st.integers(0, 9), max_size=5), value=_VALUES)
def test_an_answer_with_one_odd_value_is_read_or_broken(path: list[int], value: object) -> None:
    body = _with(answer(THOUGHT, MESSAGE, CALL), path, value)
    try:
        response = decode_response(_json(body))
    except (ProtocolError, StreamFailed):
        return
    encode_response(response, facts())


def _with(value: Any, path: list[int], new: object) -> Any:
    """The JSON with one value replaced, found by walking down."""
    if not path or not isinstance(value, dict | list) or not value:
        return new
    place, *rest = path
    if isinstance(value, list):
        place %= len(value)
        return [_with(item, rest, new) if number == place else item for number, item in enumerate(value)]
    name = sorted(value)[place % len(value)]
    return value | {name: _with(value[name], rest, new)}
