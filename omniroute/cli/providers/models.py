"""`providers models`, `add-model`, `remove-model`: what a provider offers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.failures import NotFound
from omniroute.cli.gateway import client
from omniroute.cli.providers.select import pick_connection, pick_provider

if TYPE_CHECKING:
    from omniroute.api.providers import ModelEntry, ModelList
    from omniroute.client.http import Client

ProviderName = Annotated[str, typer.Argument(metavar="PROVIDER", help="Id, alias, or an account of it.")]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="The id the provider knows it by.")]


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("models")(_models)
    group.command("add-model")(_add_model)
    group.command("remove-model")(_remove_model)


def model_table(models: "Sequence[ModelEntry]") -> None:
    """The models with limits, and prices in US dollars per million tokens."""
    rows = [
        (
            model.id,
            model.kind,
            words.count(model.context_length),
            words.count(model.max_output),
            words.price(model.price_input),
            words.price(model.price_output),
            "added by you" if model.custom else "",
        )
        for model in models
    ]
    headings = ("model", "kind", "context", "output", "$/M in", "$/M out", "")
    output.table(headings, rows, right=(2, 3, 4, 5))


def _models(
    provider: ProviderName,
    *,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the provider now.")] = False,
    as_json: output.Json = False,
) -> None:
    """List the models of a provider: as it lists them itself, or from the catalogue.

    \b
    Example:
      omniroute providers models groq --refresh
    """
    with client() as gateway:
        found = _model_list(gateway, provider, refresh=refresh)
    if as_json:
        output.document(found)
        return
    model_table(found.models)
    origin = {"remote": f"listed by {provider} at {words.local(found.fetched_at)}"}
    output.say(origin.get(found.source, "from the catalogue"))


def _model_list(gateway: "Client", wanted: str, *, refresh: bool) -> "ModelList":
    """From an account when there is one, else from the catalogue."""
    from omniroute.api.providers import ModelList
    from omniroute.client import providers as calls

    known = calls.connections(gateway)
    try:
        entry = pick_provider(calls.catalogue(gateway), wanted)
    except NotFound:
        return calls.models(gateway, pick_connection(known, wanted).id, refresh=refresh)
    accounts = [one for one in known if one.provider == entry.id]
    if accounts:
        usable = [one for one in accounts if one.is_active] or accounts
        return calls.models(gateway, usable[0].id, refresh=refresh)
    if refresh:
        raise NotFound(f"{entry.name} cannot be asked: connect it with omniroute providers add {entry.id}")
    entry = calls.catalogue_entry(gateway, entry.id)
    return ModelList(
        provider=entry.id, connection_id="", source="registry", fetched_at=None, models=entry.models
    )


def _add_model(
    provider: ProviderName,
    model: ModelName,
    *,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    context_length: Annotated[int | None, typer.Option(min=1, help="Tokens of prompt and answer.")] = None,
    max_output: Annotated[int | None, typer.Option(min=1, help="Most tokens of an answer.")] = None,
    as_json: output.Json = False,
) -> None:
    """Add a model that neither the catalogue nor the provider's list has.

    \b
    Example:
      omniroute providers add-model openai gpt-next --context-length 400000
    """
    from omniroute.api.providers import NewModel
    from omniroute.client import providers as calls

    with client() as gateway:
        entry = pick_provider(calls.catalogue(gateway), provider)
        new = NewModel(
            provider=entry.id,
            model_id=model,
            model_name=name,
            context_length=context_length,
            max_output=max_output,
        )
        stored = calls.add_model(gateway, new)
    if as_json:
        output.document({"models": stored})
    else:
        output.say(f"clients can now ask for {_prefix(entry.id, entry.aliases)}/{model}")


def _remove_model(provider: ProviderName, model: ModelName, *, as_json: output.Json = False) -> None:
    """Remove a model that was added with `add-model`.

    \b
    Example:
      omniroute providers remove-model openai gpt-next
    """
    from omniroute.client import providers as calls

    with client() as gateway:
        entry = pick_provider(calls.catalogue(gateway), provider)
        removed = calls.remove_model(gateway, entry.id, model)
    if not removed:
        raise NotFound(f"no model {model!r} was added to {_prefix(entry.id, entry.aliases)}")
    if as_json:
        output.document({"removed": removed})
    else:
        output.say(f"{model} is removed from {_prefix(entry.id, entry.aliases)}")


def _prefix(provider_id: str, aliases: Sequence[str]) -> str:
    """What to write before the slash; a node's id is long, so its prefix is shown."""
    return aliases[0] if aliases and "-compatible" in provider_id else provider_id
