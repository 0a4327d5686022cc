"""What was used, and what it cost."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.gateway import client

if TYPE_CHECKING:
    from omniroute.api.usage import Group, History


class By(StrEnum):
    """What the requests are summed by."""

    MODEL = "model"
    PROVIDER = "provider"
    ACCOUNT = "account"
    KEY = "key"
    DAY = "day"


Since = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="A span such as 24h or 7d, or an ISO date; else everything."),
]
Until = Annotated[str | None, typer.Option(metavar="WHEN", help="Up to then, not included; as --since.")]


def register(app: typer.Typer) -> None:
    """Add `usage`."""
    app.command("usage")(_usage)


def _usage(
    *,
    by: Annotated[By, typer.Option(help="Sum by this.")] = By.MODEL,
    since: Since = None,
    until: Until = None,
    as_json: output.Json = False,
) -> None:
    """Sum tokens and cost. A request without a known price is counted, and is not in the cost.

    \b
    Example:
      omniroute usage --by provider --since 7d
    """
    from omniroute.client.usage import Span, history

    with client() as gateway:
        found = history(gateway, Span(since=since, until=until))
    groups = _groups(found, by)
    if as_json:
        output.document(_as_json(found, by, groups))
        return
    if not found.total_requests:
        output.say("no requests in that time; send one with: omniroute demo")
        return
    rows = [_row(name, group) for name, group in groups.items()]
    rows.append(_total(found, groups))
    headings = (by.value, "requests", "errors", "in", "cached", "out", "reasoning", "cost")
    output.table(headings, rows, right=range(1, len(headings)))
    _notes(found, groups)


def _groups(found: "History", by: By) -> "dict[str, Group]":
    """The sums of that kind: days in order, others by cost."""
    groups = {
        By.MODEL: found.by_model,
        By.PROVIDER: found.by_provider,
        By.ACCOUNT: found.by_account,
        By.KEY: found.by_api_key,
        By.DAY: found.by_day,
    }[by]
    if by is By.DAY:
        return dict(sorted(groups.items()))
    return dict(sorted(groups.items(), key=lambda one: (-one[1].cost, -one[1].requests, one[0])))


def _as_json(found: "History", by: By, groups: "dict[str, Group]") -> dict[str, object]:
    import msgspec

    return {
        "by": by.value,
        "totalRequests": found.total_requests,
        "totalPromptTokens": found.total_prompt_tokens,
        "totalCompletionTokens": found.total_completion_tokens,
        "totalCost": found.total_cost,
        "unpricedRequests": found.unpriced_requests,
        "groups": [{"name": name} | msgspec.to_builtins(group) for name, group in groups.items()],
    }


def _row(name: str, group: "Group") -> tuple[str, ...]:
    return (
        name,
        words.count(group.requests),
        words.count(group.errors),
        words.count(group.prompt_tokens),
        words.count(group.cache_read_tokens),
        words.count(group.completion_tokens),
        words.count(group.reasoning_tokens),
        _cost(group.cost, group.requests - group.errors, group.unpriced_requests),
    )


def _total(found: "History", groups: "dict[str, Group]") -> tuple[str, ...]:
    return (
        "total",
        words.count(found.total_requests),
        words.count(sum(group.errors for group in groups.values())),
        words.count(found.total_prompt_tokens),
        words.count(sum(group.cache_read_tokens for group in groups.values())),
        words.count(found.total_completion_tokens),
        words.count(sum(group.reasoning_tokens for group in groups.values())),
        words.money(found.total_cost),
    )


def _cost(usd: float, answered: int, unpriced: int) -> str:
    """A dash when no price is known at all: unknown is not zero."""
    return output.UNKNOWN if usd == 0 and 0 < answered <= unpriced else words.money(usd)


def _notes(found: "History", groups: "dict[str, Group]") -> None:
    if found.unpriced_requests:
        output.say(
            f"not in the cost, because the price is not known: {words.requests(found.unpriced_requests)}"
        )
    estimated = sum(group.estimated_requests for group in groups.values())
    if estimated:
        output.say(f"tokens counted here, because the provider did not say: {words.requests(estimated)}")
