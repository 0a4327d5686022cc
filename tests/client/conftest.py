"""A gateway to call."""

import socket
from collections.abc import Iterator

import pytest

from tests.live_gateway import LiveGateway, live_gateway


@pytest.fixture
def gateway() -> Iterator[LiveGateway]:
    """One that is gone after the test."""
    with live_gateway() as running:
        yield running


@pytest.fixture
def free_url() -> str:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"
