import json
from pathlib import Path

import pytest

from omniroute.tools.actions import apply
from omniroute.tools.commands import Commands
from omniroute.tools.environment import Environment
from omniroute.tools.status import status, status_of_all
from omniroute.tools.values import Gateway, Settings, State, ToolStatus

BASE = "http://127.0.0.1:20128"
KEY = "sk-omni-0123456789abcdef"


class FixedClock:
    def now_ms(self) -> int:
        return 1_800_000_000_123

    def monotonic_s(self) -> float:
        return 0.0


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


def program(path: Path, script: str = "echo 'codex-cli 1.2.3-beta (x)'") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def seen(
    env: Environment, tool: str, base_url: str = BASE, hosts: frozenset[str] = frozenset()
) -> ToolStatus:
    return status(tool, env, Gateway(base_url=base_url, hosts=hosts, knows_key=lambda key: key == KEY))


@pytest.mark.parametrize(("tool", "form"), [("claude", BASE), ("codex", f"{BASE}/v1")])
def test_an_applied_tool_is_configured(tmp_path: Path, tool: str, form: str) -> None:
    env = environment(tmp_path, PATH=str(program(tmp_path / "bin" / tool).parent))

    apply(tool, Settings(base_url=BASE, key=KEY, model="demo/echo"), env, FixedClock())
    now = seen(env, tool)

    assert (now.installed, now.runnable, now.reason, now.version) == (True, True, None, "1.2.3-beta")
    assert now.command_path == tmp_path / "bin" / tool
    assert (now.config.status, now.config.endpoint) == (State.CONFIGURED, form)
    assert (now.config.model, now.config.key_matches) == ("demo/echo", True)
    assert now.configured_at == "2027-01-15T08:00:00.123Z"
    assert now.warnings == ()
    assert KEY not in repr(now)


@pytest.mark.parametrize("tool", ["claude", "codex"])
def test_nothing_there_is_not_installed_and_unasked_keys_are_unknown(tmp_path: Path, tool: str) -> None:
    env = environment(tmp_path)

    now = seen(env, tool)

    assert (now.installed, now.runnable, now.reason) == (False, False, "not_found")
    assert now.config.status is State.NOT_INSTALLED
    assert now.config.key_matches is None
    assert now.configured_at is None


@pytest.mark.parametrize(
    ("endpoint", "base_url", "expected"),
    [
        (BASE, BASE, State.CONFIGURED),
        (f"{BASE}/", BASE, State.CONFIGURED),
        ("http://localhost:20128", BASE, State.CONFIGURED),
        ("http://[::1]:20128", BASE, State.CONFIGURED),
        ("http://nas.lan:20128", BASE, State.CONFIGURED),
        ("http://elsewhere:20128", BASE, State.OTHER),
        ("http://127.0.0.1:20129", BASE, State.OTHER),
        ("https://api.example", "https://api.example:443", State.CONFIGURED),
        (f"{BASE}/v1", BASE, State.OTHER),
        ("http://127.0.0.1:port", BASE, State.OTHER),
    ],
)
def test_an_endpoint_is_ours_by_port_host_and_form(
    tmp_path: Path, endpoint: str, base_url: str, expected: State
) -> None:
    env = environment(tmp_path)
    write(env.home / ".claude/settings.json", json.dumps({"env": {"ANTHROPIC_BASE_URL": endpoint}}))

    now = seen(env, "claude", base_url, frozenset({"nas.lan"}))

    assert now.config.status is expected
    assert (now.config.error is not None) == endpoint.endswith("/v1")


@pytest.mark.parametrize(
    ("tool", "name", "text", "place"),
    [
        ("claude", ".claude/settings.json", '{"a": 1,}', "line 1, column 8"),
        ("codex", ".codex/config.toml", "a = \n", "line 1, column 5"),
    ],
)
def test_a_broken_file_is_invalid(tmp_path: Path, tool: str, name: str, text: str, place: str) -> None:
    env = environment(tmp_path)
    write(env.home / name, text)

    now = seen(env, tool)

    assert now.config.status is State.INVALID
    assert place in (now.config.error or "")


