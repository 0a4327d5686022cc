"""`models`, `aliases`, `combos` and `chains`: what clients may ask for, and what it stands for."""

import re

import msgspec

from omniroute.api.combos import ComboModel
from omniroute.api.config import ChainItem, ComboItem, ModelItem
from omniroute.api.fallback import Step
from omniroute.records import ModelFacts
from omniroute.records.preferences import ComboSettings
from omniroute.server.manage.aliases import check_alias
from omniroute.server.manage.call import ApiError, invalid
from omniroute.server.manage.combos import check_name, check_row, combo_named
from omniroute.server.manage.declared.section import Applying, Items, Section, builtins, item, split
from omniroute.server.manage.fallback import chain_rows
from omniroute.server.manage.merging import checked
from omniroute.server.manage.named import provider_named
from omniroute.store import aliases, chains, combos, models
from omniroute.store.combos import ComboRow
from omniroute.store.key_value import JSON
from omniroute.ulid import new_ulid

_ALIAS = re.compile(r"[A-Za-z0-9._:/-]{1,100}")
_COMBO = re.compile(r"[A-Za-z0-9_/.-]{1,100}")


def _read_models(applying: Applying) -> dict[str, JSON]:
    providers = applying.snapshot.providers
    return {
        f"{providers[provider_id].label}/{model.id}": builtins(
            ModelItem(
                name=model.name, context_length=model.context_tokens, max_output=model.max_output_tokens
            )
        )
        for provider_id, added in models.listing(applying.connection).items()
        if provider_id in providers
        for model in added
    }


def _normal_model(applying: Applying, name: str, value: JSON) -> JSON:
    path = f"models.{name}"
    prefix, _ = split(name, path, what="MODEL")
    written = item(value, ModelItem, path)
    try:
        provider = provider_named(applying.snapshot, prefix)
    except ApiError as error:
        raise invalid(path, error.message) from None
    if provider.label != prefix:
        raise invalid(path, f"write {provider.label}/MODEL")
    return builtins(written)


def _put_model(applying: Applying, name: str, value: JSON) -> None:
    written = item(value, ModelItem, f"models.{name}")
    prefix, _, model_id = name.partition("/")
    facts = ModelFacts(
        id=model_id,
        name=written.name,
        context_tokens=written.context_length,
        max_output_tokens=written.max_output,
        custom=True,
    )
    provider_id = applying.snapshot.names[prefix]
    models.put(applying.connection, provider_id, facts)
    applying.changed("customModel.add", provider_id, model=model_id)


def _remove_model(applying: Applying, name: str) -> None:
    prefix, _, model_id = name.partition("/")
    provider_id = applying.snapshot.names.get(prefix, prefix)
    if models.delete(applying.connection, provider_id, model_id):
        applying.changed("customModel.remove", provider_id, model=model_id)


def _normal_alias(applying: Applying, name: str, value: JSON) -> JSON:
    del applying
    path = f"aliases.{name}"
    if not _ALIAS.fullmatch(name):
        hint = "; patterns stand in settings.wildcardAliases" if "*" in name or "?" in name else ""
        raise invalid(path, f"an alias is made of 1 to 100 letters, digits and . _ : / -{hint}")
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 256:
        raise invalid(path, "must be the name of a model")
    return value.strip()


def _put_alias(applying: Applying, name: str, value: JSON) -> None:
    aliases.put(applying.connection, name, str(value))
    applying.changed("alias.set", name, model=str(value))


def _remove_alias(applying: Applying, name: str) -> None:
    aliases.delete(applying.connection, name)
    applying.changed("alias.delete", name)


def _check_aliases(applying: Applying, items: Items) -> None:
    for name, target in items.items():
        if name in applying.snapshot.combos:
            raise invalid(f"aliases.{name}", "is a combo already")
        try:
            found = check_alias(applying.snapshot, name, str(target))
        except ApiError as error:
            raise invalid(f"aliases.{name}", error.details[0].message) from None
        applying.warnings += [f"aliases.{name}: {warning}" for warning in found]


def _read_combos(applying: Applying) -> dict[str, JSON]:
    return {row.name: _shown_combo(row) for row in combos.rows(applying.connection)}


def _shown_combo(row: ComboRow) -> JSON:
    written = ComboItem(
        models=msgspec.convert(row.models, list[str | ComboModel]),
        strategy=row.strategy,
        is_active=row.is_active,
        config=row.config,
    )
    return builtins(written)


