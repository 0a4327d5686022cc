"""Embeddings in the dialects of Gemini and Ollama, through OpenAI's."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import ErrorKind, ProtocolError, Refused
from omniroute.formats.embeddings import in_base64, vectors
from omniroute.formats.gemini import embeddings as gemini
from omniroute.formats.ollama import embeddings as ollama

FLOATS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False))
NAMES = st.sampled_from(
    ["model", "input", "prompt", "content", "parts", "text", "requests", "dimensions", "outputDimensionality"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def hello(text: object = "Hello", **members: object) -> dict[str, Any]:
    return {"content": {"parts": [{"text": text}]}, **members}


def of_gemini(body: object, *, batch: bool = False) -> tuple[Any, tuple[str, ...]]:
    encoded = gemini.openai_request(json.dumps(body).encode(), model="up/e", batch=batch)
    return json.loads(encoded.body), encoded.losses


def of_ollama(body: object, *, legacy: bool = False) -> tuple[Any, tuple[str, ...]]:
    encoded = ollama.openai_request(json.dumps(body).encode(), legacy=legacy)
    return (None, ()) if encoded is None else (json.loads(encoded.body), encoded.losses)


def openai_answer(*given: object, usage: object = None, backwards: bool = False) -> bytes:
    data = [{"object": "embedding", "index": place, "embedding": v} for place, v in enumerate(given)]
    answer = {"object": "list", "data": data[::-1] if backwards else data, "model": "e"}
    return json.dumps(answer | ({} if usage is None else {"usage": usage})).encode()


@pytest.mark.parametrize(
    ("body", "asked", "losses"),
    [
        (hello(), {"input": "Hello"}, ()),
        (hello(model="models/other"), {"input": "Hello"}, ()),
        (hello(outputDimensionality=8), {"input": "Hello", "dimensions": 8}, ()),
        (hello(output_dimensionality=8), {"input": "Hello", "dimensions": 8}, ()),
        (hello(embedContentConfig={"outputDimensionality": 8}), {"input": "Hello", "dimensions": 8}, ()),
        (hello(taskType="CLUSTERING", title="T"), {"input": "Hello"}, ("taskType", "title")),
        (hello(embed_content_config={"task_type": "CLUSTERING"}), {"input": "Hello"}, ("taskType",)),
        ({"content": "Hello"}, {"input": "Hello"}, ()),
        ({"content": {"parts": {"text": "Hello"}}}, {"input": "Hello"}, ()),
        ({"content": {"parts": [{"text": "a"}, {"text": "b"}]}}, {"input": "a\nb"}, ()),
    ],
)
def test_one_content_of_gemini_is_one_input(
    body: object, asked: dict[str, Any], losses: tuple[str, ...]
) -> None:
    assert of_gemini(body) == ({"model": "up/e"} | asked, losses)


def test_a_batch_of_gemini_is_a_list_of_inputs() -> None:
    requests = [hello("a", taskType="CLUSTERING", outputDimensionality=4), hello("b", outputDimensionality=4)]
    asked = {"model": "up/e", "input": ["a", "b"], "dimensions": 4}
    assert of_gemini({"requests": requests}, batch=True) == (asked, ("taskType",))
    assert of_gemini({"requests": [hello()]}, batch=True)[0]["input"] == ["Hello"]


@pytest.mark.parametrize(
    ("body", "batch", "param", "kind"),
    [
        ({}, False, "content", ErrorKind.BAD_REQUEST),
        ({"content": {"parts": []}}, False, "content", ErrorKind.BAD_REQUEST),
        ({"content": 3}, False, "content", ErrorKind.BAD_REQUEST),
        ({"content": {"parts": [{"inlineData": {}}]}}, False, "content.parts[0]", ErrorKind.UNSUPPORTED),
        ({"content": {"parts": [7]}}, False, "content.parts[0]", ErrorKind.UNSUPPORTED),
        (hello(outputDimensionality=0), False, "outputDimensionality", ErrorKind.BAD_REQUEST),
        (hello(outputDimensionality=True), False, "outputDimensionality", ErrorKind.BAD_REQUEST),
        (hello(outputDimensionality="8"), False, "outputDimensionality", ErrorKind.BAD_REQUEST),
        ({}, True, "requests", ErrorKind.BAD_REQUEST),
        ({"requests": []}, True, "requests", ErrorKind.BAD_REQUEST),
        ({"requests": [3]}, True, "requests[0]", ErrorKind.BAD_REQUEST),
        ({"requests": [hello(), {}]}, True, "requests[1].content", ErrorKind.BAD_REQUEST),
        ({"requests": [hello(), hello(outputDimensionality=4)]}, True, "requests", ErrorKind.UNSUPPORTED),
        ({"requests": [hello()] * 2049}, True, "requests", ErrorKind.BAD_REQUEST),
    ],
)
def test_what_is_wrong_in_a_request_of_gemini_is_named(
    body: object, batch: bool, param: str, kind: ErrorKind
) -> None:
    with pytest.raises(Refused) as refused:
        of_gemini(body, batch=batch)
    assert (refused.value.param, refused.value.kind) == (param, kind)
    assert param in refused.value.message


@pytest.mark.parametrize(
    ("body", "legacy", "asked", "losses"),
    [
        ({"model": "m", "input": "Hello"}, False, {"input": ["Hello"]}, ()),
        ({"model": "m", "input": ["a", "b"]}, False, {"input": ["a", "b"]}, ()),
        ({"model": "m", "input": "a", "dimensions": 4}, False, {"input": ["a"], "dimensions": 4}, ()),
        ({"model": "m", "input": "a", "keep_alive": "5m"}, False, {"input": ["a"]}, ()),
        ({"model": "m", "input": "a", "options": {}}, False, {"input": ["a"]}, ()),
        ({"model": "m", "input": "a", "options": {"num_ctx": 9}}, False, {"input": ["a"]}, ("options",)),
        ({"model": "m", "input": "a", "truncate": False}, False, {"input": ["a"]}, ("truncate",)),
        ({"model": "m", "prompt": "Hello"}, True, {"input": ["Hello"]}, ()),
    ],
)
def test_a_request_of_ollama_is_a_list_of_inputs(
    body: object, legacy: bool, asked: dict[str, Any], losses: tuple[str, ...]
) -> None:
    assert of_ollama(body, legacy=legacy) == ({"model": "m"} | asked, losses)


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("members", [{}, {"input": "", "prompt": ""}, {"input": None, "prompt": None}])
def test_nothing_to_embed_is_no_question(members: dict[str, Any], legacy: bool) -> None:
    assert of_ollama({"model": "m", **members}, legacy=legacy) == (None, ())
    empty = json.loads(ollama.nothing("m", legacy=legacy))
    assert empty == ({"embedding": []} if legacy else {"model": "m", "embeddings": []})


@pytest.mark.parametrize(
    ("body", "legacy", "param"),
    [
        ({"input": "a"}, False, "model"),
        ({"model": "m", "input": 3}, False, "input"),
        ({"model": "m", "input": ["a", 3]}, False, "input[1]"),
        ({"model": "m", "input": "a", "dimensions": -1}, False, "dimensions"),
        ({"model": "m", "prompt": ["a"]}, True, "prompt"),
    ],
)
def test_what_is_wrong_in_a_request_of_ollama_is_named(body: object, legacy: bool, param: str) -> None:
    with pytest.raises(Refused) as refused:
        of_ollama(body, legacy=legacy)
    assert refused.value.param == param


def test_an_answer_is_told_to_clients_of_gemini() -> None:
    usage = {"prompt_tokens": 5, "total_tokens": 5}
    one = json.loads(gemini.answer(openai_answer([0.5, -1], usage=usage), batch=False))
    assert one == {"embedding": {"values": [0.5, -1]}, "usageMetadata": {"promptTokenCount": 5}}
    two = json.loads(gemini.answer(openai_answer([1], [2], backwards=True), batch=True))
    assert two == {"embeddings": [{"values": [1]}, {"values": [2]}]}


def test_an_answer_is_told_to_clients_of_ollama() -> None:
    body = openai_answer([1], [2], usage={"prompt_tokens": 3})
    assert json.loads(ollama.answer(body, model="m", legacy=False, took_ns=7)) == {
        "model": "m",
        "embeddings": [[1], [2]],
        "total_duration": 7,
        "load_duration": 0,
        "prompt_eval_count": 3,
    }
    assert json.loads(ollama.answer(body, model="m", legacy=True, took_ns=7)) == {"embedding": [1]}


def test_unknown_usage_stays_unknown() -> None:
    assert "prompt_eval_count" not in json.loads(
        ollama.answer(openai_answer([1]), model="m", legacy=False, took_ns=7)
    )


@given(st.lists(FLOATS, min_size=1, max_size=4))
def test_packed_vectors_are_unpacked(numbers: list[list[float]]) -> None:
    found, _ = vectors(in_base64(openai_answer(*numbers)))
    assert [json.loads(bytes(vector)) for vector in found] == numbers


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"data": 3}', openai_answer(None), openai_answer(3), openai_answer("%%%%%")]
)
def test_what_is_no_list_of_vectors_is_the_upstreams_fault(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        gemini.answer(body, batch=True)


@given(VALUES, st.booleans())
def test_any_body_is_asked_or_refused(value: object, flag: bool) -> None:
    for translate in (of_gemini, of_ollama):
        try:
            asked, _ = (
                translate(value, batch=flag) if translate is of_gemini else of_ollama(value, legacy=flag)
            )
        except Refused:
            continue
        assert asked is None or isinstance(asked["input"], str | list)
