"""The user's own names for models."""

from typing import Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.failures import NotFound
from omniroute.cli.gateway import client


def register(app: typer.Typer) -> None:
    """Add `aliases`."""
    group = typer.Typer(no_args_is_help=True, help="Give models names of your own.")
    group.command("set")(_set)
    group.command("list")(_list)
    group.command("remove")(_remove)
    app.add_typer(group, name="aliases")


def _set(
    alias: Annotated[
        str, typer.Argument(metavar="ALIAS", help="A name, or a pattern: * is anything, ? one character.")
    ],
    model: Annotated[str, typer.Argument(metavar="MODEL", help="What it stands for: a model or a combo.")],
    *,
    as_json: output.Json = False,
) -> None:
    """Let a name mean a model, from the next request on.

    \b
    Examples:
      omniroute aliases set sonnet cc/claude-sonnet-4-5
      omniroute aliases set "gpt-4*" openai/gpt-5.5
    """
    from omniroute.client.routing import set_alias

    with client() as gateway:
        made = set_alias(gateway, alias, model)
    if as_json:
        output.document(made)
        return
    output.say(f"{made.alias} now means {made.model}")
    for warning in made.warnings:
        output.say(f"warning: {words.one_line(warning)}")


def _list(*, as_json: output.Json = False) -> None:
    """List the aliases; of the patterns that fit a name the most specific one decides.

    \b
    Example:
      omniroute aliases list
    """
    from omniroute.client.routing import aliases

    with client() as gateway:
        found = aliases(gateway)
    if as_json:
        output.document(found)
        return
    rows = [*found.aliases.items(), *((one.pattern, one.target) for one in found.wildcards)]
    if not rows:
        output.say("no aliases yet; set one with: omniroute aliases set ALIAS MODEL")
        return
    output.table(("alias", "means"), rows)


def _remove(
    alias: Annotated[str, typer.Argument(metavar="ALIAS", help="The name or the pattern.")],
    *,
    as_json: output.Json = False,
) -> None:
    """Forget an alias.

    \b
    Example:
      omniroute aliases remove sonnet
    """
    from omniroute.client.routing import remove_alias

    with client() as gateway:
        removed = remove_alias(gateway, alias)
    if not removed.removed:
        raise NotFound(f"there is no alias {alias!r}")
    if as_json:
        output.document(removed)
    else:
        output.say(f"alias {alias!r} is removed")
