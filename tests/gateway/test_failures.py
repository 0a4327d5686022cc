"""What a client sees, and what is kept, when an upstream fails before any content."""

from dataclasses import dataclass

import pytest

from omniroute.records import Outcome
from tests import scripted_upstream as script
from tests.running_gateway import (
    CHAT,
    CONVERSATIONS,
    EMBEDDINGS,
    MESSAGES,
    NODE_TYPES,
    Got,
    RunningGateway,
    asking,
)
from tests.scripted_upstream import Behaviour, ScriptedUpstream

SECRET = "sk-of-first-0123456789"


@dataclass(frozen=True, slots=True)
class Case:
    """One way to fail, and what comes of it with one account."""

    behaviour: Behaviour
    status: int
    kind: str
    """How the attempt's failure is called."""
    says: str = ""
    """Part of what the client is told."""
    heals: bool = True
    """The client may usefully try again."""
    retry_after: str | None = None
    attempts: int = 1
    streams: tuple[bool, ...] = (False, True)


def failing(
    status: int, message: str = "vendor says no", *, kind: str = "some_error", **headers: str
) -> Behaviour:
    return script.error(
        status, message, kind=kind, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


QUIET = script.with_type(script.empty(), script.SSE)
CASES = {
    "reset": Case(script.reset(), 502, "connect", "closed the connection", attempts=2),
    "400": Case(failing(400), 400, "bad_request", "vendor says no", heals=False),
    "400 too long": Case(failing(400, "maximum context length is 9"), 400, "too_long", "is 9", heals=False),
    "400 policy": Case(failing(400, kind="content_policy_violation"), 400, "content", heals=False),
    "401": Case(failing(401), 502, "auth", "account 'first'", heals=False),
    "402": Case(failing(402), 429, "quota", "vendor says no", heals=False),
    "403": Case(failing(403), 502, "auth", "vendor says no", heals=False),
    "404": Case(failing(404), 404, "no_model", "vendor says no", heals=False),
    "408": Case(failing(408), 408, "overloaded", "vendor says no", attempts=2),
    "413": Case(failing(413), 413, "bad_request", "vendor says no", heals=False),
    "422": Case(failing(422), 422, "bad_request", "vendor says no", heals=False),
    "429": Case(failing(429), 429, "rate_limited", "vendor says no"),
    "429 with a wait": Case(failing(429, Retry_After="70"), 429, "rate_limited", retry_after="70"),
    "429 with milliseconds": Case(
        failing(429, retry_after_ms="15500"), 429, "rate_limited", retry_after="16"
    ),
    "429 quota": Case(failing(429, kind="insufficient_quota"), 429, "quota", heals=False),
    "500": Case(failing(500), 500, "overloaded", "vendor says no", attempts=2),
    "502 page": Case(script.html(502), 502, "overloaded", "text/html", attempts=2),
    "503 with a wait": Case(failing(503, Retry_After="30"), 503, "overloaded", retry_after="30"),
    "529": Case(failing(529, kind="overloaded_error"), 529, "overloaded", "vendor says no", attempts=2),
    "redirect": Case(script.redirect("http://127.0.0.1:1/"), 502, "protocol", "307"),
    "page": Case(script.html(), 502, "protocol", "text/html"),
    "nothing": Case(script.empty(), 502, "protocol", streams=(False,)),
    "nothing of a stream": Case(script.empty(), 502, "cut", "before the end", streams=(True,)),
    "nothing, as a stream": Case(QUIET, 502, "cut", "before the end", streams=(True,)),
    "garbage": Case(script.garbage(), 502, "protocol"),
    "wrong JSON": Case(script.body(b'{"fine": true}'), 502, "protocol"),
    "error in band": Case(
        script.error_in_band(), 503, "overloaded", "the model fell over", attempts=2, streams=(True,)
    ),
    "cut": Case(script.cut_before_content(), 502, "cut", streams=(True,)),
    "cut whole": Case(script.cut_short(script.answer()), 502, "cut", "middle", streams=(False,)),
}
TABLE = [
    pytest.param(case, path, stream, id=f"{name}-{path}-{'stream' if stream else 'whole'}")
    for name, case in CASES.items()
    for path in CONVERSATIONS
    for stream in case.streams
]


@pytest.mark.parametrize(("case", "path", "stream"), TABLE)
async def test_a_failure_before_content_is_told_with_a_status_in_the_clients_dialect(
    running: RunningGateway, upstream: ScriptedUpstream, case: Case, path: str, stream: bool
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    upstream.otherwise = case.behaviour
    got = await running.ask(path, asking(path, stream=stream))
    assert got.status == case.status, got.body
    assert got.headers["Content-Type"].startswith("application/json")
    check_dialect(path, got)
    assert case.says in got.error["message"]
    assert got.headers.get("Retry-After") == case.retry_after
    assert got.headers.get("x-should-retry") == (None if case.heals else "false")
    assert got.headers["X-OmniRoute-Attempts"] == str(case.attempts)
    assert len(upstream.requests) == case.attempts
    row = await running.row()
    assert (row.outcome, row.status) == (Outcome.ERROR, case.status)
    assert [attempt.failure.partition(":")[0] for attempt in row.attempts if attempt.failure] == (
        [case.kind] * case.attempts
    )
    assert (row.provider, row.model, row.account_name, row.stream) == ("up", "m-1", "first", stream)
    assert row.error is not None
    assert row.ttft_ms is None


def check_dialect(path: str, got: Got) -> None:
    """The error has the members that clients of this path look at."""
    assert isinstance(got.error["message"], str)
    assert isinstance(got.error["type"], str)
    if path == MESSAGES:
        assert got.json["type"] == "error"
    else:
        assert {"message", "type", "param", "code"} <= got.error.keys()


@pytest.mark.parametrize("stream", [False, True])
async def test_nobody_listening_is_told_after_two_tries(running: RunningGateway, stream: bool) -> None:
    await running.add_node(script.refused_url())
    got = await running.ask(CHAT, asking(CHAT, stream=stream))
    assert got.status == 502
    assert "no connection to 127.0.0.1" in got.error["message"]
    row = await running.row()
    assert [attempt.status for attempt in row.attempts] == [None, None]


async def test_a_private_address_is_refused_unless_it_is_meant(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url.replace("127.0.0.1", "localhost"), allow_private=False)
    got = await running.ask(CHAT, asking(CHAT))
    assert got.status == 502
    assert "--allow-private" in got.error["message"]
    assert upstream.requests == []


@pytest.mark.parametrize("path", CONVERSATIONS)
async def test_the_upstreams_own_error_body_is_passed_on_as_it_came(
    running: RunningGateway, upstream: ScriptedUpstream, path: str
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES[path])
    upstream.script(script.error(400, "field x is odd", kind="very_special"))
    got = await running.ask(path, asking(path))
    assert got.error["type"] == "very_special"
    assert got.error["message"] == "field x is odd"


@pytest.mark.parametrize("where", ["message", "page"])
async def test_a_key_that_the_upstream_repeats_is_not_shown_to_anybody(
    running: RunningGateway, upstream: ScriptedUpstream, where: str
) -> None:
    await running.add_node(upstream.url)
    said = f"no such key: {SECRET}"
    page = script.body(said.encode(), status=400, content_type="text/plain")
    upstream.script(script.error(400, said) if where == "message" else page)
    got = await running.ask(CHAT, asking(CHAT))
    row = await running.row()
    assert "no such key" in got.error["message"]
    assert SECRET not in got.body.decode() + repr(row)


async def test_an_embedding_fails_in_the_openai_dialect(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url)
    upstream.script(script.error(429, "slow down", headers={"Retry-After": "11"}))
    got = await running.ask(EMBEDDINGS, asking(EMBEDDINGS))
    assert (got.status, got.headers["Retry-After"]) == (429, "11")
    assert "slow down" in got.error["message"]
    assert (await running.row()).client_format == "openai-embeddings"


async def test_a_response_that_failed_is_no_answer(
    running: RunningGateway, upstream: ScriptedUpstream
) -> None:
    await running.add_node(upstream.url, type=NODE_TYPES["/v1/responses"])
    failed = {"status": "failed", "error": {"code": "server_error", "message": "fell over"}}
    upstream.otherwise = script.changed(script.answer(), failed)
    got = await running.ask("/v1/responses", asking("/v1/responses"))
    assert got.status == 503
    assert "fell over" in got.error["message"]
    assert (await running.row()).outcome is Outcome.ERROR
