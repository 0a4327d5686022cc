"""A gateway whose catalogue has a vendor to sign in at."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from omniroute.paths import Paths
from tests.server.installation import MASTER_KEY
from tests.server.manage.place import Place, open_place
from tests.server.manage.sign_in.vendor import CLIENT_ID, OAuthVendor, listening


@pytest.fixture
async def vendor() -> AsyncIterator[OAuthVendor]:
    async with listening() as opened:
        yield opened


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendor: OAuthVendor) -> AsyncIterator[Place]:
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", MASTER_KEY)
    monkeypatch.setenv("ACME_OAUTH_CLIENT_ID", CLIENT_ID)
    data_dir = tmp_path / "data"
    vendor.write_catalogue(Paths(data_dir, data_dir / "config.toml").catalogue_overrides)
    async with open_place(tmp_path) as opened:
        yield opened
