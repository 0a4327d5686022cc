"""A gateway before upstreams of every dialect that know the weather, refuse, are busy, or break off."""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.test_tools_across_formats import KINDS
from tests.journeys.upstream import upstream_in_thread
from tests.journeys.weather_model import cut_weather, weather
from tests.scripted_upstream import Behaviour, ScriptedUpstream, error
from tests.server.installation import Installation

UPSTREAM_KEY = "sk-upstream-0123456789abcdef"


@dataclass(frozen=True)
class WeatherPlace:
    """Models are called `NODE-DIALECT/m-1`; the nodes are `on`, `hot`, `busy` and `cut-CLIENT`."""

    url: str
    key: str
    upstreams: dict[str, ScriptedUpstream]


@contextmanager
def weather_place(directory: Path, clients: Iterable[str]) -> Iterator[WeatherPlace]:
    """Set up as a person does it who keeps the configuration in a file."""
    installation = Installation(directory)
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
        urls = {name: upstream.url for name, upstream in upstreams.items()}
        urls |= {f"cut-{client}": urls["cut"] for client in clients}  # an account rests after a cut
        opened.callback(installation.clean_up)
        url = installation.serve().url
        wanted = installation.directory / "wanted.json"
        wanted.write_text(json.dumps(_configuration(urls)))
        applied = installation.run("apply", str(wanted), "--yes", KEY=UPSTREAM_KEY)
        assert applied.returncode == 0, applied.stderr
        made = installation.run("keys", "create", "sdk", "--json")
        assert made.returncode == 0, made.stderr
        yield WeatherPlace(url, json.loads(made.stdout)["key"], upstreams)


def _configuration(urls: dict[str, str]) -> dict[str, object]:
    """A node of every dialect at every upstream, with one account each."""
    nodes, accounts = {}, {}
    for name, url in urls.items():
        for dialect, (kind, end) in KINDS.items():
            prefix = f"{name}-{dialect.value}"
            nodes[prefix] = {"name": prefix, "type": kind, "baseUrl": url + end}
            accounts[f"{prefix}/main"] = {"apiKey": "env:KEY"}
    return {"nodes": nodes, "accounts": accounts}
