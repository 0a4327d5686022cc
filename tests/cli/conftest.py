"""The command line as a shell runs it, in a home of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from omniroute.cli.app import app
from omniroute.settings import Settings, environment, environment_names
from tests.cli.shell import Run, in_thread
from tests.scripted_upstream import ScriptedUpstream
from tests.server.manage.vendor import Vendor, listening


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where everything of this test's user lies; nothing of the machine's user is seen."""
    home = tmp_path / "home"
    home.mkdir()
    settings = {name for field in Settings.model_fields.values() for name in environment_names(field)}
    for name in list(environment()):
        if name in settings or name.endswith(("_API_KEY", "_TOKEN")) or name.startswith(("CLI_", "CLAUDE_")):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "OMNIROUTE_DEBUG", "CODEX_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("OMNIROUTE_MASTER_KEY", "0" * 64)  # the keyring of the machine is not asked
    return tmp_path / "data"


@pytest.fixture
def run(data_dir: Path) -> Run:
    """Runs one command; its result holds the exit code and what it wrote where."""

    def runs(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, list(words), input=typed, catch_exceptions=False)

    return runs


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """A provider on loopback that knows one key."""
    with in_thread(listening()) as vendor:
        yield vendor


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    """A provider on loopback that answers in every dialect."""
    with in_thread(ScriptedUpstream()) as upstream:
        yield upstream
