"""Where a request would go now."""

from typing import Annotated

import typer

from omniroute.cli import output, reasons
from omniroute.cli.failures import UpstreamFailed, UsageError
from omniroute.cli.gateway import client


def register(app: typer.Typer) -> None:
    """Add `route`."""
    app.command("route")(_route)


def _route(  # noqa: PLR0913  # every option is an argument
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As a client would ask for it.")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Ask nobody; there is no other way yet, so it must be said.")
    ] = False,
    tokens: Annotated[int, typer.Option(min=0, metavar="N", help="As if the prompt had so many.")] = 0,
    tools: Annotated[bool, typer.Option("--tools", help="As if it brought tools.")] = False,
    images: Annotated[bool, typer.Option("--images", help="As if it held images.")] = False,
    provider: Annotated[str | None, typer.Option(help="As if it were for this provider only.")] = None,
    key: Annotated[str | None, typer.Option(metavar="NAME", help="As if this gateway key asked.")] = None,
    as_json: output.Json = False,
) -> None:
    """Show where a request would go now, who would be left out, and why. Exit code 16: nobody is left.

    \b
    Examples:
      omniroute route daily --dry-run --tokens 180000
      omniroute route auto/coding --dry-run --tools --json
    """
    from omniroute.api.routing import PlanRequest
    from omniroute.client.routing import plan

    if not dry_run:
        raise UsageError("say --dry-run: nobody is asked; to ask, use: omniroute chat -m MODEL")
    wanted = PlanRequest(model=model, tokens=tokens, tools=tools, images=images, provider=provider, key=key)
    with client() as gateway:
        made = plan(gateway, wanted)
    if as_json:
        output.document(made)
    else:
        output.fields(reasons.facts(made.decision))
        reasons.candidates(made.decision)
    if not made.attempts:
        raise UpstreamFailed(f"no account can serve {model!r} now")
