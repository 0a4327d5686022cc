"""Rules over requests."""

from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.failures import UsageError
from omniroute.cli.gateway import client
from omniroute.cli.policies.written import Given, body_of, conditions_of, key_names, kind_of, said

if TYPE_CHECKING:
    from omniroute.api.policies import PolicyBody, PolicyEntry
    from omniroute.client.http import Client

PolicyName = Annotated[str, typer.Argument(metavar="POLICY", help="Name or id.")]
Block = Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Refuse such models. May be repeated.")]
Allow = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", help="Allow such models, whatever later policies say. May be repeated."),
]
Prefer = Annotated[
    list[str] | None, typer.Option(metavar="PROVIDER", help="Ask it before others. May be repeated.")
]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="The most tokens an answer may have.")]
ForModel = Annotated[str | None, typer.Option(metavar="GLOB", help="Only for such models.")]
ForKey = Annotated[
    list[str] | None, typer.Option(metavar="KEY", help="Only for this key of the gateway. May be repeated.")
]
From = Annotated[
    list[str] | None,
    typer.Option("--from", metavar="ADDRESS", help="Only from this address or network. May be repeated."),
]
Hours = Annotated[str | None, typer.Option(metavar="HH:MM-HH:MM", help="Only at this time of day.")]
Days = Annotated[str | None, typer.Option(help="Only on these days, as mon-fri or sat,sun.")]
Priority = Annotated[int | None, typer.Option(min=0, help="Lower applies first; 100 unless told.")]


def register(app: typer.Typer) -> None:
    """Add `policies`."""
    group = typer.Typer(no_args_is_help=True, help="Block, prefer or cap by model, key, address and time.")
    group.command("create")(_create)
    group.command("list")(_list)
    group.command("show")(_show)
    group.command("edit")(_edit)
    group.command("delete")(_delete)
    group.command("evaluate")(_evaluate)
    app.add_typer(group, name="policies")


def _create(  # noqa: PLR0913  # every option is an argument
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people are told when it blocks them.")],
    *,
    block: Block = None,
    allow: Allow = None,
    prefer: Prefer = None,
    max_tokens: MaxTokens = None,
    for_model: ForModel = None,
    for_key: ForKey = None,
    from_: From = None,
    hours: Hours = None,
    days: Days = None,
    priority: Priority = None,
    off: Annotated[bool, typer.Option("--off", help="Keep it, but do not apply it yet.")] = False,
    as_json: output.Json = False,
) -> None:
    """Make a policy: it blocks or allows models, or prefers providers, or caps answers.

    \b
    Examples:
      omniroute policies create "no opus on CI" --block "*opus*" --for-key ci
      omniroute policies create nights --prefer groq --hours 22:00-06:00
    """
    given = Given(block, allow, prefer, max_tokens, for_model, for_key, from_, hours, days)
    if kind_of(given) is None:
        raise UsageError("say what it does: --block, --allow, --prefer or --max-tokens")
    with client() as gateway:
        body = body_of(gateway, given, name=name, priority=100 if priority is None else priority)
        _put(gateway, body, enabled=not off, as_json=as_json)


def _edit(  # noqa: PLR0913  # every option is an argument
    policy: PolicyName,
    *,
    name: Annotated[str | None, typer.Option(help="Another name.")] = None,
    block: Block = None,
    allow: Allow = None,
    prefer: Prefer = None,
    max_tokens: MaxTokens = None,
    for_model: ForModel = None,
    for_key: ForKey = None,
    from_: From = None,
    hours: Hours = None,
    days: Days = None,
    priority: Priority = None,
    anytime: Annotated[
        bool, typer.Option("--unconditional", help="Drop all conditions it had before.")
    ] = False,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Apply it, or not.")] = None,
    as_json: output.Json = False,
) -> None:
    """Change a policy. What is not named stays; what is named replaces what was there.

    \b
    Example:
      omniroute policies edit "no opus on CI" --hours 08:00-18:00 --days mon-fri
    """
    from msgspec.structs import replace

    from omniroute.api.policies import Conditions

    given = Given(block, allow, prefer, max_tokens, for_model, for_key, from_, hours, days)
    if given == Given() and not anytime and (name, priority, on) == (None, None, None):
        raise UsageError("nothing to change was named; see: omniroute policies edit --help")
    with client() as gateway:
        found = _find(gateway, policy)
        kind = kind_of(given)
        if kind not in (None, found.type):
            raise UsageError(f"{found.name!r} is a policy of type {found.type}; make another one for that")
        before = _body(found)
        if anytime:
            before = replace(before, conditions=Conditions())
        body = body_of(
            gateway,
            given,
            name=found.name if name is None else name,
            priority=found.priority if priority is None else priority,
            before=before,
        )
        _put(gateway, body, enabled=found.enabled if on is None else on, as_json=as_json)


