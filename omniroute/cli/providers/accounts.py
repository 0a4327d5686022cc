"""`providers list`, `show`, `test`: the accounts one has, and whether they work."""

from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.failures import UpstreamFailed, UsageError
from omniroute.cli.gateway import client
from omniroute.cli.providers.select import Account, label, pick_connection

if TYPE_CHECKING:
    from omniroute.api.providers import Connection, TestResult
    from omniroute.client.http import Client


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("list")(_list)
    group.command("show")(_show)
    group.command("test")(_test)


def _list(*, as_json: output.Json = False) -> None:
    """List the accounts that are connected.

    \b
    Example:
      omniroute providers list --json
    """
    from omniroute.client import providers as calls

    with client() as gateway:
        found = calls.connections(gateway)
    if as_json:
        output.document({"connections": found})
        return
    if not found:
        output.say("no providers yet; connect one with: omniroute providers add PROVIDER")
        output.say("without any, the model demo/echo answers: omniroute demo")
        return
    rows = [
        (
            one.prefix,
            one.name,
            str(one.priority),
            _state(one),
            _key(one),
            words.local(one.last_tested),
            one.id,
        )
        for one in found
    ]
    output.table(("provider", "name", "priority", "state", "key", "tested", "id"), rows, right=(2,))


def _show(account: Account, *, as_json: output.Json = False) -> None:
    """Show one account.

    \b
    Example:
      omniroute providers show openai/work
    """
    from omniroute.client import providers as calls

    with client() as gateway:
        one = pick_connection(calls.connections(gateway), account)
    if as_json:
        output.document({"connection": one})
        return
    output.fields(
        (
            ("id", one.id),
            ("provider", f"{one.provider} ({one.provider_name})"),
            ("name", one.name),
            ("models are named", f"{one.prefix}/…"),
            ("state", _state(one)),
            ("priority", str(one.priority)),
            ("key", _key(one)),
            ("signed in as", words.text(one.email)),
            ("default model", words.text(one.default_model)),
            ("base URL", one.base_url or "the provider's own"),
            ("private address", words.yes(one.allow_private)),
            ("variables", ", ".join(f"{k}={v}" for k, v in one.variables.items()) or output.UNKNOWN),
            ("tested", words.local(one.last_tested)),
            ("last error", words.one_line(one.last_error)),
            ("created", words.local(one.created_at)),
            ("changed", words.local(one.updated_at)),
        )
    )


def _test(
    account: Annotated[
        str | None, typer.Argument(metavar="ACCOUNT", help="One account; all of them when not given.")
    ] = None,
    *,
    model: Annotated[
        str | None, typer.Option(help="Ask this model for one token too, which costs a little.")
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Ask providers whether they accept their keys. The exit code is 16 when one does not.

    \b
    Example:
      omniroute providers test groq
      omniroute providers test openai/work --model gpt-4o-mini
    """
    from omniroute.client import providers as calls

    if model is not None and account is None:
        raise UsageError("--model needs an account: models differ from one to the other")
    with client() as gateway:
        known = calls.connections(gateway)
        chosen = [pick_connection(known, account)] if account else [one for one in known if one.is_active]
        results = [(one, _tested(gateway, one, model)) for one in chosen]
    if as_json:
        output.document({"results": [_as_json(one, result) for one, result in results]})
    else:
        for one, result in results:
            output.line(f"{label(one)}: {_verdict(result)}")
    if not results:
        output.say("no providers yet; connect one with: omniroute providers add PROVIDER")
    failed = [label(one) for one, result in results if result.valid is False]
    if failed:
        raise UpstreamFailed(f"the test failed for {', '.join(failed)}")


def _tested(gateway: "Client", one: "Connection", model: str | None) -> "TestResult":
    from omniroute.client import providers as calls

    if output.on_terminal():
        output.say(f"asking {one.provider_name} …")
    return calls.test(gateway, one.id, model=model)


def _as_json(one: "Connection", result: "TestResult") -> dict[str, object]:
    return {"connection": one.id, "provider": one.provider, "name": one.name, "result": result}


def _verdict(result: "TestResult") -> str:
    took = words.milliseconds(result.latency_ms)
    if result.valid:
        return f"{output.paint('works', 'good')} ({took})"
    reason = words.one_line(result.error or result.diagnosis.message or result.diagnosis.type)
    if result.valid is None:
        return f"{output.paint('cannot be told', 'warn')}: {reason}"
    status = f", status {result.status_code}" if result.status_code else ""
    return f"{output.paint('does not work', 'bad')}: {reason} ({result.diagnosis.type}{status})"


def _key(one: "Connection") -> str:
    return "signed in" if one.has_access_token else words.text(one.masked_api_key)


def _state(one: "Connection") -> str:
    if one.test_status == "expired":
        return "signed out"
    if not one.is_active:
        return "disabled"
    return {"active": "works", "error": "failing", "unknown": "not tested"}.get(
        one.test_status, one.test_status
    )
