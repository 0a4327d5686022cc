"""Embeddings in the encoding a client asked for."""

import base64
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.formats.embeddings import in_base64

FLOATS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False))


def answer(*vectors: object) -> bytes:
    data = [{"object": "embedding", "index": place, "embedding": v} for place, v in enumerate(vectors)]
    return json.dumps({"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 5}}).encode()


@given(st.lists(FLOATS, min_size=1))
def test_base64_holds_the_numbers_of_the_upstream(vectors: list[list[float]]) -> None:
    packed = json.loads(in_base64(answer(*vectors)))["data"]
    for vector, item in zip(vectors, packed, strict=True):
        raw = base64.b64decode(item["embedding"])
        assert list(struct.unpack(f"<{len(vector)}f", raw)) == vector


def test_everything_but_the_vectors_stays() -> None:
    before, after = json.loads(answer([0.5])), json.loads(in_base64(answer([0.5])))
    assert after["data"][0].pop("embedding") == "AAAAPw=="
    assert before["data"][0].pop("embedding") == [0.5]
    assert after == before


@pytest.mark.parametrize(
    "body", [answer("AAAAPw=="), answer(), answer([1.0], "AAAA"), b'{"data": 3}', b"no JSON"]
)
def test_an_answer_without_numbers_is_left_alone(body: bytes) -> None:
    assert in_base64(body) == body
