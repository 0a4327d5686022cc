"""The `requests` commands."""

from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.gateway import client
from omniroute.cli.requests.find import ID_HELP, find_request

if TYPE_CHECKING:
    from omniroute.api.usage import Attempt, CallLog


def register(app: typer.Typer) -> None:
    """Add `requests`."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(_requests)
    group.command("show")(_show)
    app.add_typer(group, name="requests")


def _requests(  # noqa: PLR0913  # every option is an argument
    context: typer.Context,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with those that end from now on.")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, max=1000, help="So many of the newest.")] = 20,
    errors: Annotated[bool, typer.Option("--errors", help="Only those that did not end well.")] = False,
    model: Annotated[str | None, typer.Option(help="Only with this in the model's name.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only of this provider.")] = None,
    as_json: output.Json = False,
) -> None:
    """List the newest requests; with -f one line for each request that ends, until Ctrl-C.

    \b
    Examples:
      omniroute requests --errors
      omniroute requests -f --provider groq
      omniroute requests show 01KB5N
    """
    if context.invoked_subcommand is not None:
        return
    from omniroute.cli.requests.follow import Filter, follow_requests
    from omniroute.client.usage import CallFilters, call_logs

    if follow:
        follow_requests(Filter(errors, model, provider), limit=limit, as_json=as_json)
        return
    filters = CallFilters(status="error" if errors else None, model=model, provider=provider)
    with client() as gateway:
        found = call_logs(gateway, filters, limit=max(limit, 1))[:limit]
    if as_json:
        output.document({"requests": found})
        return
    if not found:
        output.say("no such requests; send one with: omniroute demo")
        return
    headings = ("when", "result", "model", "account", "in", "out", "cost", "first byte", "total", "id")
    output.table(headings, [_row(log) for log in reversed(found)], right=(4, 5, 6, 7, 8))


def _row(log: "CallLog") -> tuple[str, ...]:
    mark = "~" if log.tokens.estimated else ""
    return (
        words.local(log.timestamp),
        log.outcome if log.outcome == "ok" else f"{log.outcome} {log.status}",
        log.model or words.text(log.requested_model),
        words.text(log.account),
        mark + words.count(log.tokens.input),
        mark + words.count(log.tokens.output),
        words.money(log.cost_usd),
        words.milliseconds(log.ttft_ms),
        words.milliseconds(log.duration),
        log.id,
    )


def _show(
    request: Annotated[str | None, typer.Argument(metavar="ID", help=ID_HELP)] = None,
    *,
    as_json: output.Json = False,
) -> None:
    """Show one request with everything that was tried for it.

    \b
    Example:
      omniroute requests show 01KB5N3Y8Q
    """
    with client() as gateway:
        detail = find_request(gateway, request)
    if as_json:
        output.document(detail)
        return
    output.fields(_facts(detail.log))
    if detail.attempts:
        output.line()
        headings = ("tried", "account", "status", "result", "took")
        output.table(headings, [_attempt(one) for one in detail.attempts], right=(4,))


def _facts(log: "CallLog") -> list[tuple[str, str]]:
    tokens = log.tokens
    counted = " (counted here)" if tokens.estimated else ""
    facts = [
        ("id", log.id),
        ("request id", log.request_id),
        ("when", words.local(log.timestamp)),
        ("request", f"{log.method} {log.path}{' (stream)' if log.stream else ''}"),
        ("result", f"{log.outcome}, status {log.status}"),
        ("asked for", words.text(log.requested_model)),
        ("answered by", words.text(log.model)),
        ("account", words.text(log.account)),
        ("format", f"{log.source_format} → {log.target_format or output.UNKNOWN}"),
        ("tokens in", words.count(tokens.input) + counted),
        ("cached", f"read {words.count(tokens.cache_read)}, written {words.count(tokens.cache_write)}"),
        ("tokens out", f"{words.count(tokens.output)}, reasoning {words.count(tokens.reasoning)}"),
        ("cost", f"{words.money(log.cost_usd)}{f' by {log.price_source}' if log.price_source else ''}"),
        ("first byte", words.milliseconds(log.ttft_ms)),
        ("total", words.milliseconds(log.duration)),
        ("key", words.text(log.api_key_name)),
        ("session", words.text(log.session_id)),
    ]
    if log.error:
        facts.append(("error", words.one_line(log.error)))
    if log.dropped:
        facts.append(("left out", ", ".join(log.dropped)))
    return facts


def _attempt(one: "Attempt") -> tuple[str, ...]:
    return (
        f"{one.provider}/{one.model}",
        one.account,
        output.UNKNOWN if one.status is None else str(one.status),
        words.text(one.failure) if one.failure else "ok",
        words.milliseconds(one.duration_ms),
    )