def _list(*, as_json: output.Json = False) -> None:
    """List the policies in the order they apply, and who is locked out after wrong keys.

    \b
    Example:
      omniroute policies list
    """
    from omniroute.client.policies import policies

    with client() as gateway:
        found = policies(gateway)
        keys = key_names(gateway, found.policies)
    if as_json:
        output.document(found)
        return
    if found.policies:
        rows = [
            (
                str(one.priority),
                one.name,
                said(one),
                conditions_of(one, keys) or "always",
                "on" if one.enabled else "off",
                one.id,
            )
            for one in found.policies
        ]
        output.table(("priority", "name", "what", "when", "state", "id"), rows, right=(0,))
    else:
        output.say("no policies yet; make one with: omniroute policies create NAME --block GLOB")
    for locked in found.locked_identifiers:
        output.say(
            f"{locked.identifier} is locked out for {words.span(locked.remaining_ms)}; "
            f"end it with: omniroute unlock {locked.identifier}"
        )


def _show(policy: PolicyName, *, as_json: output.Json = False) -> None:
    """Show one policy.

    \b
    Example:
      omniroute policies show "no opus on CI"
    """
    with client() as gateway:
        found = _find(gateway, policy)
        keys = key_names(gateway, [found])
    if as_json:
        output.document(found)
        return
    output.fields(
        (
            ("name", found.name),
            ("id", found.id),
            ("type", found.type),
            ("state", "on" if found.enabled else "off"),
            ("priority", str(found.priority)),
            ("what", said(found)),
            ("when", conditions_of(found, keys) or "always"),
            ("created", words.local(found.created_at)),
            ("changed", words.local(found.updated_at)),
        )
    )


def _delete(policy: PolicyName, *, as_json: output.Json = False) -> None:
    """Delete a policy.

    \b
    Example:
      omniroute policies delete "no opus on CI"
    """
    from omniroute.client.policies import delete_policy

    with client() as gateway:
        found = _find(gateway, policy)
        removed = delete_policy(gateway, found.id)
    if as_json:
        output.document(removed)
    else:
        output.say(f"policy {found.name!r} is deleted")


def _evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As a client would name it.")],
    *,
    key: Annotated[str | None, typer.Option(metavar="KEY", help="With this key of the gateway.")] = None,
    from_: Annotated[str | None, typer.Option("--from", metavar="ADDRESS", help="From this address.")] = None,
    as_json: output.Json = False,
) -> None:
    """Say what would become of a request. Nothing is sent.

    \b
    Example:
      omniroute policies evaluate claude-opus-4-6 --key ci
    """
    from omniroute.api.policies import Evaluate
    from omniroute.cli.policies.written import key_ids
    from omniroute.client.policies import evaluate

    with client() as gateway:
        key_id = None if key is None else key_ids(gateway, [key])[0]
        found = evaluate(gateway, Evaluate(model=model, api_key_id=key_id, client_ip=from_))
    if as_json:
        output.document(found)
        return
    if not found.allowed:
        output.line(f"refused: {found.reason}")
        return
    output.line("allowed")
    for name, values in (("targets", found.targets), ("policies", found.applied_policies)):
        if values:
            output.line(f"{name}: {', '.join(values)}")
    if found.max_tokens is not None:
        output.line(f"at most {found.max_tokens:,} tokens")
    if found.fallback_chain:
        output.line(f"when that fails: {', '.join(found.fallback_chain)}")


def _put(gateway: "Client", body: "PolicyBody", *, enabled: bool, as_json: bool) -> None:
    from msgspec.structs import replace

    from omniroute.client.policies import put_policy

    stored = put_policy(gateway, replace(body, enabled=enabled))
    if as_json:
        output.document(stored)
        return
    state = "in force" if stored.enabled else "kept, but off"
    when = conditions_of(stored, key_names(gateway, [stored])) or "always"
    output.say(f"{state}: {stored.name!r}: {said(stored)}, {when}")


def _find(gateway: "Client", wanted: str) -> "PolicyEntry":
    from omniroute.cli.pick import is_id_prefix, pick
    from omniroute.client.policies import policies

    return pick(
        policies(gateway).policies,
        wanted,
        (
            lambda one, text: one.id == text,
            lambda one, text: one.name == text,
            lambda one, text: is_id_prefix(one.id, text),
        ),
        what="policy",
        label=lambda one: f"{one.id}  {one.name}",
    )


def _body(found: "PolicyEntry") -> "PolicyBody":
    from omniroute.api.policies import PolicyBody

    return PolicyBody(
        id=found.id,
        name=found.name,
        type=found.type,
        enabled=found.enabled,
        priority=found.priority,
        conditions=found.conditions,
        actions=found.actions,
    )
