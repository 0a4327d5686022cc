"""Conversations of the last half hour."""

import typer

from omniroute.cli import output, words
from omniroute.cli.gateway import running_client


def register(app: typer.Typer) -> None:
    """Add `sessions`."""
    group = typer.Typer(no_args_is_help=True, help="See the conversations of the last half hour.")
    group.command("list")(_list)
    app.add_typer(group, name="sessions")


def _list(*, as_json: output.Json = False) -> None:
    """List the conversations of the last 30 minutes: who leads them, with which model, what they used.

    \b
    Example:
      omniroute sessions list
    """
    from datetime import UTC, datetime

    from omniroute.client.sessions import sessions

    found = sessions(running_client())
    if as_json:
        output.document({"sessions": found})
        return
    if not found:
        output.say("no conversation in the last 30 minutes")
        return
    rows = [
        (
            words.local(datetime.fromtimestamp(one.last_active / 1000, UTC).isoformat()),
            words.text(one.model),
            words.text(one.account),
            words.text(one.api_key_name),
            words.count(one.request_count),
            words.count(one.tokens_in),
            words.count(one.tokens_out),
            words.money(one.cost_usd),
            words.one_line(one.session_id),
        )
        for one in found
    ]
    headings = ("last active", "model", "account", "key", "requests", "in", "out", "cost", "session")
    output.table(headings, rows, right=(4, 5, 6, 7))
