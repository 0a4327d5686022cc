"""`providers catalog`: every provider the gateway knows, and how one may use it."""

from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.failures import NotFound
from omniroute.cli.gateway import client

if TYPE_CHECKING:
    from omniroute.api.providers import CatalogueEntry

_WAYS = {"browser": "in a browser", "device": "with a code to type"}
_WHERE_KNOWN = frozenset({"permitted way", "sign in"})
"""Facts that are left out where there is nothing to say."""


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("catalog")(_catalog)


def _catalog(
    query: Annotated[str | None, typer.Argument(metavar="QUERY", help="An id, or part of a name.")] = None,
    *,
    status: Annotated[
        str | None, typer.Option(help="Only these: active, restricted, forbidden or retired.")
    ] = None,
    category: Annotated[str | None, typer.Option(help="Only this category, such as local.")] = None,
    as_json: output.Json = False,
) -> None:
    """List the providers the gateway knows; with the id of one, show it with its models.

    Providers that may not be used by other programs are listed too, with the way that is permitted.

    \b
    Example:
      omniroute providers catalog groq
      omniroute providers catalog --status restricted
    """
    from omniroute.client import providers as calls

    with client() as gateway:
        found = [
            entry
            for entry in calls.catalogue(gateway)
            if (query is None or _fits(entry, query))
            and (status is None or entry.status == status)
            and (category is None or entry.category == category)
        ]
        one = _named(found, query)
        if one is not None:
            one = calls.catalogue_entry(gateway, one.id)
    if as_json:
        output.document({"providers": [one] if one else found})
        return
    if one is not None:
        _show(one)
        return
    if not found:
        raise NotFound("no provider of the catalogue fits; see them all: omniroute providers catalog")
    _list(found)


def _fits(entry: "CatalogueEntry", query: str) -> bool:
    wanted = query.casefold()
    return any(wanted in text.casefold() for text in (entry.id, entry.name, *entry.aliases))


def _named(found: "list[CatalogueEntry]", query: str | None) -> "CatalogueEntry | None":
    for entry in found:
        if query is not None and query.casefold() in (entry.id, *entry.aliases):
            return entry
    return found[0] if query is not None and len(found) == 1 else None


def _list(found: "list[CatalogueEntry]") -> None:
    rows = [
        (
            entry.id,
            entry.name,
            entry.category,
            entry.status,
            str(entry.model_count),
            ", ".join(entry.env_keys)
            or ("no key needed" if usable and not entry.needs_key else output.UNKNOWN),
            words.one_line(entry.status_note) if entry.status_note else "",
        )
        for entry in found
        for usable in (entry.status == "active",)
    ]
    output.table(("id", "name", "category", "status", "models", "key from", "note"), rows, right=(4,))


def _sign_in(entry: "CatalogueEntry") -> str:
    """How, and what of one's own it takes."""
    how = " or ".join(_WAYS[way] for way in entry.sign_in) or output.UNKNOWN
    own = f", with an app of your own ({', '.join(entry.sign_in_variables)})"
    return how + own if entry.sign_in_variables else how


def _show(entry: "CatalogueEntry") -> None:
    facts = [
        ("id", entry.id),
        ("name", entry.name),
        ("also called", ", ".join(entry.aliases) or output.UNKNOWN),
        ("category", entry.category),
        ("status", entry.status),
        ("permitted way", words.one_line(entry.status_note)),
        ("formats", ", ".join(entry.formats) or output.UNKNOWN),
        ("base URL", words.text(entry.base_url)),
        ("key", ", ".join(entry.env_keys) or ("needed" if entry.needs_key else "not needed")),
        ("sign in", _sign_in(entry)),
        ("accounts", str(entry.connections)),
        ("source", words.one_line(entry.source)),
    ]
    facts += [(f"--set {name}=…", meaning) for name, meaning in entry.placeholders.items()]
    output.fields(
        [(name, value) for name, value in facts if name not in _WHERE_KNOWN or value != output.UNKNOWN]
    )
    if entry.models:
        output.line()
        from omniroute.cli.providers.models import model_table

        model_table(entry.models)
    if entry.status == "active" and not entry.connections:
        output.say(f"\nconnect it: omniroute providers add {entry.id}")
        if entry.sign_in:
            output.say(f"or sign in: omniroute providers login {entry.id}")
