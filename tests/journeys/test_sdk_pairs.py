"""The official Python SDKs, each on models of every dialect."""

import itertools
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import openai
import pytest

from omniroute.records import FormatName
from tests.journeys.sdk_drivers import DRIVERS, Driver, JSONObject
from tests.journeys.test_tools_across_formats import KINDS
from tests.journeys.upstream import upstream_in_thread
from tests.journeys.weather_model import (
    CITY,
    HELLO,
    QUESTION,
    SEEN,
    THOUGHT,
    TOLD,
    USED,
    cut_weather,
    weather,
)
from tests.scripted_upstream import Behaviour, ScriptedUpstream, error
from tests.server.installation import Installation

PAIRS = tuple(itertools.product(FormatName, FormatName))
each_pair = pytest.mark.parametrize(
    ("client", "dialect"), PAIRS, ids=[f"{client.value}-on-{upstream.value}" for client, upstream in PAIRS]
)


@dataclass(frozen=True)
class Place:
    """A gateway with nodes of every dialect."""

    url: str
    key: str
    drivers: dict[FormatName, Driver]
    upstreams: dict[str, ScriptedUpstream]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Set up as a person does it who keeps the configuration in a file."""
    installation = Installation(tmp_path_factory.mktemp("pairs"))
    behaviours: dict[str, Behaviour] = {  # what befalls the accounts of one befalls no other
        "on": weather(),
        "hot": error(400, "temperature is too hot", kind="invalid_request_error"),
        "busy": error(429, "slow down", kind="rate_limit_error", headers={"Retry-After": "3600"}),
        "cut": cut_weather(),
    }
    with ExitStack() as opened:
        upstreams = {name: opened.enter_context(upstream_in_thread()) for name in behaviours}
        for name, behaviour in behaviours.items():
            upstreams[name].otherwise = behaviour
        opened.callback(installation.clean_up)
        url = installation.serve().url
        wanted = installation.directory / "wanted.json"
        wanted.write_text(json.dumps(configuration({name: up.url for name, up in upstreams.items()})))
        applied = installation.run("apply", str(wanted), "--yes", KEY="sk-upstream-0123456789abcdef")
        assert applied.returncode == 0, applied.stderr
        made = installation.run("keys", "create", "sdk", "--json")
        assert made.returncode == 0, made.stderr
        key = json.loads(made.stdout)["key"]
        drivers = {name: driver(url, key, opened) for name, driver in DRIVERS.items()}
        yield Place(url, key, drivers, upstreams)


def configuration(urls: dict[str, str]) -> dict[str, object]:
    """A node of every dialect at every upstream, with one account each."""
    nodes, accounts = {}, {}
    cuts = {f"cut-{client.value}": urls["cut"] for client in FormatName}  # an account rests after a cut
    for name, url in (urls | cuts).items():
        for dialect, (kind, end) in KINDS.items():
            prefix = f"{name}-{dialect.value}"
            nodes[prefix] = {"name": prefix, "type": kind, "baseUrl": url + end}
            accounts[f"{prefix}/main"] = {"apiKey": "env:KEY"}
    return {"nodes": nodes, "accounts": accounts}


@each_pair
@pytest.mark.parametrize("stream", [False, True])
def test_greets_and_thinks(place: Place, client: FormatName, dialect: FormatName, stream: bool) -> None:
    said = place.drivers[client].hello(f"on-{dialect.value}/m-1", stream=stream)
    assert (said.text, said.thought) == (HELLO, THOUGHT)
    assert said.tokens == USED


@each_pair
@pytest.mark.parametrize("stream", [False, True])
def test_makes_a_tool_round_trip(place: Place, client: FormatName, dialect: FormatName, stream: bool) -> None:
    assert place.drivers[client].round_trip(f"on-{dialect.value}/m-1", stream=stream) == TOLD
    assert QUESTION in place.upstreams["on"].requests[-1].body.decode()


@each_pair
def test_gets_an_answer_of_its_schema(place: Place, client: FormatName, dialect: FormatName) -> None:
    assert place.drivers[client].structured(f"on-{dialect.value}/m-1") == CITY


@each_pair
def test_shows_a_picture(place: Place, client: FormatName, dialect: FormatName) -> None:
    assert place.drivers[client].sees(f"on-{dialect.value}/m-1") == SEEN


@each_pair
def test_gets_its_own_exceptions(place: Place, client: FormatName, dialect: FormatName) -> None:
    driver = place.drivers[client]
    with pytest.raises(driver.refused, match="temperature is too hot") as refused:
        driver.hello(f"hot-{dialect.value}/m-1", stream=False)
    assert status_of(refused.value) == 400
    for _ in range(2):  # by the upstream, or by the gateway that remembers it
        with pytest.raises(driver.limited) as limited:
            driver.hello(f"busy-{dialect.value}/m-1", stream=True)
        assert status_of(limited.value) == 429


@each_pair
def test_takes_no_broken_stream_for_an_answer(place: Place, client: FormatName, dialect: FormatName) -> None:
    driver = place.drivers[client]
    with pytest.raises(driver.broken):
        driver.hello(f"cut-{client.value}-{dialect.value}/m-1", stream=True)


def test_what_a_dialect_cannot_carry_is_named_before_anybody_is_asked(place: Place) -> None:
    asked = len(place.upstreams["on"].requests)
    audio = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    body: JSONObject = {"model": "on-anthropic/m-1", "messages": [{"role": "user", "content": [audio]}]}
    with (
        openai.OpenAI(base_url=f"{place.url}/v1", api_key=place.key) as client,
        pytest.raises(openai.BadRequestError, match=re.escape("messages[0].content[0]")),
    ):
        client.chat.completions.create(**body)
    assert len(place.upstreams["on"].requests) == asked


def status_of(error: Exception) -> object:
    """What the SDK says about it."""
    return getattr(error, "status_code", None) or getattr(error, "code", None)