def test_a_directory_in_the_files_place_is_unknown(tmp_path: Path) -> None:
    env = environment(tmp_path)
    (env.home / ".codex/config.toml").mkdir(parents=True)

    assert seen(env, "codex").config.status is State.UNKNOWN


@pytest.mark.parametrize(
    "file",
    [
        "project/.claude/settings.json",
        "project/.claude/settings.local.json",
        "system/etc/claude-code/managed-settings.json",
    ],
)
def test_a_file_that_goes_before_the_users_is_named(tmp_path: Path, file: str) -> None:
    env = environment(tmp_path)
    apply("claude", Settings(base_url=BASE, key=KEY), env, FixedClock())
    write(tmp_path / file, '{"env": {"ANTHROPIC_BASE_URL": "https://api.example"}}')

    now = seen(env, "claude")

    assert (now.config.status, now.config.endpoint) == (State.OTHER, "https://api.example")
    assert any(str(tmp_path / file) in warning for warning in now.warnings)


def test_a_broken_project_file_is_named(tmp_path: Path) -> None:
    env = environment(tmp_path)
    write(env.cwd / ".claude/settings.json", "{")

    assert "cannot be read" in seen(env, "claude").warnings[0]


def test_keys_that_go_out_beside_ours_are_told(tmp_path: Path) -> None:
    env = environment(tmp_path, ANTHROPIC_API_KEY="x", CLAUDE_CODE_USE_BEDROCK="1", HTTP_PROXY="http://proxy")
    write(env.home / ".claude/settings.json", '{"env": {"ANTHROPIC_API_KEY": "x"}, "apiKeyHelper": "/bin/k"}')

    told = "\n".join(seen(env, "claude").warnings)

    for word in ("env.ANTHROPIC_API_KEY", "apiKeyHelper", "in the shell", "BEDROCK", "NO_PROXY"):
        assert word in told


def test_a_proxy_that_spares_loopback_is_no_warning(tmp_path: Path) -> None:
    env = environment(tmp_path, HTTP_PROXY="http://proxy", no_proxy="127.0.0.1,localhost")

    assert seen(env, "codex").warnings == ()


def test_codex_profiles_with_their_own_provider_are_told(tmp_path: Path) -> None:
    env = environment(tmp_path)
    write(
        env.home / ".codex/config.toml",
        'profile = "old"\nmodel_provider = "omniroute"\n[profiles.old]\nmodel_provider = "azure"\n'
        'model = "am"\n[profiles.fine]\nmodel = "x"\n[model_providers.omniroute]\n'
        'wire_api = "chat"\nenv_key = "X"\n[model_providers.azure]\nbase_url = "https://azure.example"\n',
    )
    write(env.home / ".codex/work.config.toml", 'model_provider = "corp"\n')
    write(env.home / ".codex/torn.config.toml", "x = \n")

    now = seen(env, "codex")

    assert (now.config.status, now.config.endpoint, now.config.model) == (
        State.OTHER,
        "https://azure.example",
        "am",
    )
    told = "\n".join(now.warnings)
    for word in ("“old”", "“work”", "corp", "torn", "wire_api", "env_key", "--profile"):
        assert word in told
    assert "fine" not in told


def test_a_file_others_may_read_is_told(tmp_path: Path) -> None:
    env = environment(tmp_path)
    apply("codex", Settings(base_url=BASE, key=KEY, model="m"), env, FixedClock())
    (env.home / ".codex/config.toml").chmod(0o644)

    assert "chmod 600" in seen(env, "codex").warnings[0]


@pytest.mark.parametrize(("mode", "shown"), [("container", "container"), ("host", "host"), ("odd", "auto")])
def test_the_runtime_mode_is_told(tmp_path: Path, mode: str, shown: str) -> None:
    assert seen(environment(tmp_path, CLI_MODE=mode), "codex").runtime_mode == shown


def test_every_tool_is_asked_side_by_side(tmp_path: Path) -> None:
    env = environment(tmp_path, PATH=str(program(tmp_path / "bin/codex").parent))

    found = status_of_all(env, Gateway(base_url=BASE), commands=Commands(env))

    assert {tool: it.installed for tool, it in found.items()} == {"claude": False, "codex": True}
