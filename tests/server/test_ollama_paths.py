"""What clients of Ollama ask besides a chat."""

import json
from typing import Any

import pytest

from omniroute.records import ModelFacts, ModelKind
from tests import scripted_upstream as script
from tests.running_gateway import RunningGateway
from tests.scripted_upstream import ScriptedUpstream

EMBED = "/api/embed"
LEGACY = "/api/embeddings"
BIG = ModelFacts(
    id="big", context_tokens=1000, inputs=("text", "image"), tools=True, reasoning=True, custom=True
)
SMALL = ModelFacts(id="small", tools=False, custom=True)
VECTORS = ModelFacts(id="vec", kind=ModelKind.EMBEDDING, dimensions=2, custom=True)


@pytest.fixture
async def models(running: RunningGateway, upstream: ScriptedUpstream) -> RunningGateway:
    """A gateway with one provider of three models."""
    await running.add_node(upstream.url)
    for facts in (BIG, SMALL, VECTORS):
        await running.add_model("node-up", facts)
    return running


@pytest.mark.parametrize(
    ("body", "capabilities"),
    [
        ({"model": "up/big"}, ["completion", "tools", "vision", "thinking"]),
        ({"name": "up/small"}, ["completion"]),
        ({"model": "up/vec", "verbose": True}, ["embedding"]),
        ({"model": "big"}, ["completion", "tools", "vision", "thinking"]),
        ({"model": "up/small:latest"}, ["completion"]),
    ],
)
@pytest.mark.parametrize("path", ["/api/show", "/v1/api/show"])
async def test_a_model_is_shown_by_its_names(
    models: RunningGateway, path: str, body: dict[str, Any], capabilities: list[str]
) -> None:
    got = await models.ask(path, body)
    assert (got.status, got.json["capabilities"]) == (200, capabilities)
    assert got.json["details"]["format"] == "api"
    assert got.json["model_info"]["general.architecture"] == "api"


async def test_the_sizes_of_a_model_are_shown_where_clients_look(models: RunningGateway) -> None:
    big = (await models.ask("/api/show", {"model": "up/big"})).json["model_info"]
    vec = (await models.ask("/api/show", {"model": "up/vec"})).json["model_info"]
    small = (await models.ask("/api/show", {"model": "up/small"})).json["model_info"]
    assert big["context_length"] == big["api.context_length"] == 1000
    assert vec["api.embedding_length"] == 2
    assert not any("context" in name for name in small)


@pytest.mark.parametrize(
    ("body", "status"),
    [({"model": "up/huge"}, 404), ({"model": "nobody/x"}, 404), ({}, 400), ({"model": 3}, 400), (b"{", 400)],
)
async def test_a_model_that_cannot_be_shown_is_told_in_a_sentence(
    models: RunningGateway, body: Any, status: int
) -> None:
    got = await models.ask("/api/show", body)
    assert got.status == status
    assert isinstance(got.json["error"], str)
    assert await models.rows() == []


async def test_no_model_is_in_memory(models: RunningGateway) -> None:
    for path in ("/api/ps", "/v1/api/ps"):
        assert (await models.send("GET", path)).json == {"models": []}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_clients_of_ollama_find_their_sentence(running: RunningGateway, method: str) -> None:
    got = await running.send(method, "/")
    assert got.status == 200
    assert (b"Ollama is running" in got.body) is (method == "GET")


@pytest.mark.parametrize("path", ["/api/pull", "/api/push", "/api/create", "/api/copy", "/api/delete"])
async def test_what_is_about_files_is_not_served_and_told_in_a_sentence(
    running: RunningGateway, path: str
) -> None:
    got = await running.ask(path, {"model": "m"})
    assert (got.status, type(got.json["error"])) == (404, str)


