"""The catalogue of providers: the files shipped with the program, changed by the user's own."""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from omniroute.errors import ConfigError
from omniroute.providers.document import read_provider
from omniroute.records import Provider

Document = dict[str, Any]  # what tomllib gives; `document` narrows it key by key


def load_catalogue(user_directory: Path | None = None) -> Mapping[str, Provider]:
    """All providers by id.

    A file `<id>.toml` in `user_directory` adds a provider, or changes a shipped one: each key it holds
    replaces the shipped key, each model the keys of the model with its id. Raises ConfigError naming file and
    key when a file cannot be used.
    """
    documents = _shipped()
    written = _written(user_directory) if user_directory is not None else {}
    providers = {}
    for provider_id in sorted(documents.keys() | written.keys()):
        document, file = documents.get(provider_id, {}), f"{provider_id}.toml"
        if provider_id in written:
            document, file = _merged(document, written[provider_id]), str(user_directory) + f"/{file}"
        providers[provider_id] = read_provider(document, file)
        if providers[provider_id].id != provider_id:
            raise ConfigError(f"{file}: id must be {provider_id!r}, like the name of the file")
    names_of(providers)
    return MappingProxyType(providers)


def names_of(providers: Mapping[str, Provider]) -> dict[str, str]:
    """Ids and aliases to provider ids. Raises ConfigError when two providers share a name."""
    names = {provider_id: provider_id for provider_id in providers}
    for provider in providers.values():
        for alias in provider.aliases:
            owner = names.setdefault(alias, provider.id)
            if owner != provider.id or alias == provider.id:
                raise ConfigError(f"{provider.id}.toml: aliases holds {alias!r}, a name of {owner!r}")
    return names


def _shipped() -> dict[str, Document]:
    folder = files("omniroute.providers").joinpath("catalog")
    return {
        entry.name.removesuffix(".toml"): _parsed(entry.read_text(encoding="utf-8"), entry.name)
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    }


def _written(directory: Path) -> dict[str, Document]:
    documents = {}
    for path in sorted(directory.glob("*.toml")):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read: {error}") from error
        document = _parsed(text, str(path))
        _mark_prices(document)
        documents[path.stem] = document
    return documents


def _parsed(text: str, file: str) -> Document:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: {error}") from error


def _mark_prices(document: Document) -> None:
    """The user's own prices say so, instead of `catalogue` and a day."""
    for model in _models(document):
        price = model.get("price_usd_per_mtok")
        if isinstance(price, dict):
            price.setdefault("source", "custom")


def _merged(shipped: Document, written: Document) -> Document:
    merged = {**shipped, **written}
    if "models" in shipped and "models" in written:
        models = {model["id"]: model for model in shipped["models"]}
        for model in _models(written):
            model_id = str(model.get("id"))
            models[model_id] = {**models.get(model_id, {}), **model}
        merged["models"] = list(models.values())
    return merged


def _models(document: Document) -> list[Document]:
    models = document.get("models")
    return [model for model in models if isinstance(model, dict)] if isinstance(models, list) else []
