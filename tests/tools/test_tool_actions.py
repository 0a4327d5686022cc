import json
import os
from pathlib import Path

import pytest

from omniroute.clock import Clock
from omniroute.errors import ConfigError
from omniroute.tools import files
from omniroute.tools.actions import apply, reset, restore
from omniroute.tools.backups import Backups
from omniroute.tools.environment import Environment
from omniroute.tools.files import Busy, FileState
from omniroute.tools.text import BrokenFile
from omniroute.tools.values import Gateway, Settings, WritesDisabled

BASE = "http://127.0.0.1:20128"
KEY = "sk-omni-0123456789abcdef"

CLAUDE_FILES = [
    "",
    "{}",
    "{ }",
    "{\n}\n",
    '{"model":"opus","env":{}}',
    '{"env": {"FOO": "1"}, "permissions": {"allow": ["Read"]}}',
    '{\r\n    "env": {\r\n        "ANTHROPIC_BASE_URL": "https://api.example"\r\n    }\r\n}\r\n',
    '\ufeff{\n\t"cleanupPeriodDays": 1.50e1\n}',
    '{\n  "env": {\n    "ANTHROPIC_AUTH_TOKEN": "mine-and-secret-0001"\n  },\n  "hooks": {}\n}\n\n',
]
CODEX_FILES = [
    "",
    "# only a comment",
    'model = "gpt-5" # mine\n\n[mcp_servers.a]\ncommand = "x"',
    '\ufeffmodel_provider = "azure"\r\n\r\n[model_providers.azure]\r\nname = "A"\r\n',
    '[model_providers.omniroute]\nname = "Old"\nenv_key = "X_KEY"\nwire_api = "chat"\n\n# last\n',
    'model_providers.omniroute.name = "dotted"\n[projects."/x"]\ntrust_level = "trusted"\n',
    '[profiles.work]\nmodel_provider = "azure"\n\n\n',
]


class FixedClock:
    """A clock that stands still, as the system's may for two quick calls."""

    def now_ms(self) -> int:
        return 1_800_000_000_123

    def monotonic_s(self) -> float:
        return 0.0


clock: Clock = FixedClock()


@pytest.fixture
def env(tmp_path: Path) -> Environment:
    return environment(tmp_path)


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
EVERY_FILE = pytest.mark.parametrize(
    ("tool", "text"),
    [("claude", text) for text in CLAUDE_FILES] + [("codex", text) for text in CODEX_FILES],
)


@EVERY_FILE
def test_reset_gives_back_every_byte_however_often_was_applied(
    env: Environment, tool: str, text: str
) -> None:
    path = config_file(env, tool)
    original = write(path, text)
    path.chmod(0o640)

    for model in ("a/1", "a/2", None, "b/3", "b/4", "b/5", "b/6", "b/7", "b/8"):
        assert apply(tool, settings(model), env, clock).changed
    change = reset(tool, env, clock)

    assert change.changed
    assert path.read_bytes() == original
    assert path.stat().st_mode & 0o777 == 0o640
    assert not reset(tool, env, clock).changed


@EVERY_FILE
def test_reset_after_somebody_elses_edit_takes_only_our_keys(env: Environment, tool: str, text: str) -> None:
    path = config_file(env, tool)
    write(path, text)
    apply(tool, settings(), env, clock)
    edited = path.read_text(encoding="utf-8")
    if tool == "claude":
        path.write_text(edited.rstrip()[:-1] + ', "theirs": {"x": 1} }', encoding="utf-8")
    else:
        path.write_text(edited + "\n# theirs\n[theirs]\nx = 1\n", encoding="utf-8")

    reset(tool, env, clock)

    left = path.read_text(encoding="utf-8")
    assert "theirs" in left
    assert KEY not in left
    assert BASE not in left
    for line in text.removeprefix("\ufeff").splitlines():
        if line.strip() not in ("", "{}", "{ }", "}") and not line.startswith(("{", "env_key")):
            assert line.split(" = ")[0].rstrip(",") in left


@BOTH
def test_a_file_and_folder_that_were_not_there_are_gone_again(env: Environment, tool: str) -> None:
    path = config_file(env, tool)

    apply(tool, settings(), env, clock)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    apply(tool, settings("other"), env, clock)
    reset(tool, env, clock)

    assert list(env.home.iterdir()) == []


@BOTH
def test_a_new_folder_that_others_use_meanwhile_stays(env: Environment, tool: str) -> None:
    path = config_file(env, tool)
    apply(tool, settings(), env, clock)
    (path.parent / "history").touch()

    reset(tool, env, clock)

    assert [entry.name for entry in path.parent.iterdir()] == ["history"]


@BOTH
def test_the_same_settings_twice_change_and_back_up_nothing(env: Environment, tool: str) -> None:
    first = apply(tool, settings(), env, clock)
    before = config_file(env, tool).stat()

    second = apply(tool, settings(), env, clock)

    assert (first.changed, second.changed) == (True, False)
    assert (second.diff, second.backup_id) == ("", None)
    assert config_file(env, tool).stat() == before
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


def test_a_value_changed_since_is_not_ours_to_take_back(env: Environment) -> None:
    path = config_file(env, "codex")
    apply("codex", settings(), env, clock)
    path.write_text(path.read_text(encoding="utf-8").replace("demo/echo", "their/model"), encoding="utf-8")

    reset("codex", env, clock)

    assert path.read_text(encoding="utf-8") == 'model = "their/model"\n'


