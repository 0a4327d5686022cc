"""What is written into a tool's file, and what is refused."""

import json
import os
from pathlib import Path

import pytest

from omniroute.errors import ConfigError
from omniroute.tools import files
from omniroute.tools.actions import apply, reset
from omniroute.tools.backups import Backups
from omniroute.tools.environment import Environment
from omniroute.tools.files import Busy, FileState
from omniroute.tools.text import BrokenFile
from omniroute.tools.values import Settings, WritesDisabled
from tests.tools.user_home import BASE, BOTH, KEY, clock, config_file, environment, settings, write


@BOTH
def test_the_same_settings_twice_change_and_back_up_nothing(env: Environment, tool: str) -> None:
    first = apply(tool, settings(), env, clock)
    before = _state(config_file(env, tool))

    second = apply(tool, settings(), env, clock)

    assert (first.changed, second.changed) == (True, False)
    assert (second.diff, second.backup_id) == ("", None)
    assert _state(config_file(env, tool)) == before
    assert len(Backups(env.data_dir, tool).all()) == 1


@BOTH
def test_a_dry_run_shows_the_same_diff_without_the_key_and_writes_nothing(
    env: Environment, tool: str
) -> None:
    shown = apply(tool, settings(), env, clock, dry_run=True)
    assert list(env.home.iterdir()) == []
    assert not env.data_dir.exists()

    done = apply(tool, settings(), env, clock)

    assert shown.diff == done.diff
    assert shown.changed
    assert shown.backup_id is None
    assert BASE in shown.diff
    assert KEY not in shown.diff
    assert "sk-o****cdef" in shown.diff


def test_a_diff_shows_no_secret_of_the_lines_around(env: Environment) -> None:
    write(
        config_file(env, "claude"),
        '{\n  "env": {\n  "GITHUB_TOKEN": "abcdefghijklmnopqrst",\n  "OTHER": "sk-ant-abcdefghijkl"\n  }\n}',
    )

    diff = apply("claude", settings(), env, clock, dry_run=True).diff

    assert "abcdefghijkl" not in diff
    assert "No newline at end of file" in diff


def test_what_apply_writes_for_claude(env: Environment) -> None:
    mapped = Settings(
        base_url=f"{BASE}/v1",
        key=KEY,
        model="a/b",
        models={"opus": "x/o", "haiku": "x/h"},
        timeout_ms=600000,
        quiet=True,
        discover=True,
    )

    apply("claude", mapped, env, clock)

    assert json.loads(config_file(env, "claude").read_bytes()) == {
        "env": {
            "ANTHROPIC_BASE_URL": BASE,
            "ANTHROPIC_AUTH_TOKEN": KEY,
            "ANTHROPIC_MODEL": "a/b",
            "ANTHROPIC_DEFAULT_OPUS_MODEL": "x/o",
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": "x/h",
            "API_TIMEOUT_MS": "600000",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY": "1",
        }
    }


def test_a_model_no_longer_asked_for_is_taken_back(env: Environment) -> None:
    path = config_file(env, "claude")
    write(path, '{"env": {"ANTHROPIC_MODEL": "theirs"}}')

    apply("claude", settings("ours"), env, clock)
    apply("claude", settings(None), env, clock)

    assert json.loads(path.read_bytes())["env"]["ANTHROPIC_MODEL"] == "theirs"


def test_what_apply_writes_for_codex(env: Environment) -> None:
    path = config_file(env, "codex")
    write(path, 'model = "gpt-5"\n[model_providers.omniroute]\nenv_key = "X"\nwire_api = "chat"\n')

    change = apply("codex", settings(), env, clock)

    assert path.read_text(encoding="utf-8") == (
        'model = "demo/echo"\nmodel_provider = "omniroute"\n[model_providers.omniroute]\n'
        f'wire_api = "responses"\nname = "OmniRoute"\nbase_url = "{BASE}/v1"\n'
        f'experimental_bearer_token = "{KEY}"\n'
    )
    assert any("wire_api" in warning for warning in change.warnings)


def test_the_leftover_api_key_goes_only_on_request_and_comes_back(env: Environment) -> None:
    path = config_file(env, "claude")
    write(path, '{"env": {"ANTHROPIC_API_KEY": "sk-ant-1"}, "apiKeyHelper": "/bin/x"}')

    path.chmod(0o600)

    kept = apply("claude", settings(), env, clock)
    assert "sk-ant-1" in path.read_text(encoding="utf-8")
    assert len(kept.warnings) == 2
    apply("claude", Settings(base_url=BASE, key=KEY, remove_api_key=True), env, clock)
    assert "sk-ant-1" not in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    reset("claude", env, clock)

    assert json.loads(path.read_bytes())["env"] == {"ANTHROPIC_API_KEY": "sk-ant-1"}


@pytest.mark.parametrize(
    ("tool", "text", "place"),
    [
        ("claude", '{\n  "a": 1,\n}', "line 2, column 9"),
        ("claude", "// c\n{}", "line 1, column 1"),
        ("claude", '{"env": null}', "line 1, column 9"),
        ("codex", "a = 1\na = 2\n", "line 2, column 6"),
        ("codex", "model = \n", "line 1, column 9"),
    ],
)
def test_a_broken_file_is_named_and_left_alone(env: Environment, tool: str, text: str, place: str) -> None:
    path = config_file(env, tool)
    original = write(path, text)

    with pytest.raises(BrokenFile) as fault:
        apply(tool, settings(), env, clock)

    assert place in str(fault.value)
    assert str(path) in str(fault.value)
    assert path.read_bytes() == original
    assert not env.data_dir.exists()


