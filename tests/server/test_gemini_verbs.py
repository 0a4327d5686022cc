"""Gemini's verbs below a model, and its list of models page by page."""

import json
from typing import Any

import pytest

from omniroute.records import ModelFacts, ModelKind, NodeType, Outcome
from tests import scripted_upstream as script
from tests.running_gateway import RunningGateway
from tests.scripted_upstream import ScriptedUpstream, refused_url

MODEL = "/v1beta/models/up/m-1"
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Say hello"}]}]}
CONTENT = {"content": {"parts": [{"text": "a"}]}}
SSE = "text/event-stream"


def piece(text: str, **members: object) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, **members}]}


PIECES = [piece("Hel"), piece("lo"), piece("!", finishReason="STOP")]
STREAM = b": hello\n\n" + b"".join(b"data: " + json.dumps(one).encode() + b"\r\n\r\n" for one in PIECES)


@pytest.fixture
async def gemini(running: RunningGateway, upstream: ScriptedUpstream) -> RunningGateway:
    """A gateway with a server that speaks Gemini's dialect."""
    await running.add_node(upstream.url, type=NodeType.GEMINI)
    upstream.otherwise = script.body(STREAM, content_type=SSE)
    return running


@pytest.mark.parametrize("query", ["", "?alt=json", "?$alt=json;enum-encoding=int"])
@pytest.mark.parametrize("cuts", [(), (1,), (30,), tuple(range(1, 120, 7)), (len(STREAM) - 2,)])
async def test_without_events_a_stream_is_one_array(
    gemini: RunningGateway, upstream: ScriptedUpstream, query: str, cuts: tuple[int, ...]
) -> None:
    upstream.script(script.cut_at(upstream.otherwise, *cuts))
    got = await gemini.ask(f"{MODEL}:streamGenerateContent{query}", CONTENTS)
    assert (got.status, got.headers["Content-Type"]) == (200, "application/json")
    assert got.json == PIECES
    assert upstream.requests[0].path == "/v1/models/m-1:streamGenerateContent?alt=sse"
    assert (await gemini.row()).outcome is Outcome.OK


@pytest.mark.parametrize("size", [60, len(STREAM) - 40, len(STREAM) - 5])
async def test_an_array_of_a_stream_that_broke_off_ends_in_an_error(
    gemini: RunningGateway, upstream: ScriptedUpstream, size: int
) -> None:
    upstream.script(script.body(STREAM[: size if size > 100 else 150], content_type=SSE))
    got = await gemini.ask(f"{MODEL}:streamGenerateContent", CONTENTS)
    *pieces, last = got.json
    assert pieces == PIECES[: len(pieces)]
    assert pieces
    assert last["error"].keys() >= {"code", "message", "status"}
    assert not any("finishReason" in one["candidates"][0] for one in pieces)


async def test_an_error_before_the_array_has_its_status(
    gemini: RunningGateway, upstream: ScriptedUpstream
) -> None:
    error = {"error": {"code": 429, "message": "slowly", "status": "RESOURCE_EXHAUSTED"}}
    upstream.otherwise = script.body(json.dumps(error).encode(), status=429)
    got = await gemini.ask(f"{MODEL}:streamGenerateContent", CONTENTS)
    assert (got.status, got.json) == (429, error)


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
async def test_a_tuned_model_stands_where_others_do(
    gemini: RunningGateway, upstream: ScriptedUpstream, version: str
) -> None:
    upstream.script(script.body(json.dumps(PIECES[2]).encode()))
    got = await gemini.ask(f"/{version}/tunedModels/up/m-1:generateContent", CONTENTS)
    assert (got.status, got.json) == (200, PIECES[2])


@pytest.mark.parametrize("verb", ["predict", "batchGenerateContent", "", "m-1"])
async def test_a_verb_nobody_knows_is_not_found(gemini: RunningGateway, verb: str) -> None:
    got = await gemini.ask(f"{MODEL}:{verb}", CONTENTS)
    assert (got.status, got.error["code"], got.error["status"]) == (404, 404, "NOT_FOUND")


