"""Reaching the gateway, whether one runs or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from omniroute.paths import find_paths

if TYPE_CHECKING:  # loading it takes as long as Typer does; `--help` needs none of it
    from omniroute.client.http import Client

_TIMEOUT_S = 60.0
"""Longest wait for an answer: a test asks a provider, which may take its time."""


@contextmanager
def client() -> "Iterator[Client]":
    """The running gateway, else one that lives inside this command for as long as it takes."""
    from omniroute.client.connect import connect, find_server

    paths = find_paths()
    if find_server(paths) is not None:
        yield connect(paths, timeout_s=_TIMEOUT_S)
        return
    from omniroute.server.oneshot import in_process

    with in_process(paths) as own:
        yield own


@contextmanager
def running_client() -> "Iterator[Client]":
    """The running gateway. Raises `Unreachable` when there is none."""
    from omniroute.client.connect import connect

    yield connect(find_paths(), timeout_s=_TIMEOUT_S)
