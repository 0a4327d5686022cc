"""Fixtures of journeys: real gateways, real clients, a scripted upstream."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.journeys.ledger")

from tests.journeys.upstream import upstream_in_thread  # noqa: E402
from tests.scripted_upstream import ScriptedUpstream  # noqa: E402
from tests.server.installation import Installation  # noqa: E402


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A data directory nobody has used yet; its gateway ends with the test."""
    made = Installation(tmp_path)
    yield made
    made.clean_up()


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    """A provider that answers as the test says."""
    with upstream_in_thread() as made:
        yield made
