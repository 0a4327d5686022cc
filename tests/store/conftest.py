"""A data directory, an open database in it, and a vault."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from omniroute.paths import Paths
from omniroute.store.database import SqliteDatabase, open_database
from omniroute.store.secrets import Vault
from tests.store.samples import StillClock


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    data_dir = tmp_path / "data"
    return Paths(data_dir, data_dir / "config.toml")


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def vault() -> Vault:
    return Vault(bytes(32), "k1")


@pytest.fixture
async def database(paths: Paths, clock: StillClock) -> AsyncIterator[SqliteDatabase]:
    database = await open_database(paths, clock)
    yield database
    await database.close()
