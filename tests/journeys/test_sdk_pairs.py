"""The official Python SDKs, each on models of every dialect."""

import itertools
import re
from collections.abc import Iterator
from contextlib import ExitStack

import openai
import pytest

from omniroute.records import FormatName
from tests.journeys.sdk_drivers import DRIVERS, Driver, JSONObject
from tests.journeys.weather_model import CITY, HELLO, SEEN, THOUGHT, TOLD, USED
from tests.journeys.weather_place import WeatherPlace, weather_place

PAIRS = tuple(itertools.product(FormatName, FormatName))
each_pair = pytest.mark.parametrize(
    ("client", "dialect"), PAIRS, ids=[f"{client.value}-on-{upstream.value}" for client, upstream in PAIRS]
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WeatherPlace]:
    """One for all."""
    with weather_place(tmp_path_factory.mktemp("pairs"), (client.value for client in FormatName)) as made:
        yield made


@pytest.fixture(scope="module")
def drivers(place: WeatherPlace) -> Iterator[dict[FormatName, Driver]]:
    """Every SDK at it."""
    with ExitStack() as clients:
        yield {name: driver(place.url, place.key, clients) for name, driver in DRIVERS.items()}


@each_pair
@pytest.mark.parametrize("stream", [False, True])
def test_greets_and_thinks(
    drivers: dict[FormatName, Driver], client: FormatName, dialect: FormatName, stream: bool
) -> None:
    said = drivers[client].hello(f"on-{dialect.value}/m-1", stream=stream)
    assert (said.text, said.thought) == (HELLO, THOUGHT)
    assert said.tokens == USED


@each_pair
@pytest.mark.parametrize("stream", [False, True])
def test_makes_a_tool_round_trip(
    drivers: dict[FormatName, Driver], client: FormatName, dialect: FormatName, stream: bool
) -> None:
    assert drivers[client].round_trip(f"on-{dialect.value}/m-1", stream=stream) == TOLD


@each_pair
def test_gets_an_answer_of_its_schema(
    drivers: dict[FormatName, Driver], client: FormatName, dialect: FormatName
) -> None:
    assert drivers[client].structured(f"on-{dialect.value}/m-1") == CITY


@each_pair
def test_shows_a_picture(drivers: dict[FormatName, Driver], client: FormatName, dialect: FormatName) -> None:
    assert drivers[client].sees(f"on-{dialect.value}/m-1") == SEEN


@each_pair
def test_gets_its_own_exceptions(
    drivers: dict[FormatName, Driver], client: FormatName, dialect: FormatName
) -> None:
    driver = drivers[client]
    with pytest.raises(driver.refused, match="temperature is too hot") as refused:
        driver.hello(f"hot-{dialect.value}/m-1", stream=False)
    assert status_of(refused.value) == 400
    for _ in range(2):  # by the upstream, or by the gateway that remembers it
        with pytest.raises(driver.limited) as limited:
            driver.hello(f"busy-{dialect.value}/m-1", stream=True)
        assert status_of(limited.value) == 429


@each_pair
def test_takes_no_broken_stream_for_an_answer(
    drivers: dict[FormatName, Driver], client: FormatName, dialect: FormatName
) -> None:
    driver = drivers[client]
    with pytest.raises(driver.broken):
        driver.hello(f"cut-{client.value}-{dialect.value}/m-1", stream=True)


def test_what_a_dialect_cannot_carry_is_named_before_anybody_is_asked(place: WeatherPlace) -> None:
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
