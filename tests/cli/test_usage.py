"""What was used, request by request and in sums."""

import json

import pytest

from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run


@pytest.fixture
def asked(run: Run) -> None:
    run("chat", "-m", "demo/echo", "one")
    run("chat", "-m", "demo/echo", "two")
    run("chat", "-m", "nobody/nothing", "three")


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("by", ["model", "provider", "key", "day", "account"])
def test_requests_are_summed_by_whatever_is_asked_for(by: str, run: Run) -> None:
    summed = json.loads(run("usage", "--by", by, "--json").stdout)
    shown = run("usage", "--by", by)

    assert summed["by"] == by
    assert summed["totalRequests"] == 3
    assert summed["totalPromptTokens"] > 0
    assert sum(group["requests"] for group in summed["groups"]) == 3
    assert all(isinstance(group["name"], str) for group in summed["groups"])
    assert shown.stdout.split()[0] == by.upper()
    assert shown.stdout.splitlines()[-1].split()[:3] == ["total", "3", "1"]


@pytest.mark.usefixtures("asked")
def test_a_span_without_requests_is_empty(run: Run) -> None:
    summed = json.loads(run("usage", "--until", "2020-01-01", "--json").stdout)

    assert (summed["totalRequests"], summed["groups"]) == (0, [])
    assert run("usage", "--until", "2020-01-01").stdout == ""


def test_a_span_that_is_none_is_refused(run: Run) -> None:
    assert run("usage", "--since", "yesteryear").exit_code == ExitCode.REFUSED


@pytest.mark.usefixtures("asked")
def test_requests_are_listed_the_newest_last(run: Run) -> None:
    listed = json.loads(run("requests", "--json").stdout)["requests"]
    lines = run("requests").stdout.splitlines()

    assert [log["requestedModel"] for log in listed] == ["nobody/nothing", "demo/echo", "demo/echo"]
    assert [line.split()[-1] for line in lines[1:]] == [log["id"] for log in reversed(listed)]


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("words", "count"),
    [(("--errors",), 1), (("--model", "echo"), 2), (("--provider", "demo"), 2), (("--limit", "1"), 1)],
)
def test_requests_are_chosen(words: tuple[str, ...], count: int, run: Run) -> None:
    assert len(json.loads(run("requests", *words, "--json").stdout)["requests"]) == count


@pytest.mark.usefixtures("asked")
def test_one_request_is_shown_with_what_was_tried(run: Run) -> None:
    log = json.loads(run("requests", "--model", "echo", "--limit", "1", "--json").stdout)["requests"][0]

    shown = run("requests", "show", log["id"])
    by_request_id = json.loads(run("requests", "show", log["requestId"], "--json").stdout)

    assert "demo/echo" in shown.stdout
    assert by_request_id["log"]["id"] == log["id"]
    assert run("requests", "show", "nothing-like-it").exit_code == ExitCode.NOT_FOUND


def test_the_demo_shows_a_request_and_its_row(run: Run) -> None:
    shown = run("demo")

    assert shown.exit_code == 0
    for step in ("1. The request", "2. The answer", "3. Headers", "4. What was counted"):
        assert step in shown.stdout
    [log] = json.loads(run("requests", "--json").stdout)["requests"]
    assert log["id"] in shown.stdout
    assert "omniroute providers add" in shown.stderr


def test_the_demo_as_json_is_one_document(run: Run) -> None:
    told = json.loads(run("demo", "--json").stdout)

    assert told["model"] == "demo/echo"
    assert told["request"]["outcome"] == "ok"
    assert told["text"]


def test_what_was_changed_is_in_the_audit_log(run: Run) -> None:
    run("keys", "create", "laptop")

    [event] = json.loads(run("audit", "--json").stdout)["entries"]
    assert event["actor"] == "cli"
    assert event["action"] in run("audit").stdout


def test_models_are_names_that_clients_can_use(run: Run) -> None:
    assert "demo/echo" in run("models").stdout.splitlines()
    assert json.loads(run("models", "echo", "--json").stdout)["data"][0]["id"] == "demo/echo"
    assert run("models", "nothing-like-it").exit_code == ExitCode.NOT_FOUND
