"""Pointing coding tools at the gateway."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omniroute.cli import output, words
from omniroute.cli.failures import UsageError
from omniroute.cli.gateway import client

if TYPE_CHECKING:
    from omniroute.tools.values import Change, ToolStatus


class ToolName(StrEnum):
    """The tools that can be configured."""

    CLAUDE = "claude"
    CODEX = "codex"


Name = Annotated[ToolName, typer.Argument(metavar="TOOL", help="claude (Claude Code) or codex (Codex CLI).")]
Model = Annotated[str | None, typer.Option(help="The model to start with; else the tool's own choice.")]
Opus = Annotated[str | None, typer.Option(metavar="MODEL", help="claude: what stands in for opus.")]
Sonnet = Annotated[str | None, typer.Option(metavar="MODEL", help="claude: what stands in for sonnet.")]
Haiku = Annotated[str | None, typer.Option(metavar="MODEL", help="claude: what stands in for haiku.")]
KeyEnv = Annotated[
    str | None,
    typer.Option(
        "--key-env", metavar="NAME", help="Take the gateway key from this variable; else one is made."
    ),
]
BaseUrl = Annotated[
    str | None, typer.Option(metavar="URL", help="The gateway's address; else the running one's.")
]


def register(app: typer.Typer) -> None:
    """Add `tools`."""
    group = typer.Typer(no_args_is_help=True, help="Point coding tools at the gateway.")
    group.command("status")(_status)
    group.command("apply")(_apply)
    group.command("diff")(_diff)
    group.command("reset")(_reset)
    app.add_typer(group, name="tools")


def _status(
    tool: Annotated[ToolName | None, typer.Argument(metavar="TOOL", help="One tool; else all.")] = None,
    *,
    as_json: output.Json = False,
) -> None:
    """Show which tools are installed, and whether they use the gateway.

    \b
    Example:
      omniroute tools status
    """
    from omniroute.cli.tool_setup import Setup
    from omniroute.tools.status import status, status_of_all

    setup = Setup.of_this_machine()
    with client() as gateway:
        ours = setup.gateway(gateway)
        if tool is not None:
            found = {tool.value: status(tool.value, setup.environment, ours)}
        else:
            found = status_of_all(setup.environment, ours)
    if as_json:
        output.document({"tools": {name: _as_json(one) for name, one in found.items()}})
        return
    rows = [
        (
            one.tool,
            (one.version or "installed") if one.installed else "not installed",
            one.config.status.replace("_", " "),
            words.text(one.config.endpoint),
            words.text(one.config.model),
            words.yes(one.config.key_matches),
        )
        for one in found.values()
    ]
    output.table(("tool", "version", "configuration", "endpoint", "model", "key is ours"), rows)
    for one in found.values():
        for text in filter(None, (one.config.error, *one.warnings)):
            output.say(f"{one.tool}: {text}")


def _apply(  # noqa: PLR0913  # every option is an argument
    tool: Name,
    *,
    model: Model = None,
    opus: Opus = None,
    sonnet: Sonnet = None,
    haiku: Haiku = None,
    key_env: KeyEnv = None,
    base_url: BaseUrl = None,
    as_json: output.Json = False,
) -> None:
    """Point a tool at the gateway. `reset` brings its file back byte by byte.

    Without --key-env a gateway key is made for the tool, and revoked by `reset`.

    \b
    Example:
      omniroute tools apply claude --sonnet openrouter/anthropic/claude-sonnet-4.5
      omniroute tools apply codex --model openai/gpt-5
    """
    from omniroute.cli.chat import gateway_key
    from omniroute.cli.tool_setup import Setup

    setup = Setup.of_this_machine()
    models = _mapped(tool, opus=opus, sonnet=sonnet, haiku=haiku)
    given = gateway_key(key_env)
    with client() as gateway:
        change = setup.apply(gateway, tool.value, given, base_url=base_url, model=model, models=models)
    _report(change, "is pointed at the gateway", as_json=as_json)
    _warn_when_stopped(base_url)


def _diff(  # noqa: PLR0913  # every option is an argument
    tool: Name,
    *,
    model: Model = None,
    opus: Opus = None,
    sonnet: Sonnet = None,
    haiku: Haiku = None,
    base_url: BaseUrl = None,
    as_json: output.Json = False,
) -> None:
    """Show what `apply` would change, keys masked. Nothing is written.

    \b
    Example:
      omniroute tools diff codex --model openai/gpt-5
    """
    from omniroute.cli.tool_setup import Setup

    setup = Setup.of_this_machine()
    models = _mapped(tool, opus=opus, sonnet=sonnet, haiku=haiku)
    change = setup.preview(tool.value, base_url=base_url, model=model, models=models)
    if as_json:
        output.document(_change_as_json(change))
        return
    output.fragment(change.diff)
    if not change.changed:
        output.say(f"{change.path} would not change")
    for text in change.warnings:
        output.say(f"note: {text}")


def _reset(tool: Name, *, as_json: output.Json = False) -> None:
    """Take back what `apply` wrote, and revoke the key it made.

    \b
    Example:
      omniroute tools reset claude
    """
    from omniroute.cli.tool_setup import Setup

    setup = Setup.of_this_machine()
    with client() as gateway:
        change = setup.reset(gateway, tool.value)
    _report(change, "is as it was before", as_json=as_json)


def _mapped(tool: ToolName, **models: str | None) -> dict[str, str]:
    given = {name: model for name, model in models.items() if model is not None}
    if given and tool is not ToolName.CLAUDE:
        raise UsageError(f"--{next(iter(given))} belongs to claude; {tool.value} takes --model")
    return given


def _report(change: "Change", sentence: str, *, as_json: bool) -> None:
    if as_json:
        output.document(_change_as_json(change))
        return
    output.say(f"{change.tool} {sentence}: {change.path}" + ("" if change.changed else " (nothing changed)"))
    for text in change.warnings:
        output.say(f"note: {text}")


def _warn_when_stopped(base_url: str | None) -> None:
    from omniroute.client.connect import find_server
    from omniroute.paths import find_paths

    if base_url is None and find_server(find_paths()) is None:
        output.say("note: no gateway runs; start it before the tool: omniroute serve")


def _change_as_json(change: "Change") -> dict[str, Any]:
    return {
        "tool": change.tool,
        "path": str(change.path),
        "changed": change.changed,
        "diff": change.diff,
        "backupId": change.backup_id,
        "warnings": list(change.warnings),
    }


def _as_json(one: "ToolStatus") -> dict[str, Any]:
    config = one.config
    return {
        "installed": one.installed,
        "runnable": one.runnable,
        "command": one.command,
        "commandPath": str(one.command_path) if one.command_path else None,
        "runtimeMode": one.runtime_mode,
        "reason": one.reason,
        "version": one.version,
        "config": {
            "status": config.status.value,
            "paths": [str(path) for path in config.paths],
            "endpoint": config.endpoint,
            "model": config.model,
            "keyMatches": config.key_matches,
            "error": config.error,
        },
        "warnings": list(one.warnings),
        "lastConfiguredAt": one.configured_at,
    }
