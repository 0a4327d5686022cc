"""What keys, accounts and all requests together may spend."""

from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.failures import NotFound, UsageError
from omniroute.cli.gateway import client

if TYPE_CHECKING:
    from omniroute.api.budgets import BudgetEntry
    from omniroute.client.http import Client

KeyName = Annotated[
    str | None, typer.Argument(metavar="KEY", help="A key's name, id, or the start of the id.")
]
AccountName = Annotated[
    str | None,
    typer.Option(
        "--account", metavar="ACCOUNT", help="An account: its id or its start, name, or PROVIDER/NAME."
    ),
]
All = Annotated[bool, typer.Option("--all", help="All requests together, those without a key too.")]

EVERYTHING = "*"
"""The id of the budget of all requests."""
_TONES = {"ok": "good", "warning": "warn", "exceeded": "bad", "none": "dim"}


def register(app: typer.Typer) -> None:
    """Add `budgets`."""
    group = typer.Typer(no_args_is_help=True, help="Say what keys, accounts and all requests may spend.")
    group.command("set")(_set)
    group.command("list")(_list)
    group.command("show")(_show)
    group.command("remove")(_remove)
    app.add_typer(group, name="budgets")


def _set(  # noqa: PLR0913  # every option is an argument
    key: KeyName = None,
    *,
    account: AccountName = None,
    everything: All = False,
    daily: Annotated[float | None, typer.Option(metavar="USD", help="Limit of a day; 0 removes it.")] = None,
    weekly: Annotated[
        float | None, typer.Option(metavar="USD", help="Limit of a week, from Monday on; 0 removes it.")
    ] = None,
    monthly: Annotated[
        float | None, typer.Option(metavar="USD", help="Limit of a month; 0 removes it.")
    ] = None,
    warn: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Warn from this share of a limit on; 0.8 unless it is said."),
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Limit what may be spent. A limit that is not named stays; it is in force from the next request on.

    A request that might go beyond a limit is refused until the day, week or month ends, in the time zone of
    the gateway. What a subscription, a free service or this machine answers does not count.

    \b
    Example:
      omniroute budgets set laptop --daily 5 --monthly 50
      omniroute budgets set --all --monthly 200 --warn 0.9
    """
    from omniroute.api.budgets import NewBudget
    from omniroute.client.budgets import set_budget

    if daily is None and weekly is None and monthly is None:
        raise UsageError("name a limit: --daily, --weekly or --monthly")
    with client() as gateway:
        subject, name = _subject(gateway, key, account, everything=everything)
        new = NewBudget(
            key_id=subject,
            daily_limit_usd=daily,
            weekly_limit_usd=weekly,
            monthly_limit_usd=monthly,
            warning_threshold=warn,
        )
        made = set_budget(gateway, new)
    if as_json:
        output.document(made)
        return
    limits = {"day": made.daily_limit_usd, "week": made.weekly_limit_usd, "month": made.monthly_limit_usd}
    shown = ", ".join(f"{words.money(usd)} a {period}" for period, usd in limits.items() if usd)
    output.say(f"{name} may spend {shown}" if shown else f"{name} has no limit any more")


def _list(*, as_json: output.Json = False) -> None:
    """List what may be spent, and what was.

    \b
    Example:
      omniroute budgets list
    """
    from omniroute.client.budgets import budgets

    with client() as gateway:
        found = budgets(gateway)
    if as_json:
        output.document({"budgets": found})
        return
    if all(one.status == "none" for one in found):
        output.say("no budgets yet; set one with: omniroute budgets set KEY --monthly USD")
    rows = [
        (
            one.key_name or one.key_id,
            _of(one.daily_used, one.daily_limit_usd),
            _of(one.weekly_used, one.weekly_limit_usd),
            _of(one.monthly_used, one.monthly_limit_usd),
            one.status,
            one.key_id,
        )
        for one in found
    ]
    output.table(("who", "today", "this week", "this month", "state", "id"), rows)


def _show(
    key: KeyName = None, *, account: AccountName = None, everything: All = False, as_json: output.Json = False
) -> None:
    """Show what may be spent, what was, and until when.

    \b
    Example:
      omniroute budgets show laptop
    """
    from omniroute.client.budgets import budget, budgets

    with client() as gateway:
        subject, name = _subject(gateway, key, account, everything=everything)
        body = budget(gateway, subject)
        entry = next((one for one in budgets(gateway) if one.key_id == subject), None)
    if as_json:
        output.document(body)
        return
    check = body.budget_check
    state = entry.status if entry is not None else "none"
    output.fields(
        (
            ("who", name),
            ("state", output.paint(state, _TONES[state])),
            ("today", _of(check.daily_used, check.daily_limit)),
            ("this week", _of(check.weekly_used, check.weekly_limit)),
            ("this month", _of(check.monthly_used, check.monthly_limit)),
            ("warns from", f"{body.budget.warning_threshold:.0%}" if body.budget else output.UNKNOWN),
            ("left", _left(entry)),
            ("begins anew", words.local(entry.resets_at if entry is not None else None)),
            ("requests", words.count(body.total_entries)),
        )
    )


def _remove(
    key: KeyName = None, *, account: AccountName = None, everything: All = False, as_json: output.Json = False
) -> None:
    """Remove a budget with all its limits.

    \b
    Example:
      omniroute budgets remove laptop
    """
    from omniroute.client.budgets import remove_budget

    with client() as gateway:
        subject, name = _subject(gateway, key, account, everything=everything)
        removed = remove_budget(gateway, subject)
    if not removed.removed:
        raise NotFound(f"{name} has no budget")
    if as_json:
        output.document(removed)
    else:
        output.say(f"{name} has no limit any more")


def _subject(gateway: "Client", key: str | None, account: str | None, *, everything: bool) -> tuple[str, str]:
    """Whose budget is meant, and what to call it."""
    if key == EVERYTHING:
        key, everything = None, True
    if (key is not None) + (account is not None) + everything != 1:
        raise UsageError("say whose budget: a KEY, --account ACCOUNT, or --all")
    if key is not None:
        from omniroute.cli.keys import find

        found = find(gateway, key)
        return found.id, f"key {found.name!r}"
    if account is not None:
        from omniroute.cli.providers.select import label, pick_connection
        from omniroute.client.providers import connections

        one = pick_connection(connections(gateway), account)
        return f"account:{one.id}", f"account {label(one)}"
    return EVERYTHING, "all requests together"


def _of(used: float, limit: float) -> str:
    return f"{words.money(used)} of {words.money(limit)}" if limit else words.money(used)


def _left(entry: "BudgetEntry | None") -> str:
    if entry is None or entry.remaining is None:
        return output.UNKNOWN
    return f"{words.money(entry.remaining)} of the {entry.period} limit"
