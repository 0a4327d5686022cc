"""A gateway, and a vendor for it to ask."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.installation import MASTER_KEY
from tests.server.manage.place import Place, open_place
from tests.server.manage.vendor import Vendor, listening


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    async with open_place(tmp_path) as opened:
        yield opened


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    async with listening() as opened:
        yield opened
