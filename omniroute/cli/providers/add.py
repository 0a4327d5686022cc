"""`providers add`: an account at a provider of the catalogue, or at a server of one's own."""

from dataclasses import dataclass, replace
from enum import StrEnum
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output
from omniroute.cli.failures import Conflict, UsageError
from omniroute.cli.gateway import client
from omniroute.cli.providers.key_input import KeyOnCommandLine, KeyVariable, read_key
from omniroute.cli.providers.select import completed_variables, label, parse_variables, pick_provider

if TYPE_CHECKING:
    from omniroute.api.providers import CatalogueEntry, Connection, NodeEntry
    from omniroute.client.http import Client

DEFAULT_NAME = "main"


class NodeKind(StrEnum):
    """What a server of one's own speaks."""

    OPENAI = "openai-compatible"
    ANTHROPIC = "anthropic-compatible"
    GEMINI = "gemini-compatible"
    RESPONSES = "responses-compatible"
    OLLAMA = "ollama-compatible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the command line asks for."""

    name: str | None
    key_variable: str | None
    base_url: str | None
    allow_private: bool
    priority: int | None
    default_model: str | None
    variables: dict[str, str]
    if_not_exists: bool
    test: bool


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("add")(_add)


def _add(  # noqa: PLR0913  # every option is an argument
    provider: Annotated[
        str | None, typer.Argument(metavar="PROVIDER", help="Id or alias from `providers catalog`.")
    ] = None,
    *,
    kind: Annotated[
        NodeKind | None, typer.Option("--type", help="Instead of PROVIDER: what your own server speaks.")
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", metavar="URL", help="Your server, or a proxy before the provider."),
    ] = None,
    prefix: Annotated[
        str | None,
        typer.Option(help="With --type: what stands before the slash in model names; else from the name."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help=f"Tells several accounts apart; `{DEFAULT_NAME}` when not given.")
    ] = None,
    api_key_env: KeyVariable = None,
    api_key: KeyOnCommandLine = None,
    priority: Annotated[
        int | None, typer.Option(min=1, max=100, help="1 is asked first; else after the others.")
    ] = None,
    default_model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Tested and offered first.")
    ] = None,
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A part of the provider's URL.")
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Let --base-url be a private or loopback address.")
    ] = False,
    if_not_exists: Annotated[
        bool, typer.Option("--if-not-exists", help="Do nothing when there is such an account already.")
    ] = False,
    no_test: Annotated[
        bool, typer.Option("--no-test", help="Do not ask the provider about the key.")
    ] = False,
    as_json: output.Json = False,
) -> None:
    """Connect a provider. Its key comes from a variable, from standard input, or from a hidden prompt.

    \b
    Examples:
      omniroute providers add groq
      omniroute providers add openai --name work --api-key-env OPENAI_API_KEY
      pass show anthropic | omniroute providers add anthropic --if-not-exists
      omniroute providers add ollama
      omniroute providers add --type openai-compatible --base-url http://10.0.0.5:8000/v1 --name lab
    """
    wish = Wish(
        name=name,
        key_variable=api_key_env,
        base_url=base_url,
        allow_private=allow_private,
        priority=priority,
        default_model=default_model,
        variables=parse_variables(values),
        if_not_exists=if_not_exists,
        test=not no_test,
    )
    if (provider is None) == (kind is None):
        raise UsageError(
            "name a provider of the catalogue, or give --type and --base-url for your own server"
        )
    if provider is not None and prefix is not None:
        raise UsageError("--prefix belongs to --type: a provider of the catalogue has its own prefix")
    with client() as gateway:
        if provider is not None:
            added, is_new = _add_from_catalogue(gateway, provider, wish)
        else:
            added, is_new = _add_node(gateway, str(kind), prefix, wish)
    _report(added, is_new=is_new, as_json=as_json)


def _add_from_catalogue(gateway: "Client", wanted: str, wish: Wish) -> "tuple[Connection, bool]":
    from omniroute.client import providers as calls

    entry = pick_provider(calls.catalogue(gateway), wanted)
    if (existing := _existing(gateway, entry.id, wish)) is not None:
        return existing, False
    wish = _completed(entry, wish)
    required = entry.needs_key and entry.status == "active"  # others are refused with the permitted way
    key = read_key(wish.key_variable, what=entry.name, required=required)
    return _connect(gateway, entry.id, key, wish), True


def _completed(entry: "CatalogueEntry", wish: Wish) -> Wish:
    """The wish with the parts of the URL that a person was asked for."""
    if wish.base_url or entry.status != "active":
        return wish
    return replace(wish, variables=completed_variables(entry, wish.variables))


def _add_node(gateway: "Client", kind: str, prefix: str | None, wish: Wish) -> "tuple[Connection, bool]":
    from omniroute.api.providers import NewNode
    from omniroute.client import providers as calls

    if not wish.base_url:
        raise UsageError(f"--type {kind} needs --base-url, such as http://10.0.0.5:8000/v1")
    prefix = prefix or _prefix_from(wish.name or kind)
    node = _node_with_prefix(gateway, prefix)
    if node is not None:
        if node.type != kind or node.base_url.rstrip("/") != wish.base_url.rstrip("/"):
            raise Conflict(
                f"the prefix {prefix!r} belongs to {node.name} at {node.base_url}; choose --prefix"
            )
        if (existing := _existing(gateway, node.id, wish)) is not None:
            return existing, False
    key = _optional_key(wish)
    if node is None:
        node = calls.add_node(
            gateway, NewNode(name=wish.name or prefix, prefix=prefix, base_url=wish.base_url, type=kind)
        )
        try:
            return _connect(gateway, node.id, key, replace(wish, base_url=None, allow_private=True)), True
        except BaseException:
            calls.remove_node(gateway, node.id)  # nothing half-made is left
            raise
    return _connect(gateway, node.id, key, replace(wish, base_url=None, allow_private=True)), True


def _optional_key(wish: Wish) -> str | None:
    """A server of one's own often needs no key, so an empty answer is one."""
    if wish.key_variable is not None or not output.asks_person():
        return read_key(wish.key_variable, what="the server", required=False)
    return output.hidden("Key for the server (empty: none)", may_be_empty=True).strip() or None


def _node_with_prefix(gateway: "Client", prefix: str) -> "NodeEntry | None":
    from omniroute.client import providers as calls

    return next((node for node in calls.nodes(gateway) if node.prefix == prefix), None)


def _prefix_from(name: str) -> str:
    kept = "".join(mark if mark.isascii() and (mark.isalnum() or mark in "._-") else "-" for mark in name)
    return kept.strip("-").lower()[:40] or "node"


def _existing(gateway: "Client", provider_id: str, wish: Wish) -> "Connection | None":
    """The account that is there already, when that is enough. Raises `Conflict` when it is not."""
    from omniroute.client import providers as calls

    ours = [one for one in calls.connections(gateway) if one.provider == provider_id]
    if wish.if_not_exists and wish.name is None and ours:
        return ours[0]
    same = [one for one in ours if one.name == (wish.name or DEFAULT_NAME)]
    if not same:
        return None
    if wish.if_not_exists:
        return same[0]
    raise Conflict(
        f"{same[0].provider_name} has an account named {same[0].name!r} already: choose another --name, "
        f"or change it by: omniroute providers edit {quote(label(same[0]))}"
    )


def _connect(gateway: "Client", provider_id: str, key: str | None, wish: Wish) -> "Connection":
    from omniroute.api.providers import NewConnection
    from omniroute.client import providers as calls

    return calls.add(
        gateway,
        NewConnection(
            provider=provider_id,
            name=wish.name or DEFAULT_NAME,
            api_key=key,
            priority=wish.priority,
            default_model=wish.default_model,
            base_url=wish.base_url,
            allow_private=wish.allow_private,
            variables=wish.variables,
            validate=wish.test,
        ),
    )


def _report(added: "Connection", *, is_new: bool, as_json: bool) -> None:
    if as_json:
        output.document({"connection": added, "created": is_new})
        return
    if not is_new:
        output.say(f"{label(added)} is there already; nothing was changed")
        return
    works = "the key works" if added.has_api_key else "it answers, without a key"
    tested = {"active": f"; {works}", "error": f"; its test failed: {added.last_error}"}
    output.say(f"{label(added)} is connected{tested.get(added.test_status, '')}")
    output.say(f"see its models: omniroute providers models {quote(label(added))}")
