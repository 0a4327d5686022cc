"""Requests as they end."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from omniroute.api.live import Latency, LiveStats, RequestLive, Series, Totals
from omniroute.cli.requests.follow import Ended, Filter, line_of
from omniroute.exit_codes import ExitCode
from tests.cli.shell import Run
from tests.live_gateway import live_gateway, paths_in


def request(number: int, state: str = "ok", *, model: str = "fast") -> RequestLive:
    return RequestLive(
        id=f"id{number}",
        request_id=f"r{number}",
        started_at="2026-11-22T09:30:00.000Z",
        state=state,
        path="/v1/chat/completions",
        provider="groq",
        model=model,
        requested_model=f"groq/{model}",
        status=200 if state == "ok" else 500,
        tokens_in=10,
        tokens_out=5,
        cost_usd=None,
        duration_ms=120,
    )


def state(*requests: RequestLive) -> LiveStats:
    return LiveStats(
        at="2026-11-22T09:30:01.000Z",
        version="0.1.0",
        uptime_s=1.0,
        active_requests=0,
        requests_per_s=0.0,
        tokens_per_s=0.0,
        last_15_min=Totals(),
        today=Totals(),
        latency=Latency(),
        ttft=Latency(),
        series=Series(requests=[], tokens=[], latency_p50=[]),
        providers=[],
        requests=list(requests),
    )


def ids(requests: list[RequestLive]) -> list[str]:
    return [one.id for one in requests]


def test_each_request_is_given_once_when_it_has_ended() -> None:
    ended = Ended()

    first, _ = ended.since_last(state(request(3, "running"), request(2), request(1)), at_first=1)
    second, missed = ended.since_last(state(request(4), request(3), request(2), request(1)), at_first=1)
    third, _ = ended.since_last(state(request(4), request(3), request(2), request(1)), at_first=1)

    assert ids(first) == ["id2"]
    assert ids(second) == ["id3", "id4"]
    assert not missed
    assert third == []


def test_it_is_said_when_more_ended_than_the_state_holds() -> None:
    ended = Ended()
    ended.since_last(state(request(1)), at_first=0)

    new, missed = ended.since_last(state(request(9), request(8)), at_first=0)

    assert ids(new) == ["id8", "id9"]
    assert missed


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (Filter(errors=False, model=None, provider=None), True),
        (Filter(errors=True, model=None, provider=None), False),
        (Filter(errors=False, model="FAST", provider=None), True),
        (Filter(errors=False, model="slow", provider=None), False),
        (Filter(errors=False, model=None, provider="groq"), True),
        (Filter(errors=False, model=None, provider="openai"), False),
    ],
)
def test_only_wanted_requests_are_taken(wanted: Filter, taken: bool) -> None:
    assert wanted.takes(request(1)) is taken


def test_a_restart_is_no_loss() -> None:
    ended = Ended()
    ended.since_last(msgspec.structs.replace(state(request(1)), uptime_s=60.0), at_first=0)

    new, missed = ended.since_last(state(request(2)), at_first=0)

    assert ids(new) == ["id2"]
    assert not missed


def test_a_line_says_what_is_known_and_dashes_the_rest() -> None:
    line = line_of(request(1, "error"))

    assert "error 500" in line
    assert "groq/fast" in line
    assert "10 in 5 out  -  120 ms" in line


def test_without_a_gateway_there_is_nothing_to_follow(run: Run) -> None:
    shown = run("requests", "-f")

    assert shown.exit_code == ExitCode.NOT_RUNNING
    assert "omniroute serve" in shown.stderr


@contextmanager
def following(*words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "omniroute", "requests", "-f", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_a_restart_of_the_gateway_is_waited_out(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = paths_in(tmp_path)
    with live_gateway() as first:
        first.write_files(paths)
        with following("--json") as process:
            assert process.stdout is not None
            assert process.stderr is not None
            first.tell(state(request(1)))
            assert json.loads(process.stdout.readline())["id"] == "id1"

            first.stop()
            assert "has gone" in process.stderr.readline()
            with live_gateway() as second:
                second.write_files(paths)
                assert "is back" in process.stderr.readline()
                second.tell(state(request(2), request(1)))
                assert msgspec.json.decode(process.stdout.readline(), type=RequestLive).id == "id2"
