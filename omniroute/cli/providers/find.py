"""`providers import-env`, `providers detect`: connecting what is there already."""

from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output
from omniroute.cli.failures import UsageError
from omniroute.cli.gateway import client
from omniroute.cli.providers.add import DEFAULT_NAME
from omniroute.cli.providers.select import label
from omniroute.paths import variable

if TYPE_CHECKING:
    from omniroute.api.providers import CatalogueEntry, Connection, Detected
    from omniroute.client.http import Client

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("import-env")(_import_env)
    group.command("detect")(_detect)


def _import_env(
    *,
    yes: Yes = False,
    no_test: Annotated[
        bool, typer.Option("--no-test", help="Do not ask the providers about the keys.")
    ] = False,
    as_json: output.Json = False,
) -> None:
    """Connect the providers whose keys stand in this shell's environment.

    Providers that are connected already are left alone. Without a terminal nothing is added unless --yes.

    \b
    Example:
      omniroute providers import-env --yes
    """
    from omniroute.client import providers as calls

    with client() as gateway:
        taken = {one.provider for one in calls.connections(gateway)}
        found = _found(calls.catalogue(gateway))
        new = [(entry, name) for entry, name in found if entry.id not in taken]
        wanted = new if new and _agreed([f"{e.id} (from {name})" for e, name in new], yes=yes) else []
        added, refused = _import(gateway, wanted, test=not no_test)
    if as_json:
        shown = [
            {"provider": entry.id, "variable": name, "connected": entry.id in taken} for entry, name in found
        ]
        output.document({"found": shown, "added": added, "refused": refused})
        return
    if not found:
        output.say("no variable of this environment is a key of a provider in the catalogue")
    elif not new:
        output.say(f"{', '.join(sorted({entry.id for entry, _ in found}))}: connected already")
    for one in added:
        output.say(f"{label(one)} is connected")
    for provider, reason in refused.items():
        output.say(f"{provider} is not connected: {reason}")


def _found(catalogue: "list[CatalogueEntry]") -> "list[tuple[CatalogueEntry, str]]":
    """Each provider that may be used with the first of its variables that is set."""
    found: list[tuple[CatalogueEntry, str]] = []
    for entry in catalogue:
        names = [name for name in entry.env_keys if (variable(name) or "").strip()]
        if names and entry.status == "active" and not entry.placeholders:
            found.append((entry, names[0]))
    return found


def _agreed(listed: list[str], *, yes: bool) -> bool:
    output.say("found:")
    for text in listed:
        output.say(f"  {text}")
    if yes:
        return True
    if not output.asks_person():
        raise UsageError("nothing was added: say --yes where nobody can be asked")
    return output.confirm("Connect them?")


def _import(
    gateway: "Client", wanted: "list[tuple[CatalogueEntry, str]]", *, test: bool
) -> "tuple[list[Connection], dict[str, str]]":
    """The accounts that were made, and why others were not; one bad key does not stop the rest."""
    from omniroute.api.providers import NewConnection
    from omniroute.client import providers as calls
    from omniroute.client.http import ApiRefused

    added: list[Connection] = []
    refused: dict[str, str] = {}
    for entry, name in wanted:
        key = (variable(name) or "").strip()
        new = NewConnection(provider=entry.id, name=DEFAULT_NAME, api_key=key, validate=test)
        try:
            added.append(calls.add(gateway, new))
        except ApiRefused as error:
            refused[entry.id] = str(error)
    return added, refused


def _detect(
    *,
    add: Annotated[bool, typer.Option("--add", help="Connect those that are not connected yet.")] = False,
    yes: Yes = False,
    as_json: output.Json = False,
) -> None:
    """Look for model servers on this machine: Ollama, LM Studio, vLLM, llama.cpp and others.

    \b
    Example:
      omniroute providers detect --add
    """
    from omniroute.client import providers as calls

    with client() as gateway:
        found = calls.detect(gateway)
        new = [server for server in found if not server.connected]
        wanted = new if add and (yes or not output.asks_person() or _agreed_to(new)) else []
        added = [_connect(gateway, server) for server in wanted]
    if as_json:
        output.document({"servers": found, "added": added})
        return
    if not found:
        output.say("no model server answers on this machine")
        return
    rows = [
        (one.provider, one.name, one.base_url, str(len(one.models)), "yes" if one.connected else "no")
        for one in found
    ]
    output.table(("provider", "name", "base URL", "models", "connected"), rows, right=(3,))
    for one in added:
        output.say(f"{label(one)} is connected")
    if new and not add:
        output.say("connect them with: omniroute providers detect --add")


def _agreed_to(new: "list[Detected]") -> bool:
    return not new or _agreed([f"{server.name} at {server.base_url}" for server in new], yes=False)


def _connect(gateway: "Client", server: "Detected") -> "Connection":
    from omniroute.api.providers import NewConnection
    from omniroute.client import providers as calls

    new = NewConnection(
        provider=server.provider, name=DEFAULT_NAME, base_url=server.base_url, allow_private=True
    )
    return calls.add(gateway, new)
