"""Reaching the gateway, whether one runs or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from omniroute.paths import find_paths

if TYPE_CHECKING:  # loading it takes as long as Typer does; `--help` needs none of it
    from omniroute.client.http import Client

CALL_TIMEOUT_S = 60.0
"""Longest wait for a management call: a test asks a provider, which may take its time."""
ANSWER_TIMEOUT_S = 900.0
"""Longest silence of a model; the gateway's own limits are shorter and give the better message."""


@contextmanager
def client(*, timeout_s: float = CALL_TIMEOUT_S) -> "Iterator[Client]":
    """The running gateway, else one that lives inside this command for as long as it takes."""
    from omniroute.client.connect import connect, find_server

    paths = find_paths()
    if find_server(paths) is not None:
        yield connect(paths, timeout_s=timeout_s)
        return
    from omniroute.server.oneshot import in_process

    with in_process(paths) as own:
        yield own.waiting(timeout_s)


def running_client(*, timeout_s: float = CALL_TIMEOUT_S) -> "Client":
    """The running gateway. Raises `Unreachable` when there is none."""
    from omniroute.client.connect import connect

    return connect(find_paths(), timeout_s=timeout_s)