def test_our_token_leaves_a_table_that_somebody_made_their_own(env: Environment) -> None:
    path = config_file(env, "codex")
    apply("codex", settings(), env, clock)
    path.write_text(path.read_text(encoding="utf-8").replace(BASE, "https://theirs"), encoding="utf-8")

    reset("codex", env, clock)

    left = path.read_text(encoding="utf-8")
    assert 'base_url = "https://theirs/v1"' in left
    assert KEY not in left
    assert "model_provider =" not in left


@BOTH
def test_without_a_record_reset_takes_out_what_points_at_the_gateway(
    env: Environment, tmp_path: Path, tool: str
) -> None:
    apply(tool, settings(), env, clock)
    fresh = Environment(
        home=env.home, variables={}, cwd=env.cwd, platform="linux", data_dir=tmp_path / "new", root=env.root
    )

    assert not reset(tool, fresh, clock).changed
    assert not reset(tool, fresh, clock, gateway=Gateway(base_url="http://127.0.0.1:9")).changed
    change = reset(tool, fresh, clock, gateway=Gateway(base_url=BASE))

    left = config_file(env, tool).read_text(encoding="utf-8")
    assert BASE not in left
    assert KEY not in left
    assert "omniroute" not in left
    assert "demo/echo was left" in change.warnings[0]
    assert KEY not in change.diff


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


@BOTH
def test_the_newest_five_backups_and_the_first_are_kept_private(env: Environment, tool: str) -> None:
    write(config_file(env, tool), "")
    ids = [apply(tool, settings(f"m/{number}"), env, clock).backup_id for number in range(9)]

    kept = Backups(env.data_dir, tool).all()

    assert [backup.id for backup in kept] == [ids[0], *ids[4:]]
    folder = env.data_dir / "backups" / tool
    assert all(
        entry.stat().st_mode & 0o777 == 0o700
        for entry in [env.data_dir, folder.parent, folder, *folder.iterdir()]
    )
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in folder.glob("*/*"))
    assert not [entry for entry in folder.iterdir() if entry.name.startswith(".")]


def test_the_way_back_survives_pruning(env: Environment) -> None:
    path = config_file(env, "claude")
    apply("claude", settings(), env, clock)
    reset("claude", env, clock)
    original = write(path, '{ "odd" :1}')

    for number in range(8):
        apply("claude", settings(f"m/{number}"), env, clock)
    reset("claude", env, clock)

    assert path.read_bytes() == original


def test_a_tool_with_two_homes_finds_the_way_back_in_each(env: Environment, tmp_path: Path) -> None:
    path = config_file(env, "codex")
    original = write(path, 'odd = "1"')
    other = environment(tmp_path, CODEX_HOME=str(tmp_path / "other"))

    apply("codex", settings(), env, clock)
    for number in range(8):
        apply("codex", settings(f"m/{number}"), other, clock)
    reset("codex", env, clock)
    reset("codex", other, clock)

    assert path.read_bytes() == original
    assert not (tmp_path / "other").exists()


@BOTH
def test_restore_goes_back_to_any_backup_and_can_itself_be_undone(env: Environment, tool: str) -> None:
    path = config_file(env, tool)
    original = write(path, "" if tool == "codex" else "{}")
    first = apply(tool, settings("m/1"), env, clock)
    once = path.read_bytes()
    second = apply(tool, settings("m/2"), env, clock)
    twice = path.read_bytes()
    assert first.backup_id is not None
    assert second.backup_id is not None

    undone = restore(tool, second.backup_id, env, clock)
    assert path.read_bytes() == once
    assert undone.warnings == ()
    assert undone.backup_id is not None
    restore(tool, undone.backup_id, env, clock)
    assert path.read_bytes() == twice
    restore(tool, first.backup_id, env, clock)
    assert path.read_bytes() == original
    restore(tool, undone.backup_id, env, clock)
    reset(tool, env, clock)
    assert path.read_bytes() == original


def test_restore_of_a_file_that_was_not_there_removes_it(env: Environment) -> None:
    change = apply("codex", settings(), env, clock)
    write(config_file(env, "codex"), "theirs = 1\n")
    assert change.backup_id is not None

    restored = restore("codex", change.backup_id, env, clock)

    assert not config_file(env, "codex").exists()
    assert "edited since" in restored.warnings[0]


def test_restore_refuses_strange_ids_moved_files_and_damage(env: Environment, tmp_path: Path) -> None:
    write(config_file(env, "codex"), "a = 1\n")
    backup_id = apply("codex", settings(), env, clock).backup_id
    assert backup_id is not None
    for strange in ("../codex", "", "..", "1-1", f"../codex/{backup_id}", f"{backup_id}\n"):
        with pytest.raises(ConfigError, match="no backup"):
            restore("codex", strange, env, clock)
    moved = environment(tmp_path, CODEX_HOME=str(tmp_path / "elsewhere"))
    with pytest.raises(ConfigError, match="moved"):
        restore("codex", backup_id, moved, clock)
    (env.data_dir / "backups" / "codex" / backup_id / "0-config.toml").write_bytes(b"a = 2\n")
    with pytest.raises(ConfigError, match="damaged"):
        restore("codex", backup_id, env, clock)


def test_an_edit_that_is_undone_byte_by_byte_leaves_the_way_back(env: Environment) -> None:
    path = config_file(env, "claude")
    original = write(path, "{ }")
    apply("claude", settings(), env, clock)
    ours = path.read_bytes()

    write(path, '{"x": 1}')
    path.write_bytes(ours)
    reset("claude", env, clock)

    assert path.read_bytes() == original


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
