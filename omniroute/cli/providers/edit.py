"""`providers edit`, `enable`, `disable`, `remove`: changing the accounts one has."""

from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output
from omniroute.cli.failures import UsageError
from omniroute.cli.gateway import client
from omniroute.cli.providers.key_input import KeyOnCommandLine, KeyVariable, read_key
from omniroute.cli.providers.select import Account, label, parse_variables, pick_connection

if TYPE_CHECKING:
    from omniroute.api.providers import Connection
    from omniroute.client.http import Client


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("edit")(_edit)
    group.command("enable")(_enable)
    group.command("disable")(_disable)
    group.command("remove")(_remove)


def _edit(  # noqa: PLR0913  # every option is an argument
    account: Account,
    *,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Replace the key: from standard input or a hidden prompt.")
    ] = False,
    api_key_env: KeyVariable = None,
    api_key: KeyOnCommandLine = None,
    priority: Annotated[int | None, typer.Option(min=1, max=100, help="1 is asked first.")] = None,
    default_model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Tested and offered first; empty takes it away.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="Empty goes back to the provider's own.")
    ] = None,
    allow_private: Annotated[
        bool | None,
        typer.Option("--allow-private/--no-allow-private", help="Let the base URL be a private address."),
    ] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A part of the provider's URL.")
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Change an account: only what is named changes.

    \b
    Example:
      omniroute providers edit openai/work --priority 1
      omniroute providers edit groq --api-key-env GROQ_API_KEY
    """
    from omniroute.client import providers as calls

    with client() as gateway:
        one = pick_connection(calls.connections(gateway), account)
        changes: dict[str, object] = {}
        if new_key or api_key_env:
            changes["api_key"] = read_key(api_key_env, what=label(one))
        given = {"name": name, "priority": priority, "allow_private": allow_private}
        changes |= {member: value for member, value in given.items() if value is not None}
        emptied = {"default_model": default_model, "base_url": base_url}
        changes |= {member: value or None for member, value in emptied.items() if value is not None}
        if values:
            changes["variables"] = one.variables | parse_variables(values)
        if not changes:
            raise UsageError("nothing to change was named; see: omniroute providers edit --help")
        _change(gateway, one, changes, as_json=as_json)


def _enable(account: Account, *, as_json: output.Json = False) -> None:
    """Let requests go to an account again.

    \b
    Example:
      omniroute providers enable groq
    """
    _switch(account, on=True, as_json=as_json)


def _disable(account: Account, *, as_json: output.Json = False) -> None:
    """Keep an account, but send no requests to it.

    \b
    Example:
      omniroute providers disable groq
    """
    _switch(account, on=False, as_json=as_json)


def _remove(
    account: Account,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: output.Json = False,
) -> None:
    """Remove an account with its key. Its past usage stays.

    \b
    Example:
      omniroute providers remove groq/old --yes
    """
    from omniroute.client import providers as calls

    with client() as gateway:
        known = calls.connections(gateway)
        one = pick_connection(known, account)
        called = label(one)
        if not yes and not output.asks_person():
            raise UsageError(f"removing {called} needs --yes where nobody can be asked")
        if not yes and not output.confirm(f"Remove {called} with its key?"):
            raise typer.Exit
        deleted = calls.remove(gateway, one.id)
        alone = not any(other.provider == one.provider for other in known if other.id != one.id)
        if alone and any(node.id == one.provider for node in calls.nodes(gateway)):
            calls.remove_node(gateway, one.provider)
    if as_json:
        output.document(deleted)
    else:
        output.say(f"{called} is removed")


def _switch(account: str, *, on: bool, as_json: bool) -> None:
    from omniroute.client import providers as calls

    with client() as gateway:
        _change(
            gateway, pick_connection(calls.connections(gateway), account), {"is_active": on}, as_json=as_json
        )


def _change(gateway: "Client", one: "Connection", changes: dict[str, object], *, as_json: bool) -> None:
    from omniroute.api.providers import ConnectionChange
    from omniroute.client import providers as calls

    wanted = ConnectionChange(**changes)  # type: ignore[arg-type]  # the gateway checks every member
    changed = calls.change(gateway, one.id, wanted)
    if as_json:
        output.document({"connection": changed})
    else:
        state = "enabled" if changed.is_active else "disabled"
        switched = "is_active" in changes
        output.say(f"{label(changed)} is {state if switched else 'changed'}")