@pytest.mark.parametrize("version", ["v1", "v1beta"])
async def test_embeddings_are_asked_in_openais_way(
    running: RunningGateway, upstream: ScriptedUpstream, version: str
) -> None:
    await running.add_node(upstream.url)
    path = f"/{version}/models/up/vec"
    one = await running.ask(f"{path}:embedContent", {**CONTENT, "outputDimensionality": 2, "taskType": "X"})
    many = await running.ask(
        f"{path}:batchEmbedContents", {"requests": [{"model": "models/up/vec", **CONTENT}]}
    )
    vector = {"values": [0.6, -0.8]}
    usage = {"usageMetadata": {"promptTokenCount": 4}}
    assert (one.status, one.json) == (200, {"embedding": vector, **usage})
    assert one.headers["X-OmniRoute-Dropped"] == "taskType"
    assert (many.status, many.json) == (200, {"embeddings": [vector], **usage})
    asked = [request.json for request in upstream.requests]
    assert asked == [{"model": "vec", "input": "a", "dimensions": 2}, {"model": "vec", "input": ["a"]}]


@pytest.mark.parametrize(
    ("model", "body", "status"),
    [("up/vec", {}, 400), ("nobody/x", CONTENT, 404), ("up/vec", {"content": {"parts": [{"x": 1}]}}, 400)],
)
async def test_embeddings_that_cannot_be_had_are_told_in_the_dialect(
    running: RunningGateway, upstream: ScriptedUpstream, model: str, body: dict[str, Any], status: int
) -> None:
    await running.add_node(upstream.url)
    got = await running.ask(f"/v1beta/models/{model}:embedContent", body)
    assert (got.status, got.error["code"]) == (status, status)
    assert upstream.requests == []


async def names(running: RunningGateway, query: str = "") -> tuple[list[str], str | None]:
    got = await running.send("GET", f"/v1beta/models{query}")
    assert got.status == 200, got.body
    return [model["name"] for model in got.json["models"]], got.json.get("nextPageToken")


@pytest.fixture
async def many(running: RunningGateway) -> list[str]:
    """The names of more models than a page has."""
    await running.add_node(refused_url())
    for number in range(60):
        await running.add_model("node-up", ModelFacts(id=f"m-{number:02}", custom=True))
    await running.add_model("node-up", ModelFacts(id="paint", kind=ModelKind.IMAGE, custom=True))
    auto = [f"models/{name}" for name in ("auto", "auto/fast", "auto/cheap", "auto/coding")]
    return [*auto, *(f"models/up/m-{number:02}" for number in range(60))]


@pytest.mark.parametrize("query", ["", "?pageSize=", "?pageSize=x", "?pageSize=-3", "?pageSize=50"])
async def test_a_page_has_fifty_models_unless_told(
    running: RunningGateway, many: list[str], query: str
) -> None:
    shown, token = await names(running, query)
    assert shown == many[:50]
    assert token is not None
    assert await names(running, f"{query or '?x=1'}&pageToken={token}") == (many[50:], None)


@pytest.mark.parametrize("size", [0, 64, 1000, 10**30])
async def test_all_models_fit_on_a_page_that_is_large_enough(
    running: RunningGateway, many: list[str], size: int
) -> None:
    assert await names(running, f"?pageSize={size}") == (many, None)


async def test_pages_laid_together_are_the_list(running: RunningGateway, many: list[str]) -> None:
    seen: list[str] = []
    query = "?pageSize=7"
    for _ in range(10):
        shown, token = await names(running, query)
        seen += shown
        query = f"?pageSize=7&pageToken={token}"
    assert (seen, token) == (many, None)


async def test_a_page_of_another_list_is_refused(running: RunningGateway, many: list[str]) -> None:
    got = await running.send("GET", "/v1beta/models?pageToken=elsewhere")
    assert (got.status, got.error["status"]) == (400, "INVALID_ARGUMENT")
    assert many
