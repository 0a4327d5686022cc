"""Fixtures of tests that start gateways."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.installation import Installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A data directory nobody has used yet; its gateway ends with the test."""
    made = Installation(tmp_path)
    yield made
    made.clean_up()
