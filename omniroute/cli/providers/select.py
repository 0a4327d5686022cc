"""Finding a connection or a provider by what a person calls it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output
from omniroute.cli.failures import NotFound, UsageError
from omniroute.cli.pick import is_id_prefix, pick

if TYPE_CHECKING:
    from omniroute.api.providers import CatalogueEntry, Connection

Account = Annotated[
    str,
    typer.Argument(
        metavar="ACCOUNT", help="Id or its start, name, PROVIDER/NAME, or PROVIDER if it has one."
    ),
]


def pick_connection(connections: "Sequence[Connection]", wanted: str) -> "Connection":
    """The connection that is meant. Raises `NotFound`, or `Ambiguous` with the candidates."""
    try:
        return pick(
            connections,
            wanted,
            (
                lambda one, text: one.id == text,
                lambda one, text: text in (f"{one.provider}/{one.name}", f"{one.prefix}/{one.name}"),
                lambda one, text: one.name == text,
                lambda one, text: text in (one.provider, one.prefix),
                lambda one, text: is_id_prefix(one.id, text),
            ),
            what="account",
            label=lambda one: f"{one.id}  {label(one)}",
        )
    except NotFound as error:
        raise NotFound(f"{error}; see: omniroute providers list") from None


def label(one: "Connection") -> str:
    """What the account is called: it finds it again."""
    return f"{one.prefix}/{one.name}"


def pick_provider(catalogue: "Sequence[CatalogueEntry]", wanted: str) -> "CatalogueEntry":
    """The catalogue's entry of that id or alias. Raises `NotFound` with the nearest ids."""
    from difflib import get_close_matches

    name = wanted.casefold()
    for entry in catalogue:
        if name == entry.id.casefold() or name in (alias.casefold() for alias in entry.aliases):
            return entry
    near = get_close_matches(name, [entry.id for entry in catalogue], n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "see: omniroute providers catalog"
    raise NotFound(f"there is no provider {wanted!r}; {hint}")


def parse_variables(given: Sequence[str] | None) -> dict[str, str]:
    """The values of `--set name=value` options. Raises `UsageError`."""
    found: dict[str, str] = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not (name.strip() and equals and value.strip()):
            raise UsageError(f"--set {text!r}: write it as name=value")
        found[name.strip()] = value.strip()
    return found


def completed_variables(entry: "CatalogueEntry", given: dict[str, str]) -> dict[str, str]:
    """Every part of the provider's URL: those given, and those that a person is asked for.

    Raises `UsageError` when some are missing and nobody can answer.
    """
    missing = [name for name in entry.placeholders if name not in given]
    if missing and not output.asks_person():
        wanted = ", ".join(f"--set {name}=… ({entry.placeholders[name]})" for name in missing)
        raise UsageError(f"{entry.name} needs {wanted}")
    return given | {name: output.ask(entry.placeholders[name]) for name in missing}
