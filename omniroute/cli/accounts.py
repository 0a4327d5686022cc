"""What holds accounts up, why, and for how long."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.failures import UsageError
from omniroute.cli.gateway import client

if TYPE_CHECKING:
    from omniroute.api.resilience import AccountHealth, Held
    from omniroute.client.http import Client

AccountName = Annotated[
    str,
    typer.Argument(
        metavar="ACCOUNT", help="Id or its start, name, PROVIDER/NAME, or PROVIDER if it has one."
    ),
]
_TONES = {"ready": "good", "disabled": "dim", "locked": "warn", "limited": "warn"}


def register(app: typer.Typer) -> None:
    """Add `accounts`."""
    group = typer.Typer(
        no_args_is_help=True, help="See which accounts are well, and let them be asked again."
    )
    group.command("list")(_list)
    group.command("show")(_show)
    group.command("clear")(_clear)
    group.command("refresh")(_refresh)
    group.command("protect")(_protect)
    app.add_typer(group, name="accounts")


def _list(
    *,
    provider: Annotated[str | None, typer.Option(help="Only of this provider.")] = None,
    as_json: output.Json = False,
) -> None:
    """List the accounts: which are ready, which are left alone, why and how long.

    \b
    Example:
      omniroute accounts list
    """
    from omniroute.client.resilience import accounts

    with client() as gateway:
        found = accounts(gateway, provider=provider)
    if as_json:
        output.document({"accounts": found})
        return
    if not found:
        output.say("no accounts yet; connect one with: omniroute providers add PROVIDER")
        return
    with_logins = any(one.login is not None for one in found)
    rows = [
        (
            f"{one.provider}/{one.name}",
            one.state,
            _cause(one),
            words.span(one.remaining_ms) if one.state != "ready" else output.UNKNOWN,
            one.breaker.state.lower(),
            str(one.running),
            str(one.uses_last_hour),
            *([_token(one)] if with_logins else []),
            one.id,
        )
        for one in found
    ]
    token = ("token",) if with_logins else ()
    headings = ("account", "state", "cause", "left", "breaker", "running", "last hour", *token, "id")
    output.table(headings, rows, right=(3, 5, 6))


def _show(account: AccountName, *, as_json: output.Json = False) -> None:
    """Show one account with everything that holds it up.

    \b
    Example:
      omniroute accounts show openai/work
    """
    with client() as gateway:
        one = _find(gateway, account)
    if as_json:
        output.document(one)
        return
    facts = [
        ("account", f"{one.provider}/{one.name}"),
        ("id", one.id),
        ("state", output.paint(one.state, _TONES.get(one.state, "bad"))),
        ("breaker", _breaker(one)),
        ("cooldown", output.UNKNOWN if one.cooldown is None else _held(one.cooldown)),
        ("limits", _limits(one)),
        ("running", f"{one.running} ({one.queued} waiting)"),
        ("last hour", words.requests(one.uses_last_hour)),
        ("last used", words.local(one.last_used_at)),
    ]
    if one.login is not None:
        facts += [("signed in as", words.text(one.login.identity)), ("token", _token(one))]
    if one.last_error is not None:
        facts.append(("last error", words.one_line(one.last_error)))
    facts += [(f"model {model}", _held(held)) for model, held in one.locks.items()]
    output.fields(facts)


def _clear(
    account: Annotated[
        str | None, typer.Argument(metavar="ACCOUNT", help="The account; leave it out with --all.")
    ] = None,
    *,
    model: Annotated[str | None, typer.Option(help="Only this model of it.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every account, and every breaker.")] = False,
    as_json: output.Json = False,
) -> None:
    """Forget what holds an account up, so that it is asked again at once.

    \b
    Examples:
      omniroute accounts clear openai/work
      omniroute accounts clear groq --model llama-3.3-70b-versatile
    """
    from omniroute.api.resilience import Reset
    from omniroute.client.resilience import reset
    from omniroute.client.routing import clear_availability

    if everything == (account is not None) or (everything and model is not None):
        raise UsageError("name either one account, which --model may narrow, or --all")
    with client() as gateway:
        if account is None:
            done = reset(gateway, Reset())
            _told(done, done.message, as_json=as_json)
            return
        one = _find(gateway, account)
        if model is not None:
            removed = clear_availability(gateway, one.provider_id, model=model, connection_id=one.id)
            said = "may be asked again" if removed.removed else "was not held up"
            _told(removed, f"{one.provider}/{model} of {one.name!r} {said}", as_json=as_json)
            return
        done = reset(gateway, Reset(connection_id=one.id))
    _told(done, f"{one.provider}/{one.name}: {done.message}", as_json=as_json)
    if one.breaker.state == "OPEN":
        output.say(f"its provider is still off: omniroute resilience reset --provider {one.provider}")


def _refresh(account: AccountName, *, as_json: output.Json = False) -> None:
    """Fetch a new access token for an account that was signed in. It is done in time without that.

    \b
    Example:
      omniroute accounts refresh huggingface
    """
    from omniroute.client.resilience import refresh

    with client() as gateway:
        one = refresh(gateway, _find(gateway, account).id)
    _told(one, f"{one.provider}/{one.name} has a new access token: {_token(one)}", as_json=as_json)


class Kept(StrEnum):
    """Whether the limits of an account are kept."""

    ON = "on"
    OFF = "off"
    USUAL = "usual"


def _protect(
    account: AccountName,
    kept: Annotated[
        Kept,
        typer.Argument(
            metavar="KEPT", help="on: keep limits. off: not even its provider's. usual: as the settings say."
        ),
    ],
    *,
    as_json: output.Json = False,
) -> None:
    """Say for one account whether requests wait where limits would be broken.

    \b
    Example:
      omniroute accounts protect groq/work on
    """
    from omniroute.client.resilience import protect

    with client() as gateway:
        one = _find(gateway, account)
        done = protect(gateway, one.id, enabled=None if kept is Kept.USUAL else kept is Kept.ON)
    said = {
        Kept.ON: "its limits are kept",
        Kept.OFF: "no limits are kept, not even those its provider tells",
        Kept.USUAL: "limits are kept as rateLimitDefaults.enabled says",
    }
    _told(done, f"{one.provider}/{one.name}: {said[kept]}", as_json=as_json)


def _told(answer: object, text: str, *, as_json: bool) -> None:
    if as_json:
        output.document(answer)
    else:
        output.say(text)


def _find(gateway: "Client", wanted: str) -> "AccountHealth":
    from omniroute.cli.providers.select import pick_connection
    from omniroute.client import providers
    from omniroute.client.resilience import account

    return account(gateway, pick_connection(providers.connections(gateway), wanted).id)


def _token(one: "AccountHealth") -> str:
    """How long its access token lasts, where it has one."""
    login = one.login
    if login is None:
        return output.UNKNOWN
    if one.test_status == "expired":
        return "signed out"
    if login.remaining_ms is None:
        return "does not end"
    lasts = words.span(login.remaining_ms) if login.remaining_ms else "over"
    return f"{lasts}, then renewed" if login.is_renewed else lasts


def _cause(one: "AccountHealth") -> str:
    """Why it is not ready, in the words of the book."""
    if one.test_status == "expired" and one.state == "disabled":
        return "signed out"
    if one.state == "broken":
        return f"{words.counted(one.breaker.failure_count, 'failure')} in a row"
    if one.state == "cooling" and one.cooldown is not None:
        return one.cooldown.reason
    if one.state == "locked":
        held = {model: lock for model, lock in one.locks.items() if lock.remaining_ms != 0}
        return ", ".join(f"{model}: {lock.reason}" for model, lock in held.items())
    return "rate_limit_exceeded" if one.state == "limited" else output.UNKNOWN


def _breaker(one: "AccountHealth") -> str:
    state = one.breaker.state.lower()
    if one.breaker.failure_count == 0:
        return state
    left = f", for {words.span(one.breaker.retry_after_ms)}" if one.breaker.retry_after_ms else ""
    return f"{state} after {words.counted(one.breaker.failure_count, 'failure')} in a row{left}"


def _held(held: "Held") -> str:
    left = "until it is cleared" if held.until is None else f"for {words.span(held.remaining_ms)}"
    if held.remaining_ms == 0:
        left = "over: the next call tries it"
    status = "" if held.status is None else f" ({held.status})"
    message = f": {words.one_line(held.message)}" if held.message else ""
    return f"{held.reason}{status}, {left}{message}"


def _limits(one: "AccountHealth") -> str:
    if one.limit is None:
        return output.UNKNOWN
    limit = one.limit
    requests = f"{words.count(limit.requests_left)} of {words.count(limit.requests)} requests"
    tokens = f"{words.count(limit.tokens_left)} of {words.count(limit.tokens)} tokens"
    return f"{requests}, {tokens} left"
