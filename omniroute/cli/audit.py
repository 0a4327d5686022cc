"""Who changed what."""

from typing import Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.gateway import client


def register(app: typer.Typer) -> None:
    """Add `audit`."""
    app.command("audit")(_audit)


def _audit(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many of the newest.")] = 50,
    action: Annotated[
        str | None, typer.Option(help="Only this kind of change; `apiKey.*` takes all that begin so.")
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Show what was changed in the gateway, the newest first.

    \b
    Example:
      omniroute audit --limit 10
    """
    from omniroute.client.system import audit_log

    with client() as gateway:
        log = audit_log(gateway, action=action, limit=limit)
    if as_json:
        output.document(log)
        return
    if not log.entries:
        output.say("nothing was changed yet")
        return
    rows = [
        (
            words.local(event.timestamp),
            event.action,
            event.actor,
            words.text(event.target),
            words.one_line(", ".join(f"{name}={value}" for name, value in event.details.items())),
        )
        for event in log.entries
    ]
    output.table(("when", "what", "who", "target", "details"), rows)
