"""Named chains of models."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output
from omniroute.cli.combos import shown
from omniroute.cli.combos.steps import edited, models_of
from omniroute.cli.failures import UpstreamFailed, UsageError
from omniroute.cli.gateway import client

if TYPE_CHECKING:
    from omniroute.api.combos import ComboChange


class Strategy(StrEnum):
    """In which order the models of a combo are asked."""

    PRIORITY = "priority"
    WEIGHTED = "weighted"
    ROUND_ROBIN = "round-robin"
    RANDOM = "random"
    LEAST_USED = "least-used"
    COST_OPTIMIZED = "cost-optimized"
    AUTO = "auto"


ComboName = Annotated[str, typer.Argument(metavar="COMBO", help="Name or id.")]
Values = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Such as max-retries=2; empty sets it back. May repeat."),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--account", metavar="MODEL=ACCOUNT", help="Use this account only for it. May repeat."),
]
MODEL_HELP = "In the order to ask; MODEL=WEIGHT for the strategy weighted."


def register(app: typer.Typer) -> None:
    """Add `combos`."""
    group = typer.Typer(no_args_is_help=True, help="Chain models, so that one steps in for another.")
    group.command("create")(_create)
    group.command("list")(_list)
    group.command("show")(_show)
    group.command("edit")(_edit)
    group.command("test")(_test)
    group.command("delete")(_delete)
    app.add_typer(group, name="combos")


def _create(  # noqa: PLR0913  # every option is an argument
    name: Annotated[str, typer.Argument(metavar="NAME", help="What clients ask for.")],
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help=MODEL_HELP)],
    *,
    strategy: Annotated[Strategy, typer.Option(help="Who is asked first.")] = Strategy.PRIORITY,
    account: Only = None,
    values: Values = None,
    off: Annotated[bool, typer.Option("--off", help="Keep it, but do not serve it yet.")] = False,
    as_json: output.Json = False,
) -> None:
    """Make a combo: when a model is out of quota or fails, the next one answers.

    \b
    Examples:
      omniroute combos create daily cc/claude-opus-4-6 glm/glm-5 groq/llama-3.3-70b-versatile
      omniroute combos create cheap groq/a=70 cerebras/b=30 --strategy weighted
    """
    from omniroute.api.combos import NewCombo
    from omniroute.cli.assign import assigned
    from omniroute.client.combos import create_combo
    from omniroute.records import Strategy as Known

    new = NewCombo(
        name=name,
        models=models_of(models, account),
        strategy=Known(strategy.value),
        is_active=not off,
        config=assigned(values or ()),
    )
    with client() as gateway:
        shown.print_combo(create_combo(gateway, new), as_json=as_json)


def _list(*, as_json: output.Json = False) -> None:
    """List the combos and what they stand for.

    \b
    Example:
      omniroute combos list
    """
    from omniroute.client.combos import list_combos

    with client() as gateway:
        found = list_combos(gateway)
    if as_json:
        output.document({"combos": found})
        return
    if not found:
        output.say("no combos yet; make one with: omniroute combos create NAME MODEL MODEL")
        return
    rows = [
        (
            one.name,
            one.strategy.value,
            "on" if one.is_active else "off",
            " > ".join(one.resolved_models) or output.UNKNOWN,
            str(len(one.warnings)) if one.warnings else output.UNKNOWN,
            one.id,
        )
        for one in found
    ]
    output.table(("name", "strategy", "state", "asks", "warnings", "id"), rows, right=(4,))


def _show(combo: ComboName, *, as_json: output.Json = False) -> None:
    """Show one combo and what it did.

    \b
    Example:
      omniroute combos show daily
    """
    from omniroute.client.combos import metrics_of, show_combo

    with client() as gateway:
        found = show_combo(gateway, combo)
        counts = metrics_of(gateway, found.id).metrics
    if as_json:
        output.document({"combo": found, "metrics": counts})
        return
    shown.facts(found)
    if counts is not None:
        output.line()
        shown.metrics(counts)


def _edit(  # noqa: PLR0913  # every option is an argument
    combo: ComboName,
    *,
    name: Annotated[
        str | None, typer.Option(help="New name; aliases, keys and other combos follow it.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help=f"Replaces all models. {MODEL_HELP}")
    ] = None,
    add: Annotated[list[str] | None, typer.Option(metavar="MODEL", help="One more, at the end.")] = None,
    drop: Annotated[list[str] | None, typer.Option(metavar="MODEL", help="One less.")] = None,
    account: Only = None,
    strategy: Annotated[Strategy | None, typer.Option(help="Who is asked first.")] = None,
    values: Values = None,
    active: Annotated[bool | None, typer.Option("--on/--off", help="Serve it, or not.")] = None,
    as_json: output.Json = False,
) -> None:
    """Change a combo: only what is named changes.

    \b
    Examples:
      omniroute combos edit daily --add groq/llama-3.3-70b-versatile
      omniroute combos edit daily --set max-retries=2 --set retry-delay-ms=
    """
    from omniroute.cli.assign import assigned
    from omniroute.client.combos import change_combo, show_combo
    from omniroute.records import Strategy as Known

    changes: dict[str, object] = {}
    if name is not None:
        changes["name"] = name
    if strategy is not None:
        changes["strategy"] = Known(strategy.value)
    if active is not None:
        changes["is_active"] = active
    if values:
        changes["config"] = assigned(values)
    with client() as gateway:
        if model or add or drop or account:
            before = models_of(model, None) if model else show_combo(gateway, combo).models
            changes["models"] = edited(before, add or (), drop or (), account)
        if not changes:
            raise UsageError("nothing to change was named; see: omniroute combos edit --help")
        shown.print_combo(change_combo(gateway, combo, _change(changes)), as_json=as_json)


def _test(
    combo: ComboName,
    *,
    first: Annotated[bool, typer.Option("--first", help="Stop at the first that answers.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, max=600, metavar="S", help="Seconds for each.")] = 15.0,
    as_json: output.Json = False,
) -> None:
    """Ask every model of a combo for a few words, which costs a little. Exit code 16: none answers.

    \b
    Example:
      omniroute combos test daily
    """
    from omniroute.api.combos import ComboTest
    from omniroute.client.combos import show_combo, test_combo

    with client() as gateway:
        found = show_combo(gateway, combo)
        wanted = ComboTest(combo_name=found.name, stop_on_first=first, timeout_ms=round(timeout * 1000))
        result = test_combo(gateway, wanted)
    if as_json:
        output.document(result)
    else:
        shown.verdicts(result)
    if result.resolved_by is None:
        raise UpstreamFailed(f"no model of the combo {found.name!r} answered")


def _delete(
    combo: ComboName,
    *,
    force: Annotated[bool, typer.Option("--force", help="Also when other combos hold it.")] = False,
    as_json: output.Json = False,
) -> None:
    """Delete a combo and its counts.

    \b
    Example:
      omniroute combos delete daily
    """
    from omniroute.client.combos import delete_combo, show_combo

    with client() as gateway:
        found = show_combo(gateway, combo)
        deleted = delete_combo(gateway, found.id, force=force)
    if as_json:
        output.document(deleted)
    else:
        output.say(f"combo {found.name!r} is deleted")


def _change(changes: dict[str, object]) -> "ComboChange":
    import msgspec

    from omniroute.api.combos import ComboChange

    return msgspec.structs.replace(ComboChange(), **changes)
