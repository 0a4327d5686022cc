"""How patient the gateway is with providers that fail."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.failures import UsageError
from omniroute.cli.gateway import client

if TYPE_CHECKING:
    from omniroute.api.resilience import Resilience

_LIMITER = "rateLimit"
"""What `show` and `set` put before the limits that accounts are held to."""


class ResetScope(StrEnum):
    """What is forgotten."""

    ALL = "all"
    BREAKERS = "breakers"
    COOLDOWNS = "cooldowns"
    LOCKS = "locks"
    LIMITS = "limits"


def register(app: typer.Typer) -> None:
    """Add `resilience`."""
    group = typer.Typer(no_args_is_help=True, help="Say how patient the gateway is with providers that fail.")
    group.command("show")(_show)
    group.command("set")(_set)
    group.command("reset")(_reset)
    app.add_typer(group, name="resilience")


def _show(*, as_json: output.Json = False) -> None:
    """Show the settings and the state of every breaker.

    \b
    Example:
      omniroute resilience show
    """
    from omniroute.client.resilience import resilience

    with client() as gateway:
        found = resilience(gateway)
    if as_json:
        output.document(found)
        return
    _settings(found)
    rows = [
        (
            one.name,
            one.state.lower(),
            str(one.failure_count),
            words.span(one.retry_after_ms) if one.retry_after_ms else output.UNKNOWN,
            words.local(one.last_failure_time),
        )
        for one in found.circuit_breakers
    ]
    if rows:
        output.line()
        output.table(("provider", "breaker", "failures", "left", "last failure"), rows, right=(2, 3))


def _set(
    values: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE...", help="As `show` names them; empty sets one back.")
    ],
    *,
    as_json: output.Json = False,
) -> None:
    """Change it, from the next failure on. Times are in milliseconds. What is not named stays.

    \b
    Example:
      omniroute resilience set apikey.circuitBreakerThreshold=3 rateLimit.requestsPerMinute=60
    """
    from omniroute.api.resilience import ResilienceChange
    from omniroute.cli.assign import assigned
    from omniroute.client.resilience import change_resilience, resilience

    given = assigned(values)
    profiles = {name: value for name, value in given.items() if name in ("oauth", "apikey")}
    defaults = {name: value for name, value in given.items() if name not in (*profiles, _LIMITER)}
    limits = given.get(_LIMITER, {})
    if not isinstance(limits, dict):
        raise UsageError(f"{_LIMITER} is not set as a whole: write {_LIMITER}.NAME=value")
    defaults |= limits
    with client() as gateway:
        change_resilience(gateway, ResilienceChange(profiles=profiles or None, defaults=defaults or None))
        found = resilience(gateway)
    if as_json:
        output.document(found)
    else:
        _settings(found)


def _reset(
    *,
    scope: Annotated[ResetScope, typer.Option(help="What to forget.")] = ResetScope.ALL,
    provider: Annotated[str | None, typer.Option(help="Only of this provider.")] = None,
    as_json: output.Json = False,
) -> None:
    """Forget what holds providers and accounts up: they are asked again at once.

    \b
    Examples:
      omniroute resilience reset
      omniroute resilience reset --scope breakers --provider openai
    """
    from omniroute.api.resilience import Reset
    from omniroute.client.resilience import reset

    with client() as gateway:
        done = reset(gateway, Reset(scope=scope.value, provider=provider))
    if as_json:
        output.document(done)
    else:
        output.say(done.message)


def _settings(found: "Resilience") -> None:
    import msgspec

    from omniroute.cli.assign import flat

    defaults = msgspec.to_builtins(found.defaults)
    rows = flat(msgspec.to_builtins(found.profiles)) + flat(defaults, _LIMITER)
    output.fields(rows)