def _normal_combo(applying: Applying, name: str, value: JSON) -> JSON:
    del applying
    path = f"combos.{name}"
    if not _COMBO.fullmatch(name):
        raise invalid(path, "a combo's name is made of 1 to 100 letters, digits and _ / . -")
    written = item(value, ComboItem, path)
    if "strategy" in written.config:
        raise invalid(f"{path}.config.strategy", "stands beside `config`, not in it")
    checked(written.config, ComboSettings, f"{path}.config")
    return builtins(written)


def _put_combo(applying: Applying, name: str, value: JSON) -> None:
    written = item(value, ComboItem, f"combos.{name}")
    before = {row.name: row for row in combos.rows(applying.connection)}.get(name)
    row = ComboRow(
        id=before.id if before is not None else new_ulid(applying.now_ms),
        name=name,
        strategy=written.strategy,
        models=tuple(msgspec.to_builtins(written.models)),
        config=written.config,
        is_active=written.is_active,
        created_at_ms=applying.now_ms,
        updated_at_ms=applying.now_ms,
    )
    if before is None:
        combos.create(applying.connection, row)
    else:
        combos.update(applying.connection, row)
    applying.changed("combo.create" if before is None else "combo.update", row.id, name=name)
    applying.touched.append(row.id)


def _remove_combo(applying: Applying, name: str) -> None:
    row = combo_named(applying.connection, name)
    combos.delete(applying.connection, row.id)
    applying.changed("combo.delete", row.id, name=name)
    applying.touched.append(row.id)


def _check_combos(applying: Applying, items: Items) -> None:
    for row in combos.rows(applying.connection):
        if row.name not in items:
            continue
        try:
            check_name(applying.snapshot, applying.connection, row.name)
            check_row(applying.connection, applying.snapshot.preferences, row)
        except ApiError as error:
            raise invalid(f"combos.{row.name}", error.message) from None


def _read_chains(applying: Applying) -> dict[str, JSON]:
    providers = applying.snapshot.providers
    found: dict[str, JSON] = {}
    for model, steps in chains.rows(applying.connection).items():
        shown = [
            Step(
                provider=providers[step.provider].label if step.provider in providers else step.provider,
                priority=step.priority,
                enabled=step.enabled,
                model=step.model,
            )
            for step in steps
        ]
        found[model] = _shown_chain(shown)
    return found


def _shown_chain(steps: list[Step]) -> JSON:
    """In the order they are asked, without the members that have their default."""
    ordered = sorted(steps, key=lambda step: step.priority)
    return {"steps": [_sparse(step) for step in ordered]}


def _sparse(step: Step) -> JSON:
    usual: dict[str, JSON] = msgspec.to_builtins(Step(provider=""))
    return {name: value for name, value in msgspec.to_builtins(step).items() if value != usual[name]}


def _normal_chain(applying: Applying, model: str, value: JSON) -> JSON:
    path = f"chains.{model}"
    written = item(value, ChainItem, path)
    chain_rows(applying.snapshot, written.steps, f"{path}.steps")
    labels = [
        msgspec.structs.replace(step, provider=provider_named(applying.snapshot, step.provider).label)
        for step in written.steps
    ]
    return _shown_chain(labels)


def _put_chain(applying: Applying, model: str, value: JSON) -> None:
    written = item(value, ChainItem, f"chains.{model}")
    chains.put(applying.connection, model, chain_rows(applying.snapshot, written.steps))
    applying.changed("fallback.set", model)


def _remove_chain(applying: Applying, model: str) -> None:
    chains.delete(applying.connection, model)
    applying.changed("fallback.delete", model)


MODELS = Section(name="models", read=_read_models, normal=_normal_model, put=_put_model, remove=_remove_model)
ALIASES = Section(
    name="aliases",
    read=lambda applying: dict(aliases.listing(applying.connection)),
    normal=_normal_alias,
    put=_put_alias,
    remove=_remove_alias,
    check=_check_aliases,
)
COMBOS = Section(
    name="combos",
    read=_read_combos,
    normal=_normal_combo,
    put=_put_combo,
    remove=_remove_combo,
    check=_check_combos,
)
CHAINS = Section(name="chains", read=_read_chains, normal=_normal_chain, put=_put_chain, remove=_remove_chain)
