"""How much models are to think."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output
from omniroute.cli.failures import UsageError
from omniroute.cli.gateway import client

if TYPE_CHECKING:
    from omniroute.api.settings import ThinkingBudget


class Mode(StrEnum):
    """Who decides."""

    PASSTHROUGH = "passthrough"
    AUTO = "auto"
    CUSTOM = "custom"
    ADAPTIVE = "adaptive"


class Effort(StrEnum):
    """Where an adaptive budget starts."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def register(settings: typer.Typer) -> None:
    """Add `thinking-budget`."""
    group = typer.Typer(no_args_is_help=True, help="How much models are to think.")
    group.command("show")(_show)
    group.command("set")(_set)
    settings.add_typer(group, name="thinking-budget")


def _show(*, as_json: output.Json = False) -> None:
    """Show who decides how much models think.

    \b
    Example:
      omniroute settings thinking-budget show
    """
    from omniroute.client.settings import thinking_budget

    with client() as gateway:
        _print(thinking_budget(gateway), as_json=as_json)


def _set(
    *,
    mode: Annotated[
        Mode | None,
        typer.Option(
            help="passthrough: as the client says. auto: as the provider does. custom, adaptive: by a budget."
        ),
    ] = None,
    budget: Annotated[
        int | None, typer.Option(min=0, max=131_072, metavar="TOKENS", help="For custom; 0: no thinking.")
    ] = None,
    effort: Annotated[
        Effort | None, typer.Option(help="Where adaptive starts; longer conversations get more.")
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Change it, from the next request on. What is not named stays.

    \b
    Example:
      omniroute settings thinking-budget set --mode custom --budget 8000
    """
    from msgspec import UNSET

    from omniroute.api.settings import EffortLevel, ThinkingBudgetChange, ThinkingMode
    from omniroute.client.settings import change_thinking_budget

    if mode is None and budget is None and effort is None:
        raise UsageError("name at least one of --mode, --budget, --effort")
    change = ThinkingBudgetChange(
        mode=UNSET if mode is None else ThinkingMode(mode.value),
        custom_budget=UNSET if budget is None else budget,
        effort_level=UNSET if effort is None else EffortLevel(effort.value),
    )
    with client() as gateway:
        _print(change_thinking_budget(gateway, change), as_json=as_json)


def _print(found: "ThinkingBudget", *, as_json: bool) -> None:
    if as_json:
        output.document(found)
        return
    output.line(f"mode: {found.mode.value}")
    output.line(f"budget: {found.custom_budget} tokens")
    output.line(f"effort: {found.effort_level.value}")
