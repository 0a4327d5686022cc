"""A running gateway and an upstream that does what its script says."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.running_gateway import MASTER_KEY, RunningGateway, running_gateway
from tests.scripted_upstream import ScriptedUpstream


@pytest.fixture(autouse=True)
def master_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's keyring is not asked."""
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """A gateway without providers."""
    async with running_gateway(tmp_path) as gateway:
        yield gateway


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    """A server that answers well unless told otherwise."""
    async with ScriptedUpstream() as server:
        yield server
