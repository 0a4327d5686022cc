"""Why a request went where it went."""

from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, reasons, words
from omniroute.cli.gateway import client
from omniroute.cli.requests.find import ID_HELP, find_request

if TYPE_CHECKING:
    from omniroute.api.usage import Attempt, CallLog, CallLogDetail


def register(app: typer.Typer) -> None:
    """Add `explain`."""
    app.command("explain")(_explain)


def _explain(
    request: Annotated[str | None, typer.Argument(metavar="ID", help=ID_HELP)] = None,
    *,
    as_json: output.Json = False,
) -> None:
    """Show why a request went where it went: who could be asked, who was left out, and what came of it.

    \b
    Example:
      omniroute explain
      omniroute explain 01KB5N3Y8Q
    """
    with client() as gateway:
        detail = find_request(gateway, request)
    if as_json:
        output.document(detail)
        return
    _print(detail)


def _print(detail: "CallLogDetail") -> None:
    log, decision = detail.log, detail.decision
    asked = [("asked for", words.text(log.requested_model))] if decision is None else reasons.facts(decision)
    output.fields([("request", log.id), ("when", words.local(log.timestamp)), *asked, *_ending(log)])
    if decision is None:
        output.say("no decision is on record: it was refused before one was made")
    else:
        reasons.candidates(decision)
        if decision.timings_ms:
            output.line()
            phases = decision.timings_ms.items()
            output.table(
                ("phase", "took"), [(name, words.milliseconds(ms)) for name, ms in phases], right=(1,)
            )
    if detail.attempts:
        output.line()
        headings = ("tried", "account", "status", "result", "took")
        output.table(headings, [_attempt(one) for one in detail.attempts], right=(4,))


def _ending(log: "CallLog") -> list[tuple[str, str]]:
    rows = [
        ("answered by", words.text(log.model)),
        ("account", words.text(log.account)),
        ("result", f"{log.outcome}, status {log.status}"),
        ("cache", words.text(log.cache)),
        ("first byte", words.milliseconds(log.ttft_ms)),
        ("total", words.milliseconds(log.duration)),
        ("cost", words.money(log.cost_usd)),
    ]
    if log.dropped:
        rows.append(("left out", ", ".join(log.dropped)))
    if log.error:
        rows.append(("error", words.one_line(log.error)))
    return rows


def _attempt(one: "Attempt") -> tuple[str, ...]:
    return (
        f"{one.provider}/{one.model}",
        one.account,
        output.UNKNOWN if one.status is None else str(one.status),
        words.one_line(one.failure) if one.failure else "ok",
        words.milliseconds(one.duration_ms),
    )
