"""Every setting by its name."""

from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output
from omniroute.cli.failures import NotFound, UsageError
from omniroute.cli.gateway import client

if TYPE_CHECKING:
    from omniroute.api.settings import ShownSettings


def register(settings: typer.Typer) -> None:
    """Add `show` and `set`."""
    settings.command("show")(_show)
    settings.command("set")(_set)


def _show(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One setting, or all below it; all when not given.")
    ] = None,
    *,
    as_json: output.Json = False,
) -> None:
    """Show settings under the names that `set` takes.

    \b
    Example:
      omniroute settings show cache
    """
    from omniroute.client.settings import settings

    with client() as gateway:
        _print(settings(gateway), name, as_json=as_json)


def _set(
    values: Annotated[
        list[str], typer.Argument(metavar="NAME=VALUE...", help="Text or JSON; empty sets one back.")
    ],
    *,
    as_json: output.Json = False,
) -> None:
    """Change settings, from the next request on. What is not named stays. A list is written as JSON.

    \b
    Examples:
      omniroute settings set fallbackStrategy=round-robin stickyRoundRobinLimit=5
      omniroute settings set cache.ttlMs=600000 providerStrategies.openai=p2c
      omniroute settings set 'blockedProviders=["poe"]'
    """
    from omniroute.cli.assign import assigned
    from omniroute.client.http import ApiRefused
    from omniroute.client.settings import change_settings

    change = assigned(values)
    with client() as gateway:
        try:
            now = change_settings(gateway, change)
        except ApiRefused as refused:
            if "must be a list" not in refused.message:
                raise
            hint = f"""write it as '{refused.details[0].field}=["one", "two"]'"""
            raise UsageError(f"{refused.message}; {hint}") from None
    if as_json:
        output.document(now)
        return
    for name in change:
        _print(now, name, as_json=False)


def _print(found: "ShownSettings", name: str | None, *, as_json: bool) -> None:
    import msgspec

    from omniroute.cli.assign import camel, flat

    value = msgspec.to_builtins(found)
    if not as_json and name is None:
        value = {one: member for one, member in value.items() if one not in ("version", "dataDir")}
    for part in name.split(".") if name else ():
        if not isinstance(value, dict) or camel(part) not in value:
            raise NotFound(f"there is no setting {name!r}; see: omniroute settings show")
        value = value[camel(part)]
    if as_json:
        output.document(value)
        return
    for path, text in flat(value, ".".join(map(camel, name.split("."))) if name else ""):
        output.line(f"{path}={_one_line(text)}")


def _one_line(text: str) -> str:
    return text if "\n" not in text else f"{text.splitlines()[0]} …"