def test_bytes_that_are_not_utf8_are_a_broken_file(env: Environment) -> None:
    path = config_file(env, "codex")
    write(path, "")
    path.write_bytes(b"a = 1\nb = '\xff'\n")

    with pytest.raises(BrokenFile, match="line 2, column 6"):
        apply("codex", settings(), env, clock)


@BOTH
def test_writes_can_be_forbidden(tmp_path: Path, tool: str) -> None:
    env = environment(tmp_path, CLI_ALLOW_CONFIG_WRITES="false")

    assert apply(tool, settings(), env, clock, dry_run=True).changed
    with pytest.raises(WritesDisabled):
        apply(tool, settings(), env, clock)
    assert list(env.home.iterdir()) == []


def test_a_symbolic_link_stays_and_its_target_is_replaced(env: Environment, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "claude.json"
    original = write(target, '{"a": 1}')
    link = config_file(env, "claude")
    link.parent.mkdir()
    link.symlink_to(target)

    apply("claude", settings(), env, clock)
    assert link.is_symlink()
    assert KEY in target.read_text(encoding="utf-8")
    reset("claude", env, clock)

    assert link.is_symlink()
    assert target.read_bytes() == original


@pytest.mark.parametrize(("intrusions", "busy"), [(1, False), (2, True)])
def test_a_change_by_another_program_is_read_again_once(
    env: Environment, monkeypatch: pytest.MonkeyPatch, intrusions: int, busy: bool
) -> None:
    path = config_file(env, "claude")
    write(path, "{}")
    left = list(range(intrusions))
    real = files.replace

    def intruded(before: FileState, content: bytes, *, mode: int | None = None) -> None:
        if left:
            write(path, json.dumps({"theirs": left.pop()}))
        real(before, content, mode=mode)

    monkeypatch.setattr(files, "replace", intruded)

    if busy:
        with pytest.raises(Busy):
            apply("claude", settings(), env, clock)
        assert json.loads(path.read_bytes()) == {"theirs": 0}
        assert Backups(env.data_dir, "claude").all() == []
    else:
        apply("claude", settings(), env, clock)
        assert set(json.loads(path.read_bytes())) == {"theirs", "env"}
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("base_url", "key", "model"),
    [
        (BASE, "", "m"),
        (BASE, "sk-o***cdef", "m"),
        (BASE, "sk-o…cdef", "m"),
        (BASE, "two words", "m"),
        ("127.0.0.1:20128", KEY, "m"),
        ("ftp://x", KEY, "m"),
        ("", KEY, "m"),
        (BASE, KEY, ""),
        (BASE, KEY, "a\nb"),
    ],
)
def test_settings_that_cannot_work_are_refused(base_url: str, key: str, model: str) -> None:
    with pytest.raises(ConfigError):
        Settings(base_url=base_url, key=key, model=model)


@BOTH
def test_a_model_mapping_is_never_dropped_in_silence(env: Environment, tool: str) -> None:
    with pytest.raises(ConfigError, match="model"):
        apply(tool, Settings(base_url=BASE, key=KEY, models={"gpt": "x"}), env, clock)


def test_settings_do_not_show_the_key() -> None:
    assert KEY not in repr(settings())


def test_an_unknown_tool_is_refused_by_name(env: Environment) -> None:
    with pytest.raises(ConfigError, match="claude, codex"):
        apply("emacs", settings(), env, clock)


def test_the_tools_own_folder_variables_win(tmp_path: Path) -> None:
    env = environment(
        tmp_path,
        CLAUDE_CONFIG_DIR=str(tmp_path / "c"),
        CODEX_HOME=str(tmp_path / "x"),
        CLI_CONFIG_HOME=str(tmp_path / "home" / "inside"),
    )

    assert apply("claude", settings(), env, clock).path == tmp_path / "c" / "settings.json"
    assert apply("codex", settings(), env, clock).path == tmp_path / "x" / "config.toml"


@pytest.mark.parametrize(
    ("chosen", "used"), [("home/inside", "home/inside"), ("outside", "home"), ("home/../x", "home")]
)
def test_the_config_home_must_lie_inside_the_users_home(tmp_path: Path, chosen: str, used: str) -> None:
    env = environment(tmp_path, CLI_CONFIG_HOME=f"{tmp_path}/{chosen}")

    change = apply("codex", settings(), env, clock)

    assert change.path == tmp_path / used / ".codex" / "config.toml"
    assert bool(change.warnings) == (chosen != used)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_is_no_file_is_not_read(env: Environment) -> None:
    path = config_file(env, "claude")
    path.parent.mkdir()
    os.mkfifo(path)

    with pytest.raises(ConfigError, match="is not a file"):
        apply("claude", settings(), env, clock)


def _state(path: Path) -> tuple[int, int, int, int]:
    """What writing would change; reading may change when it was read."""
    state = path.stat()
    return state.st_ino, state.st_mode, state.st_size, state.st_mtime_ns
