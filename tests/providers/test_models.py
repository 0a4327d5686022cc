"""Providers' own lists of models."""

import pytest

from omniroute.errors import ProtocolError
from omniroute.providers.models import merge_models, read_models
from omniroute.records import Category, ModelFacts, ModelKind, Price, Provider, Rates


def test_a_list_of_openai() -> None:
    body = {
        "object": "list",
        "data": [
            {"id": "gpt-x", "object": "model", "created": 1, "owned_by": "openai"},
            {"id": "text-embedding-x", "object": "model"},
            {"id": "gpt-x", "object": "model"},
        ],
    }
    assert read_models(body) == (
        ModelFacts(id="gpt-x", custom=True),
        ModelFacts(id="text-embedding-x", kind=ModelKind.EMBEDDING, custom=True),
    )


def test_a_list_of_anthropic() -> None:
    body = {
        "data": [
            {"type": "model", "id": "claude-x-1", "display_name": "Claude X 1", "created_at": "2026-01-01"}
        ],
        "has_more": False,
    }
    assert read_models(body) == (ModelFacts(id="claude-x-1", name="Claude X 1", custom=True),)


def test_a_list_of_gemini() -> None:
    body = {
        "models": [
            {
                "name": "models/gemini-x",
                "displayName": "Gemini X",
                "inputTokenLimit": 1_048_576,
                "outputTokenLimit": 65_536,
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            },
            {"name": "models/vectors-1", "supportedGenerationMethods": ["embedContent"]},
        ]
    }
    assert read_models(body) == (
        ModelFacts(
            id="gemini-x", name="Gemini X", context_tokens=1_048_576, max_output_tokens=65_536, custom=True
        ),
        ModelFacts(id="vectors-1", kind=ModelKind.EMBEDDING, custom=True),
    )


def test_a_list_of_ollama() -> None:
    body = {
        "models": [
            {"name": "llama-x:8b", "model": "llama-x:8b", "size": 1, "details": {"family": "llama"}},
            {"name": "nomic-embed-text:latest", "model": "nomic-embed-text:latest"},
        ]
    }
    assert [(model.id, model.kind) for model in read_models(body)] == [
        ("llama-x:8b", ModelKind.CHAT),
        ("nomic-embed-text:latest", ModelKind.EMBEDDING),
    ]


def test_lists_with_more_to_say() -> None:
    body = {
        "data": [
            {
                "id": "v/m",
                "name": "V: M",
                "context_length": 1000,
                "architecture": {"input_modalities": ["text", "file", "smell"]},
            },
            {"id": "served", "max_model_len": 32_768},
            {"id": "groqish", "context_window": 8192, "max_completion_tokens": 4096},
        ]
    }
    assert read_models(body) == (
        ModelFacts(id="v/m", name="V: M", context_tokens=1000, inputs=("text", "pdf"), custom=True),
        ModelFacts(id="served", context_tokens=32_768, custom=True),
        ModelFacts(id="groqish", context_tokens=8192, max_output_tokens=4096, custom=True),
    )


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ([{"id": "a", "type": "embedding"}], ["a"]),
        ({"result": [{"id": "0b1c", "name": "@cf/meta/llama"}]}, ["@cf/meta/llama"]),
        ({"models": [{"name": "accounts/f/models/x", "contextLength": 5}]}, ["accounts/f/models/x"]),
        ({"data": None}, []),
        ({"data": []}, []),
        ({"data": [None, 3, "x", {}, {"id": ""}, {"id": 4}, {"id": "ok", "context_length": "big"}]}, ["ok"]),
    ],
)
def test_odd_lists_are_read_as_far_as_they_go(body: object, ids: list[str]) -> None:
    assert [model.id for model in read_models(body)] == ids


@pytest.mark.parametrize("body", [None, 3, "models", {}, {"error": {"message": "no"}}, {"data": {"id": "a"}}])
def test_an_answer_without_a_list_is_an_error(body: object) -> None:
    with pytest.raises(ProtocolError):
        read_models(body)


def test_merging_adds_what_is_new_and_keeps_what_is_shipped() -> None:
    price = Price(rates=Rates(input=1), source="catalogue 2026-11-22")
    shipped = ModelFacts(id="a", context_tokens=10, price=price)
    provider = Provider(id="p", name="P", category=Category.API_KEY, models=(shipped,))
    found = (
        ModelFacts(id="a", name="A", context_tokens=99, max_output_tokens=5, custom=True),
        ModelFacts(id="b", custom=True),
    )
    merged = merge_models(provider, found)
    assert merged.models == (
        ModelFacts(id="a", name="A", context_tokens=10, max_output_tokens=5, price=price),
        ModelFacts(id="b", custom=True),
    )
    assert merge_models(merged, found) == merged
