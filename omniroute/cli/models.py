"""What clients see at `GET /v1/models`."""

from typing import Annotated

import typer

from omniroute.cli import output
from omniroute.cli.failures import NotFound
from omniroute.cli.gateway import client


def register(app: typer.Typer) -> None:
    """Add `models`."""
    app.command("models")(_models)


def _models(
    query: Annotated[str | None, typer.Argument(metavar="QUERY", help="Part of a model's name.")] = None,
    *,
    as_json: output.Json = False,
) -> None:
    """List the models that clients can ask for; --json has them under their providers' other names too.

    \b
    Example:
      omniroute models llama
    """
    with client() as gateway:
        answer = gateway.get("/v1/models", dict[str, object])
    listed = answer.get("data")
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    found = [one for one in entries if query is None or query.casefold() in str(one.get("id")).casefold()]
    ids = {one.get("id") for one in found}
    if as_json:
        output.document({"object": "list", "data": found})
        return
    if not found:
        raise NotFound(f"no model of the gateway fits {query!r}; see them all: omniroute models")
    for one in found:
        if one.get("parent") not in ids:  # the same model under an alias of its provider
            output.line(str(one.get("id")))
