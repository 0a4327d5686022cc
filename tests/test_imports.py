"""What a short command loads: a static graph cannot tell a deferred import, so a fresh Python is asked."""

import subprocess
import sys

SLOW = {
    "aiohttp",
    "alembic",
    "keyring",
    "numpy",
    "pydantic",
    "pydantic_settings",
    "rich.table",
    "sqlalchemy",
    "textual",
}


def test_the_command_line_starts_without_a_slow_import() -> None:
    script = "import sys, omniroute.cli.app; print(*sys.modules, sep='\\n')"
    fresh = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)

    assert SLOW & set(fresh.stdout.split()) == set()
