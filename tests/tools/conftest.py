"""An empty home for the tools."""

from pathlib import Path

import pytest

from omniroute.tools.environment import Environment
from tests.tools.user_home import environment


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return environment(tmp_path)
