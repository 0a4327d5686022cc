import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from omniroute.tools.commands import Commands, Reason
from omniroute.tools.environment import Environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")

SYSTEM = "/usr/bin:/bin"


def environment(tmp_path: Path, **variables: str) -> Environment:
    (tmp_path / "home").mkdir(exist_ok=True)
    return Environment(
        home=tmp_path / "home",
        variables=variables,
        cwd=tmp_path,
        platform="linux",
        data_dir=tmp_path / "data",
        root=tmp_path / "system",
    )


def program(path: Path, script: str = "echo 1.0.0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("2.1.330 (Claude Code)", "2.1.330"),
        ("codex-cli 0.169.0", "0.169.0"),
        ("OpenClaw 2026.9.6 (eb377ac)", "2026.9.6"),
        ("llm, version 0.36", "0.36"),
        ("dev build", "dev build"),
    ],
)
def test_the_version_is_the_first_dotted_number_or_the_first_line(
    tmp_path: Path, output: str, version: str
) -> None:
    program(tmp_path / "bin/tool", f"echo '{output}'; echo more; echo warning >&2")

    found = Commands(environment(tmp_path, PATH=str(tmp_path / "bin"))).find("tool", "CLI_TOOL_BIN")

    assert (found.path, found.version, found.reason) == (tmp_path / "bin/tool", version, None)


def test_places_are_looked_through_in_order(tmp_path: Path) -> None:
    home = tmp_path / "home"
    env = environment(
        tmp_path, PATH=f"relative:{tmp_path / 'path'}:{SYSTEM}", CLI_EXTRA_PATHS=str(tmp_path / "extra")
    )
    program(tmp_path / "path/npm", f"echo {tmp_path / 'npm'}")
    places = [
        tmp_path / "system/usr/local/bin",
        home / ".nvm/versions/node/v20/bin",
        home / ".claude/local",
        home / ".local/bin",
        tmp_path / "npm/bin",
        tmp_path / "extra",
        tmp_path / "path",
    ]

    for place in places:
        program(place / "tool")
        assert Commands(env).find("tool", "CLI_TOOL_BIN").path == place / "tool"


def test_npm_is_asked_once_and_only_when_needed(tmp_path: Path) -> None:
    log = tmp_path / "asked"
    program(tmp_path / "path/npm", f'echo "$@" >> {log}; echo {tmp_path / "npm"}')
    program(tmp_path / "path/here")
    commands = Commands(environment(tmp_path, PATH=f"{tmp_path / 'path'}:{SYSTEM}"))

    commands.find("here", "CLI_HERE_BIN")
    assert not log.exists()
    commands.find("one", "CLI_ONE_BIN")
    commands.find("two", "CLI_TWO_BIN")

    assert log.read_text(encoding="utf-8") == "config get prefix\n"


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("{tmp}/bin/good", None),
        ("good", None),
        ("{tmp}/bin/plain", Reason.NOT_EXECUTABLE),
        ("plain", Reason.NOT_EXECUTABLE),
        ("{tmp}/bin", Reason.NOT_FILE),
        ("{tmp}/bin/none", Reason.NOT_FOUND),
        ("none", Reason.NOT_FOUND),
        ("bin/good", Reason.UNSAFE_PATH),
        ("../good", Reason.UNSAFE_PATH),
        ("good\n", None),
        ("go\nod", Reason.UNSAFE_PATH),
        (" ", Reason.MISSING_COMMAND),
    ],
)
def test_a_variable_names_another_command(tmp_path: Path, named: str, reason: Reason | None) -> None:
    program(tmp_path / "bin/good")
    program(tmp_path / "bin/plain").chmod(0o644)
    value = named.format(tmp=tmp_path)
    env = environment(tmp_path, PATH=str(tmp_path / "bin"), CLI_TOOL_BIN=value)

    found = Commands(env).find("good", "CLI_TOOL_BIN")

    assert found.reason is reason
    assert found.name == value.strip()


@pytest.mark.parametrize(
    "script",
    ["exit 3", "true", "echo 1.0.0; exit 1", "while :; do echo 1.0.0.0.0.0.0.0.0.0.0; done"],
    ids=["fails", "silent", "fails with output", "endless output"],
)
def test_a_command_that_misbehaves_does_not_run(tmp_path: Path, script: str) -> None:
    program(tmp_path / "bin/tool", script)

    found = Commands(environment(tmp_path, PATH=str(tmp_path / "bin"))).find("tool", "CLI_TOOL_BIN")

    assert (found.version, found.reason) == (None, Reason.HEALTHCHECK_FAILED)


@pytest.mark.parametrize(
    "script",
    [
        "echo 1.0.0; exec sleep 300",
        "echo 1.0.0; sleep 300 & exit 0",
        "echo 1.0.0; exec >&-; exec sleep 300",
        "echo 1.0.0; trap '' TERM INT HUP; while :; do sleep 300; done",
    ],
    ids=["hangs", "leaves a child on the pipe", "closes its output", "heeds no signal"],
)
def test_a_command_that_hangs_is_stopped_at_the_limit(tmp_path: Path, script: str) -> None:
    note = tmp_path / "group"
    program(tmp_path / "bin/tool", f"echo $$ > {note}; {script}")
    env = environment(tmp_path, PATH=f"{tmp_path / 'bin'}:{SYSTEM}")

    found = Commands(env).find("tool", "CLI_TOOL_BIN", limit_s=1.0)

    assert found.reason is Reason.HEALTHCHECK_TIMEOUT
    group = int(note.read_text(encoding="utf-8"))
    ended = any(not running(group) for _ in range(1000))
    assert ended


@pytest.mark.skipif(shutil.which("setsid") is None, reason="needs setsid")
def test_a_child_that_left_the_group_with_our_pipe_is_not_waited_for(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program(tmp_path / "bin/tool", f"setsid sh -c 'echo $$ > {note}; exec sleep 60' & echo 1.0.0; wait")
    env = environment(tmp_path, PATH=f"{tmp_path / 'bin'}:{SYSTEM}")

    found = Commands(env).find("tool", "CLI_TOOL_BIN", limit_s=1.0)

    assert found.reason is Reason.HEALTHCHECK_TIMEOUT
    os.kill(int(note.read_text(encoding="utf-8")), signal.SIGKILL)


def running(group: int) -> list[str]:
    """The group's processes that are not merely waiting to be reaped, where the system lists them."""
    found: list[str] = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, process_group = file.read_text(encoding="utf-8").rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(process_group) == group and state not in "ZX":
            found.append(file.parent.name)
    return found


def test_the_child_sees_no_key_and_nothing_on_its_input(tmp_path: Path) -> None:
    program(tmp_path / "bin/tool", f"env > {tmp_path / 'seen'}; cat; echo 1.0.0")
    secret = {"OPENAI_API_KEY": "sk-secret", "STORAGE_ENCRYPTION_KEY": "x", "TMPDIR": str(tmp_path)}
    env = environment(tmp_path, PATH=f"{tmp_path / 'bin'}:{SYSTEM}", **secret)

    assert Commands(env).find("tool", "CLI_TOOL_BIN").version == "1.0.0"

    names = {line.partition("=")[0] for line in (tmp_path / "seen").read_text(encoding="utf-8").splitlines()}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "HOME", "USERPROFILE", "TMPDIR"}


def test_a_command_is_asked_again_only_when_its_file_changed(tmp_path: Path) -> None:
    counter = tmp_path / "count"
    tool = program(tmp_path / "bin/tool", f"echo x >> {counter}; echo 1.0.0")
    commands = Commands(environment(tmp_path, PATH=str(tmp_path / "bin")))

    commands.find("tool", "CLI_TOOL_BIN")
    commands.find("tool", "CLI_TOOL_BIN")
    assert counter.read_text(encoding="utf-8") == "x\n"
    os.utime(tool, ns=(1, 1))
    commands.find("tool", "CLI_TOOL_BIN")

    assert counter.read_text(encoding="utf-8") == "x\nx\n"


def test_links_are_not_resolved(tmp_path: Path) -> None:
    program(tmp_path / "lib/real")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tool").symlink_to(tmp_path / "lib/real")

    found = Commands(environment(tmp_path, PATH=str(tmp_path / "bin"))).find("tool", "CLI_TOOL_BIN")

    assert found.path == tmp_path / "bin/tool"
