"""The home of a user of the tools, what to apply there, and a clock that stands still."""

from pathlib import Path

import pytest

from omniroute.clock import Clock
from omniroute.tools.environment import Environment
from omniroute.tools.values import Settings

BASE = "http://127.0.0.1:20128"
KEY = "sk-omni-0123456789abcdef"


class FixedClock:
    """A clock that stands still, as the system's may for two quick calls."""

    def now_ms(self) -> int:
        return 1_800_000_000_123

    def monotonic_s(self) -> float:
        return 0.0


clock: Clock = FixedClock()


def environment(tmp_path: Path, **variables: str) -> Environment:
    for name in ("home", "project"):
        (tmp_path / name).mkdir(exist_ok=True)
    return Environment(
        home=tmp_path / "home",
        variables=variables,
        cwd=tmp_path / "project",
        platform="linux",
        data_dir=tmp_path / "data",
        root=tmp_path / "system",
    )


def settings(model: str | None = "demo/echo", key: str = KEY) -> Settings:
    return Settings(base_url=f"{BASE}/v1/", key=key, model=model)


def config_file(env: Environment, tool: str) -> Path:
    return env.home / {"claude": ".claude/settings.json", "codex": ".codex/config.toml"}[tool]


def write(path: Path, text: str) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return text.encode()


BOTH = pytest.mark.parametrize("tool", ["claude", "codex"])
