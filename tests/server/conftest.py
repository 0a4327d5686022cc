"""Fixtures of tests that start gateways."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.running_gateway import MASTER_KEY, RunningGateway, running_gateway
from tests.scripted_upstream import ScriptedUpstream
from tests.server.installation import Installation


@pytest.fixture
async def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RunningGateway]:
    """A gateway without providers, in this process."""
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    async with running_gateway(tmp_path) as gateway:
        yield gateway


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    """A server that answers well unless told otherwise."""
    async with ScriptedUpstream() as server:
        yield server


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A data directory nobody has used yet; its gateway ends with the test."""
    made = Installation(tmp_path)
    yield made
    made.clean_up()
