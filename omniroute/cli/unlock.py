"""Ending a lock that wrong keys brought about."""

from typing import Annotated

import typer

from omniroute.cli import output
from omniroute.cli.gateway import client


def register(app: typer.Typer) -> None:
    """Add `unlock`."""
    app.command("unlock")(_unlock)


def _unlock(
    identifier: Annotated[
        str, typer.Argument(metavar="ID", help="As `policies list` names it: ip:ADDRESS or key:BEGINNING.")
    ],
    *,
    as_json: output.Json = False,
) -> None:
    """Let an address or a key be tried again that is locked out after wrong keys.

    \b
    Example:
      omniroute unlock ip:203.0.113.9
    """
    from omniroute.client.policies import unlock

    with client() as gateway:
        done = unlock(gateway, identifier)
    if as_json:
        output.document(done)
    else:
        output.say(f"{done.identifier} is no longer locked out")
