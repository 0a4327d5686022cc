"""Gemini and Ollama conversations pass through to servers of their own dialect."""

import json

import pytest

from omniroute.records import NodeType, Outcome
from tests import scripted_upstream as script
from tests.running_gateway import RunningGateway
from tests.scripted_upstream import Behaviour, ScriptedUpstream

GENERATE = "/v1beta/models/up/m-1:generateContent"
STREAM = "/v1beta/models/up/m-1:streamGenerateContent"
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Say hello"}]}]}
OLLAMA = "/api/chat"
MESSAGES = {"model": "up/m-1", "messages": [{"role": "user", "content": "Say hello"}]}


def generated(text: str, *, end: bool = False) -> bytes:
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}}
    answer: dict[str, object] = {"candidates": [candidate | ({"finishReason": "STOP"} if end else {})]}
    if end:
        answer["usageMetadata"] = {
            "promptTokenCount": 12,
            "cachedContentTokenCount": 4,
            "candidatesTokenCount": 3,
            "thoughtsTokenCount": 2,
        }
    return json.dumps(answer).encode()


def chatted(text: str, *, end: bool = False) -> bytes:
    line: dict[str, object] = {"model": "m-1", "message": {"role": "assistant", "content": text}, "done": end}
    if end:
        line |= {"done_reason": "stop", "prompt_eval_count": 8, "eval_count": 5}
    return json.dumps(line).encode()


GEMINI_STREAM = b"data: " + generated("Hel") + b"\r\n\r\ndata: " + generated("lo", end=True) + b"\r\n\r\n"
OLLAMA_STREAM = chatted("Hel") + b"\n" + chatted("lo", end=True) + b"\n"


def streamed(dialect: NodeType, content: bytes) -> Behaviour:
    kind = "text/event-stream" if dialect is NodeType.GEMINI else "application/x-ndjson"
    return script.body(content, content_type=kind)


@pytest.mark.parametrize("version", ["v1beta", "v1", "v1alpha"])
async def test_a_whole_gemini_answer_and_its_request_keep_their_bytes(
    running: RunningGateway, upstream: ScriptedUpstream, version: str
) -> None:
    await running.add_node(upstream.url, type=NodeType.GEMINI)
    upstream.script(script.body(generated("Hello", end=True)))
    got = await running.ask(GENERATE.replace("v1beta", version), CONTENTS)
    assert (got.status, got.body) == (200, generated("Hello", end=True))
    assert upstream.requests[0].path == "/v1/models/m-1:generateContent"
    assert upstream.requests[0].json == CONTENTS
    usage = (await running.row()).usage
    assert (usage.input, usage.cache_read, usage.output, usage.reasoning) == (8, 4, 3, 2)


@pytest.mark.parametrize("cuts", [(), (1,), (40,), (len(GEMINI_STREAM) - 2,)])
async def test_a_gemini_stream_keeps_its_bytes(
    running: RunningGateway, upstream: ScriptedUpstream, cuts: tuple[int, ...]
) -> None:
    await running.add_node(upstream.url, type=NodeType.GEMINI)
    upstream.script(script.cut_at(streamed(NodeType.GEMINI, GEMINI_STREAM), *cuts))
    got = await running.ask(f"{STREAM}?alt=sse", CONTENTS)
    assert (got.status, got.body) == (200, GEMINI_STREAM)
    assert upstream.requests[0].path == "/v1/models/m-1:streamGenerateContent?alt=sse"
    assert (await running.row()).usage.output == 3


async def test_a_gemini_stream_that_ends_early_ends_in_an_error(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url, type=NodeType.GEMINI)
    upstream.script(streamed(NodeType.GEMINI, b"data: " + generated("Hel") + b"\n\n"))
    got = await running.ask(f"{STREAM}?alt=sse", CONTENTS)
    last = json.loads(got.body.rstrip().rpartition(b"data: ")[2])
    assert last["error"]["code"] == 502
    assert last["error"]["status"] == "INTERNAL"
    assert (await running.row()).outcome is Outcome.CUT


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/v1beta/models/up/m-1:predict", 404, "NOT_FOUND"),
        ("/v1beta/models/nobody/m-1:generateContent", 404, "NOT_FOUND"),
    ],
)
async def test_what_gemini_clients_cannot_have_is_told_in_their_dialect(
    running: RunningGateway, upstream: ScriptedUpstream, path: str, status: int, word: str
) -> None:
    await running.add_node(upstream.url, type=NodeType.GEMINI)
    got = await running.ask(path, CONTENTS)
    assert (got.status, got.json["error"]["code"], got.json["error"]["status"]) == (status, status, word)
    assert upstream.requests == []


@pytest.mark.parametrize("path", [OLLAMA, "/v1/api/chat"])
@pytest.mark.parametrize("cuts", [(), (3,), (len(OLLAMA_STREAM) - 1,)])
async def test_ollama_streams_unless_it_is_told_not_to(
    running: RunningGateway, upstream: ScriptedUpstream, path: str, cuts: tuple[int, ...]
) -> None:
    await running.add_node(upstream.url, type=NodeType.OLLAMA)
    upstream.script(script.cut_at(streamed(NodeType.OLLAMA, OLLAMA_STREAM), *cuts))
    got = await running.ask(path, MESSAGES)
    assert (got.status, got.body) == (200, OLLAMA_STREAM)
    assert got.headers["Content-Type"] == "application/x-ndjson"
    assert upstream.requests[0].json == MESSAGES | {"model": "m-1"}
    row = await running.row()
    assert (row.stream, row.usage.input, row.usage.output) == (True, 8, 5)


async def test_a_whole_ollama_answer_keeps_its_bytes(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url, type=NodeType.OLLAMA)
    upstream.script(script.body(chatted("Hello", end=True)))
    got = await running.ask(OLLAMA, MESSAGES | {"stream": False})
    assert (got.status, got.body) == (200, chatted("Hello", end=True))
    assert not (await running.row()).stream


async def test_an_ollama_stream_that_ends_early_ends_in_an_error(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url, type=NodeType.OLLAMA)
    upstream.script(streamed(NodeType.OLLAMA, chatted("Hel") + b"\n"))
    got = await running.ask(OLLAMA, MESSAGES)
    first, last = got.body.strip().split(b"\n")
    assert first == chatted("Hel")
    assert list(json.loads(last)) == ["error"]
    assert (await running.row()).outcome is Outcome.CUT
