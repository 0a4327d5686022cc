"""Who is asked for a model when its own providers have failed."""

from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output
from omniroute.cli.failures import NotFound
from omniroute.cli.gateway import client

if TYPE_CHECKING:
    from omniroute.api.fallback import Step


def register(app: typer.Typer) -> None:
    """Add `chains`."""
    group = typer.Typer(no_args_is_help=True, help="Say who steps in for a model that nobody serves.")
    group.command("set")(_set)
    group.command("list")(_list)
    group.command("remove")(_remove)
    app.add_typer(group, name="chains")


def _set(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As its provider calls it.")],
    providers: Annotated[
        list[str], typer.Argument(metavar="PROVIDER...", help="In order; PROVIDER/MODEL for another model.")
    ],
    *,
    as_json: output.Json = False,
) -> None:
    """Ask these providers, in order, when the model's own have failed. It replaces the model's chain.

    \b
    Example:
      omniroute chains set gpt-5.5 github openrouter/openai/gpt-5.5
    """
    from omniroute.api.fallback import NewChain, Step
    from omniroute.client.routing import set_chain

    steps = [text.partition("/") for text in providers]
    chain = [
        Step(provider=provider, priority=place, model=other or None)
        for place, (provider, _, other) in enumerate(steps)
    ]
    with client() as gateway:
        made = set_chain(gateway, NewChain(model=model, chain=chain))
    if as_json:
        output.document(made)
    else:
        output.say(f"after {model}: {_in_order(made.chain)}")


def _list(*, as_json: output.Json = False) -> None:
    """List the chains.

    \b
    Example:
      omniroute chains list
    """
    from omniroute.client.routing import chains

    with client() as gateway:
        found = chains(gateway)
    if as_json:
        output.document(found)
        return
    if not found:
        output.say("no chains yet; set one with: omniroute chains set MODEL PROVIDER")
        return
    output.table(("model", "then"), [(model, _in_order(steps)) for model, steps in found.items()])


def _remove(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The model whose chain goes.")],
    *,
    as_json: output.Json = False,
) -> None:
    """Forget the chain of a model.

    \b
    Example:
      omniroute chains remove gpt-5.5
    """
    from omniroute.client.routing import remove_chain

    with client() as gateway:
        removed = remove_chain(gateway, model)
    if not removed.removed:
        raise NotFound(f"there is no chain of {model!r}")
    if as_json:
        output.document(removed)
    else:
        output.say(f"the chain of {model!r} is removed")


def _in_order(steps: "list[Step]") -> str:
    return " > ".join(_written(step) for step in steps)


def _written(step: "Step") -> str:
    name = step.provider if step.model is None else f"{step.provider}/{step.model}"
    return name if step.enabled else f"{name} (off)"
