"""The gateway in the background, started from a shell that may end meanwhile."""

from collections.abc import Mapping

from omniroute.paths import Paths
from omniroute.server.launch import Launch, Ready, start_child
from omniroute.server.start_errors import NotWritable

START_S = 60.0
"""A migration with its backup may take a while; a healthy start takes one second."""
ANSWER_S = 5.0


def start(paths: Paths, options: Mapping[str, str | int]) -> Ready:
    """A gateway that answers. Raises what kept it from starting, with that reason's exit code."""
    launch = Launch(data_dir=str(paths.data_dir), config_file=str(paths.config_file), options=dict(options))
    try:
        child = start_child(launch)
    except OSError as error:
        raise NotWritable(paths.data_dir, error) from None
    ready = child.wait_until_ready(START_S)
    check_answer(ready.url)
    return ready


def check_answer(url: str) -> None:
    """Raises `Unreachable` when something in between, such as a firewall, stands in the way."""
    from omniroute.api.system import TerseHealth
    from omniroute.client.http import Client

    Client(url, None, timeout_s=ANSWER_S).get("/api/monitoring/health", TerseHealth)
