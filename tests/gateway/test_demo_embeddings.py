"""The demo makes embeddings as a good upstream would."""

import base64
import math
import struct

import pytest
from openai.types import CreateEmbeddingResponse

from omniroute.gateway.demo import DEMO_PROVIDER
from omniroute.records import Endpoint
from tests.gateway.demo_dialogue import JSONObject, ask

EMBEDDINGS = DEMO_PROVIDER.endpoints[Endpoint.EMBEDDINGS]


async def vectors(**more: object) -> list[list[float]]:
    answer = await ask(EMBEDDINGS, {"model": "embed", **more})
    assert answer.status == 200, answer.body
    CreateEmbeddingResponse.model_validate(answer.json)
    return [row["embedding"] for row in answer.json["data"]]


def likeness(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("dimensions", [None, 1, 2, 64, 1536])
async def test_embeddings_are_unit_vectors_of_the_length_asked(dimensions: int | None) -> None:
    more = {} if dimensions is None else {"dimensions": dimensions}
    found = await vectors(input=["one", "two words", "…", "one"], **more)
    assert [len(vector) for vector in found] == [dimensions or 64] * 4
    for vector in found:
        assert math.isclose(sum(number * number for number in vector), 1.0)
    assert found[0] == found[3]


async def test_texts_that_share_words_are_nearer() -> None:
    question, near, far = await vectors(
        input=["the cat sat on the mat", "a cat on a mat", "quarterly revenue"], dimensions=512
    )
    assert likeness(question, near) > likeness(question, far)


async def test_base64_holds_the_same_numbers_as_floats() -> None:
    (floats,) = await vectors(input="some words here")
    answer = await ask(
        EMBEDDINGS, {"model": "embed", "input": "some words here", "encoding_format": "base64"}
    )
    packed = base64.b64decode(answer.json["data"][0]["embedding"])
    assert struct.unpack("<64f", packed) == pytest.approx(floats)


@pytest.mark.parametrize(("given", "count"), [("x", 1), (["x", "y"], 2), ([1, 2], 1), ([[1, 2], [3]], 2)])
async def test_input_may_be_text_or_tokens_one_or_many(given: object, count: int) -> None:
    assert len(await vectors(input=given)) == count


@pytest.mark.parametrize(
    "wrong",
    [
        {"input": None},
        {"input": []},
        {"input": ""},
        {"input": [""]},
        {"input": [1, "x"]},
        {"input": "x", "dimensions": 0},
        {"input": "x", "dimensions": "8"},
        {"input": "x", "encoding_format": "int8"},
    ],
)
async def test_wrong_embedding_requests_are_refused(wrong: JSONObject) -> None:
    assert (await ask(EMBEDDINGS, {"model": "embed", **wrong})).status == 400


async def test_the_chat_model_makes_no_embeddings() -> None:
    assert (await ask(EMBEDDINGS, {"model": "echo", "input": "x"})).status == 404
