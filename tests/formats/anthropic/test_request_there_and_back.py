"""Requests of Anthropic's dialect, there and back."""

import json

from hypothesis import given
from hypothesis import strategies as st

from omniroute.conversation.abilities import plain
from omniroute.errors import Refused
from omniroute.formats import anthropic
from tests.formats.anthropic.asking import Json
from tests.formats.anthropic.test_request_decode import BLOCKS

WHOLE: Json = {
    "model": "m",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "S", "cache_control": {"type": "ephemeral", "scope": "global"}}],
    "messages": [
        {"role": "user", "content": [block for block, _ in BLOCKS[:9]]},
        {"role": "assistant", "content": [BLOCKS[15][0], BLOCKS[18][0], BLOCKS[13][0], BLOCKS[19][0]]},
        {"role": "user", "content": [BLOCKS[9][0], {"type": "text", "text": "so"}]},
        {
            "role": "assistant",
            "content": [
                {
                    "type": "text",
                    "text": "It is.",
                    "citations": [
                        {
                            "type": "web_search_result_location",
                            "url": "https://a.example",
                            "title": "A",
                            "cited_text": "is",
                            "encrypted_index": "E",
                        },
                        {
                            "type": "char_location",
                            "cited_text": "x",
                            "document_index": 0,
                            "document_title": "D",
                            "start_char_index": 0,
                            "end_char_index": 1,
                        },
                        {
                            "type": "search_result_location",
                            "cited_text": "x",
                            "source": "s",
                            "title": None,
                            "search_result_index": 0,
                            "start_block_index": 0,
                            "end_block_index": 1,
                        },
                    ],
                }
            ],
        },
        {"role": "system", "content": [{"type": "tool_addition", "tool": {"type": "tool_reference"}}]},
        {"role": "user", "content": "more", "note": 1},
    ],
    "tools": [
        {
            "name": "look",
            "input_schema": {"type": "object"},
            "cache_control": {"type": "ephemeral"},
            "eager_input_streaming": True,
        },
        {"type": "bash_20250124", "name": "bash"},
    ],
    "tool_choice": {"type": "tool", "name": "bash", "disable_parallel_tool_use": False},
    "thinking": {"type": "adaptive", "display": "omitted", "more": 1},
    "output_config": {
        "effort": "high",
        "format": {
            "type": "json_schema",
            "schema": {"type": "object", "properties": {}, "additionalProperties": False},
        },
        "task_budget": {"type": "tokens", "total": 5},
    },
    "metadata": {"user_id": "ann", "more": True},
    "context_management": {"edits": []},
    "stop_sequences": ["END"],
    "stream": True,
    "top_k": 3,
}


def test_a_request_there_and_back_is_the_same() -> None:
    request = anthropic.decode_request(json.dumps(WHOLE).encode())
    done = anthropic.encode_request(request, plain("m"))
    assert done.losses == ()
    assert anthropic.decode_request(done.body) == request


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def _mutated(draw: st.DrawFn) -> bytes:
    """A request with something else in one place."""
    value = json.loads(json.dumps(WHOLE))
    place = value
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or draw(st.integers(0, 3)) == 0:
            place[key] = draw(_JSON)
            break
        place = place[key]
    return json.dumps(value).encode()


@given(_mutated())
def test_a_request_with_anything_anywhere_is_read_or_refused(body: bytes) -> None:
    try:
        request = anthropic.decode_request(body)
        done = anthropic.encode_request(request, plain("m"))
    except Refused:
        return
    assert isinstance(json.loads(done.body), dict)
