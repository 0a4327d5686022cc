"""Conversations over the real server, the real client and the command."""

import json
from urllib.request import Request, urlopen

from omniroute.client import sessions, system
from tests.server.installation import Installation
from tests.server.manage.place import Place, request_row


async def test_conversations_are_listed_and_forgotten(place: Place) -> None:
    now_ms = place.clock.now_ms()
    row = request_row(now_ms, session_id="s-1", api_key_id="k-1", cost_nano_usd=2_000_000_000)
    place.gateway.sessions.observe([row])
    [found] = await place.call(sessions.sessions)

    assert (found.session_id, found.request_count, found.cost_usd) == ("s-1", 1, 2.0)
    assert (found.created_at, found.last_active) == (now_ms, now_ms + row.duration_ms)
    assert found.model == f"{row.provider}/{row.model}"

    status, body, _ = await place.raw("DELETE", "/api/sessions?sessionId=s-1")
    assert (status, body) == (200, {"removed": 1})
    assert await place.call(sessions.sessions) == []
    [event] = (await place.call(system.audit_log, action="session.forget")).entries
    assert event.target == "s-1"


async def test_which_conversation_is_forgotten_has_to_be_said(place: Place) -> None:
    status, body, _ = await place.raw("DELETE", "/api/sessions")
    assert (status, body["error"]["details"][0]["field"]) == (400, "sessionId")


def test_the_command_lists_what_the_running_gateway_has_seen(installation: Installation) -> None:
    assert installation.run("sessions", "list").returncode == 3
    server = installation.serve()
    empty = installation.run("sessions", "list")
    assert (empty.stdout, "no conversation" in empty.stderr) == ("", True)

    token = installation.paths.token.read_text("utf-8").strip()
    body = json.dumps({"model": "demo/echo", "messages": [{"role": "user", "content": "a secret word"}]})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "X-Session-Id": "s-7"}
    request = Request(f"{server.url}/v1/chat/completions", body.encode(), headers)  # noqa: S310  # loopback
    with urlopen(request) as answer:  # noqa: S310  # as above
        assert answer.status == 200
    [one] = json.loads(installation.run("sessions", "list", "--json").stdout)["sessions"]
    assert (one["sessionId"], one["requestCount"], one["model"]) == ("s-7", 1, "demo/echo")
    shown = installation.run("sessions", "list").stdout
    assert shown.splitlines()[1].split()[-1] == "s-7"
    assert "secret" not in shown
