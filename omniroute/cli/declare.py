"""The whole configuration as one file."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omniroute.cli import output, words
from omniroute.cli.failures import UsageError
from omniroute.cli.gateway import client
from omniroute.paths import variable

if TYPE_CHECKING:
    from omniroute.api.config import Applied, ConfigChange

_SCHEME = "env:"
_NOTHING = "# Nothing is configured.\n"
"""A document of nothing, as `apply` takes it."""
_SIGNS = {"add": ("+", "good"), "change": ("~", "warn"), "remove": ("-", "bad")}


class Format(StrEnum):
    """How the file is written."""

    TOML = "toml"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add `apply` and `export`."""
    app.command("apply")(_apply)
    app.command("export")(_export)


def _export(
    *,
    form: Annotated[Format, typer.Option("--format", help="toml or json.")] = Format.TOML,
    as_json: output.Json = False,
) -> None:
    """Print the whole configuration as one file for `apply`. Keys of providers are named, never shown.

    \b
    Example:
      omniroute export > omniroute.toml
    """
    from omniroute.cli.toml_text import to_toml
    from omniroute.client.config import export

    with client() as gateway:
        document = export(gateway)
    if as_json or form is Format.JSON:
        output.document(document)
    else:
        output.fragment(to_toml(document) if document else _NOTHING)


def _apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML or JSON; - is standard input.")],
    *,
    diff: Annotated[bool, typer.Option("--diff", help="Only show what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: output.Json = False,
) -> None:
    """Make the configuration what a file says, all of it or nothing.

    A section that is in the file is the whole truth about it: what it does not name is removed. Sections
    that are not in the file stay as they are. Keys are written as apiKey = "env:NAME" and come from there.

    \b
    Examples:
      omniroute apply omniroute.toml --diff
      omniroute export | sed s/priority/p2c/ | omniroute apply - --yes
    """
    from omniroute.api.config import ApplyRequest
    from omniroute.client.config import apply

    document = _read(file)
    secrets = _secrets(document)
    with client() as gateway:
        found = apply(gateway, ApplyRequest(document=document, secrets=secrets, dry_run=True))
        if not diff and found.changes:
            if not yes:
                _agreed(found)
            found = apply(gateway, ApplyRequest(document=document, secrets=secrets))
    if as_json:
        output.document(found)
        return
    _print(found, shown=not diff and not yes)


def _agreed(found: "Applied") -> None:
    """Raises `UsageError` unless a person says yes."""
    if not output.asks_person():
        raise UsageError("nobody can be asked: say --yes to apply, or --diff to look first")
    for change in found.changes:
        output.say(_line(change))
    if not output.confirm(f"Apply {words.counted(len(found.changes), 'change')}?"):
        raise typer.Abort


def _print(found: "Applied", *, shown: bool) -> None:
    if not shown:
        for change in found.changes:
            output.line(_line(change))
    for made in found.keys:
        output.line(f"key {made.name}: {made.key}")
    for warning in found.warnings:
        output.say(f"warning: {warning}")
    if not found.changes:
        output.say("nothing to change")
    elif found.applied:
        output.say(f"applied: {words.counted(len(found.changes), 'change')}")
        if found.keys:
            output.say("keys are shown this once: keep them")


def _line(change: "ConfigChange") -> str:
    import json

    sign, tone = _SIGNS[change.action]
    before = json.dumps(change.before, ensure_ascii=False)
    after = json.dumps(change.after, ensure_ascii=False)
    what = {"add": after, "change": f"{before} -> {after}", "remove": before}[change.action]
    return f"{output.paint(sign, tone)} {change.path}: {what}"


def _read(file: Path) -> dict[str, Any]:  # JSON of any shape
    import json
    import tomllib

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{file}: cannot be read: {reason}") from error
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as error:
        raise UsageError(f"{file}: {error}") from error
    found: dict[str, Any] = document
    return found


def _secrets(document: dict[str, Any]) -> dict[str, str]:
    """The values of `env:NAME` in the environment, where they are set."""
    names: set[str] = set()
    for section, member in (("accounts", "apiKey"), ("proxies", "password")):
        items = document.get(section)
        for one in items.values() if isinstance(items, dict) else ():
            text = one.get(member) if isinstance(one, dict) else None
            if isinstance(text, str) and text.startswith(_SCHEME):
                names.add(text.removeprefix(_SCHEME))
    return {name: value for name in sorted(names) if (value := variable(name))}
