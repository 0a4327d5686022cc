"""The pages of `docs` name everything there is: commands, options, exit codes, settings."""

import re
from pathlib import Path

import msgspec
import pytest
from typer.core import TyperCommand, TyperGroup

from omniroute.cli.app import COMMANDS, load_command
from omniroute.exit_codes import ExitCode
from omniroute.records.preferences import ComboSettings, Preferences, Profile
from omniroute.settings import Settings, environment_names

DOCS = Path(__file__).resolve().parents[1] / "docs"
CLI = (DOCS / "cli.md").read_text(encoding="utf-8")
CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")

EVERYWHERE = {"--help", "--json"}
"""Options that the page explains once."""

AnyCommand = TyperCommand | TyperGroup


def below(path: str, command: object) -> dict[str, AnyCommand]:
    """Every command that does something, by its full name."""
    if isinstance(command, TyperCommand):
        return {path: command}
    assert isinstance(command, TyperGroup)
    found: dict[str, AnyCommand] = {path: command} if command.invoke_without_command else {}
    for name, inner in command.commands.items():
        found |= below(f"{path} {name}", inner)
    return found


def commands() -> dict[str, AnyCommand]:
    found: dict[str, AnyCommand] = {}
    for name in COMMANDS:
        found |= below(name, load_command(name))
    return found


def sections() -> dict[str, str]:
    """The text below each command's heading."""
    parts = re.split(r"(?m)^#+ `omniroute ([a-z -]+)`$", CLI)
    return {name: re.split(r"(?m)^#+ ", text)[0] for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_every_command_has_a_section_and_no_section_is_of_another() -> None:
    assert set(sections()) == set(commands())


@pytest.mark.parametrize("name", commands())
def test_the_section_of_a_command_names_every_option_and_no_other(name: str) -> None:
    options = {
        option
        for parameter in commands()[name].params
        if parameter.param_type_name == "option" and not getattr(parameter, "hidden", False)
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--")
    }
    table = "\n".join(line for line in sections()[name].splitlines() if line.startswith("| `"))
    named = set(re.findall(r"`(--[a-z][a-z-]*)`", "".join(line.split("|")[1] for line in table.splitlines())))

    assert named == options - EVERYWHERE


def test_every_exit_code_is_explained() -> None:
    assert re.findall(r"(?m)^\| (\d+) \| ([A-Z_]+) \|", CLI) == [
        (str(int(code)), code.name) for code in ExitCode
    ]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained_with_its_variables_and_default(name: str) -> None:
    field = Settings.model_fields[name]
    row = re.search(rf"(?m)^\| `{name}` \| (.+?) \| (.+?) \| (.+?) \|$", CONFIGURATION)

    assert row is not None
    assert re.findall(r"`(\w+)`", row[1]) == list(environment_names(field))
    shown = {(): "none", None: "unset"}.get(field.default, f"`{field.default!s}`")
    assert row[2].lower() == shown.lower()


def test_no_row_is_of_a_setting_that_is_not_there() -> None:
    table = CONFIGURATION.partition("## Settings of the process")[2].partition("\n## ")[0]

    assert set(re.findall(r"(?m)^\| `(\w+)` \|", table)) == set(Settings.model_fields)


def names(struct: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(struct)}


def rows(heading: str) -> set[str]:
    """What the tables under that heading explain."""
    text = re.split(r"(?m)^#+ ", CONFIGURATION.partition(f"{heading}\n")[2])[0]
    cells = re.findall(r"(?m)^\| (`[^|]+) \|", text)
    return {name for cell in cells for name in re.findall(r"`([\w.]+)`", cell)}


def test_every_setting_that_changes_while_running_is_explained_and_no_other() -> None:
    assert rows("## Settings while it runs") == names(Preferences)


def test_every_key_of_combos_is_explained_and_no_other() -> None:
    assert rows("### Keys of combos") == names(ComboSettings)


def test_every_key_of_a_profile_of_patience_is_explained() -> None:
    assert names(Profile) <= rows("### Patience")


@pytest.mark.parametrize("group", ["ip_filter", "cache", "injection_guard", "thinking_budget"])
def test_every_key_of_a_group_of_settings_is_explained(group: str) -> None:
    found = getattr(Preferences(), group)
    name = next(field.encode_name for field in msgspec.structs.fields(Preferences) if field.name == group)

    assert {f"{name}.{key}" for key in names(type(found))} <= rows("### Keys of the other groups")


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_link_to_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []
