"""Keys that clients use to reach the gateway."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.gateway import client
from omniroute.errors import ConfigError

if TYPE_CHECKING:
    from omniroute.api.keys import Key
    from omniroute.client.http import Client


class Scope(StrEnum):
    """What a key may do."""

    PROXY = "proxy"
    MANAGE = "manage"
    SYNC = "sync"


KeyName = Annotated[str, typer.Argument(metavar="KEY", help="Name, id, or the start of the id.")]


def register(app: typer.Typer) -> None:
    """Add `keys`."""
    group = typer.Typer(no_args_is_help=True, help="Make and revoke the keys that clients use.")
    group.command("create")(_create)
    group.command("list")(_list)
    group.command("show")(_show)
    group.command("revoke")(_revoke)
    app.add_typer(group, name="keys")


def _create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who or what will use the key.")],
    *,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="proxy: ask models (the default). manage: all of /api too. May be repeated."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Allow only models such as `groq/*`. May be repeated."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="WHEN", help="A span such as 30d, or a date.")
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Make a key and print it. It is shown this once: only its hash is kept.

    \b
    Example:
      export OPENAI_API_KEY="$(omniroute keys create laptop)"
    """
    from omniroute.api.keys import NewKey
    from omniroute.client.keys import create_key

    new = NewKey(
        name=name,
        scopes=[one.value for one in scope or [Scope.PROXY]],
        allowed_models=model or [],
        expires_at=_expiry(expires),
    )
    with client() as gateway:
        created = create_key(gateway, new)
    if as_json:
        output.document(created)
        return
    output.line(created.key)
    output.say(f"key {created.name!r} ({created.id}); keep it: it is not shown again")


def _list(*, as_json: output.Json = False) -> None:
    """List the keys, masked.

    \b
    Example:
      omniroute keys list
    """
    from omniroute.client.keys import list_keys

    with client() as gateway:
        found = list_keys(gateway)
    if as_json:
        output.document({"keys": found})
        return
    if not found:
        output.say("no keys yet; make one with: omniroute keys create NAME")
        return
    rows = [
        (
            key.name,
            key.key,
            ",".join(key.scopes),
            ",".join(key.allowed_models) or "all",
            _state(key),
            words.local(key.last_used_at),
            key.id,
        )
        for key in found
    ]
    output.table(("name", "key", "scopes", "models", "state", "last used", "id"), rows)


def _show(key: KeyName, *, as_json: output.Json = False) -> None:
    """Show one key, masked, and what it was used for.

    \b
    Example:
      omniroute keys show laptop
    """
    from omniroute.client.keys import show_key

    with client() as gateway:
        body = show_key(gateway, find(gateway, key).id)
    if as_json:
        output.document(body)
        return
    found = body.key
    output.fields(
        (
            ("name", found.name),
            ("id", found.id),
            ("key", found.key),
            ("state", _state(found)),
            ("scopes", ", ".join(found.scopes)),
            ("models", ", ".join(found.allowed_models) or "all"),
            ("expires", words.local(found.expires_at)),
            ("created", words.local(found.created_at)),
            ("last used", words.local(body.usage.last_used_at)),
            ("requests", words.count(body.usage.requests)),
            ("cost", words.money(body.usage.cost_usd)),
        )
    )


def _revoke(key: KeyName, *, as_json: output.Json = False) -> None:
    """Revoke a key: clients that use it are refused from now on. Its past usage stays.

    \b
    Example:
      omniroute keys revoke laptop
    """
    from omniroute.client.keys import revoke_key

    with client() as gateway:
        found = find(gateway, key)
        deleted = revoke_key(gateway, found.id)
    if as_json:
        output.document(deleted)
    else:
        output.say(f"key {found.name!r} is revoked")


def find(gateway: "Client", wanted: str) -> "Key":
    """The key that is meant. Raises `NotFound`, or `Ambiguous` with the candidates."""
    from omniroute.cli.pick import is_id_prefix, pick
    from omniroute.client.keys import list_keys

    return pick(
        list_keys(gateway),
        wanted,
        (
            lambda key, text: key.id == text,
            lambda key, text: key.name == text,
            lambda key, text: is_id_prefix(key.id, text),
        ),
        what="key",
        label=lambda key: f"{key.id}  {key.name}  {key.key}",
    )


def _state(key: "Key") -> str:
    if not key.is_active:
        return "revoked"
    if key.expires_at and datetime.fromisoformat(key.expires_at) <= datetime.now(UTC):
        return "expired"
    return "active"


def _expiry(written: str | None) -> str | None:
    if written is None:
        return None
    try:
        return words.future_instant(written, datetime.now(UTC))
    except ValueError:
        raise ConfigError(f"--expires {written!r}: write a span such as 30d, or a date") from None