async def test_embeddings_are_asked_in_openais_way(
    models: RunningGateway, upstream: ScriptedUpstream
) -> None:
    data = [{"index": place, "embedding": [place, 0.5]} for place in (1, 0)]
    upstream.script(
        script.body(b'{"data": %s, "usage": {"prompt_tokens": 7}}' % str(data).replace("'", '"').encode())
    )
    body = {"model": "up/vec", "input": ["a", "b"], "dimensions": 2, "options": {"num_ctx": 5}}
    got = await models.ask(EMBED, body)
    assert upstream.requests[0].path == "/v1/embeddings"
    assert upstream.requests[0].json == {"model": "vec", "input": ["a", "b"], "dimensions": 2}
    assert (got.status, got.json["model"], got.json["embeddings"]) == (200, "up/vec", [[0, 0.5], [1, 0.5]])
    assert got.json["prompt_eval_count"] == 7
    assert got.json["total_duration"] > 0
    assert got.headers["X-OmniRoute-Dropped"] == "options"
    row = await models.row()
    assert (row.operation, row.status, row.usage.input, row.path) == ("embeddings", 200, 7, EMBED)
    assert row.dropped == ("options",)


async def test_the_older_question_gets_one_vector(models: RunningGateway) -> None:
    got = await models.ask(f"/v1{LEGACY}", {"model": "up/vec", "prompt": "a"})
    assert (got.status, got.json) == (200, {"embedding": [0.6, -0.8]})
    assert "X-OmniRoute-Dropped" not in got.headers


async def test_nothing_to_embed_asks_nobody(models: RunningGateway, upstream: ScriptedUpstream) -> None:
    assert (await models.ask(EMBED, {"model": "up/vec"})).json == {"model": "up/vec", "embeddings": []}
    assert (await models.ask(LEGACY, {"model": "up/vec", "prompt": ""})).json == {"embedding": []}
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        (script.error(400, "too long"), 400),
        (script.error(429, "slowly"), 429),
        (script.body(b'{"data": [{"embedding": "%%"}]}'), 502),
        (script.body(b'{"nothing": 1}'), 502),
    ],
)
@pytest.mark.parametrize("path", [EMBED, LEGACY])
async def test_what_goes_wrong_is_told_in_a_sentence(
    models: RunningGateway, upstream: ScriptedUpstream, path: str, behaviour: script.Behaviour, status: int
) -> None:
    upstream.otherwise = behaviour
    got = await models.ask(path, {"model": "up/vec", "input": "a", "prompt": "a"})
    assert (got.status, type(got.json["error"])) == (status, str)


async def test_a_model_that_is_not_there_has_no_embeddings(models: RunningGateway) -> None:
    got = await models.ask(EMBED, {"model": "nobody/x", "input": "a"})
    assert (got.status, type(got.json["error"])) == (404, str)


@pytest.mark.parametrize("path", ["/api/generate", "/v1/api/generate"])
async def test_one_prompt_gets_its_answer(
    models: RunningGateway, upstream: ScriptedUpstream, path: str
) -> None:
    body = {"model": "up/big", "prompt": "Say hello", "system": "Be brief.", "options": {"num_predict": 9}}
    got = await models.ask(path, {**body, "stream": False})
    assert got.status == 200, got.body
    assert (got.json["model"], got.json["response"], got.json["done"]) == ("up/big", script.TEXT, True)
    asked = upstream.requests[0].json
    assert [message["content"] for message in asked["messages"]] == ["Be brief.", "Say hello"]
    assert (asked["model"], asked["max_tokens"]) == ("big", 9)
    streamed = await models.ask(path, body)
    assert streamed.headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in streamed.body.splitlines()]
    assert "".join(line["response"] for line in lines) == script.TEXT
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/generate", {}),
        ("/api/generate", {"prompt": ""}),
        ("/api/chat", {}),
        ("/api/chat", {"messages": []}),
    ],
)
async def test_a_model_is_loaded_at_once(
    models: RunningGateway, upstream: ScriptedUpstream, path: str, body: dict[str, Any]
) -> None:
    got = await models.ask(path, {"model": "up/big", **body})
    assert (got.status, got.headers["Content-Type"]) == (200, "application/x-ndjson")
    assert (got.json["model"], got.json["done"], got.json["done_reason"]) == ("up/big", True, "load")
    away = await models.ask(path, {"model": "up/big", **body, "keep_alive": 0, "stream": False})
    assert (away.json["done_reason"], away.headers["Content-Type"]) == ("unload", "application/json")
    assert (await models.ask(path, {"model": "nobody/x", **body})).status == 404
    assert upstream.requests == []


async def test_a_prompt_that_cannot_be_honoured_is_refused(models: RunningGateway) -> None:
    got = await models.ask("/api/generate", {"model": "up/big", "prompt": "a", "suffix": "b"})
    assert got.status == 400
    assert "suffix" in got.json["error"]
