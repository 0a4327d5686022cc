"""A tool's file after reset and restore, and the backups they go by."""

from pathlib import Path

import pytest

from omniroute.errors import ConfigError
from omniroute.tools.actions import apply, reset, restore
from omniroute.tools.backups import Backups
from omniroute.tools.environment import Environment
from omniroute.tools.values import Gateway
from tests.tools.user_home import BASE, BOTH, KEY, clock, config_file, environment, settings, write

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
