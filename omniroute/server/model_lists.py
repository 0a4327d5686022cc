"""The models that clients see, in the three shapes they ask for."""

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from omniroute.clock import iso
from omniroute.gateway.demo import DEMO_PROVIDER
from omniroute.records import ApiKey, ModelFacts, ModelKind, Provider, Snapshot
from omniroute.routing.resolve import is_connected

CATALOGUE_DATE_S = 1_763_769_600
"""2025-11-22: a model's `created`, which has to be stable and is nowhere else to be had."""

_MAX_ANTHROPIC_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """One name a client may ask for."""

    id: str
    provider: Provider
    model: ModelFacts
    parent: str | None
    """The id under the provider's own name, when this is the one under its alias."""


def listed(snapshot: Snapshot, key: ApiKey | None, *, kind: str | None = None) -> list[Listed]:
    """Every model of every connected provider that the key may use; the demo while there is no provider."""
    providers = [
        provider
        for provider in snapshot.providers.values()
        if provider.id != DEMO_PROVIDER.id and is_connected(snapshot, provider)
    ]
    entries = [entry for provider in providers or [DEMO_PROVIDER] for entry in _of(provider)]
    if kind is not None:
        entries = [entry for entry in entries if entry.model.kind.value == kind]
    if key is not None and key.allowed_models:
        entries = [entry for entry in entries if _allowed(entry.id, key.allowed_models)]
    return entries


def _of(provider: Provider) -> Iterator[Listed]:
    for model in provider.models:
        own = f"{provider.label}/{model.id}"
        yield Listed(own, provider, model, None)
        if provider.aliases and provider.aliases[0] != provider.label:
            yield Listed(f"{provider.aliases[0]}/{model.id}", provider, model, own)


def _allowed(model_id: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(model_id, pattern) for pattern in patterns)


def openai_entry(entry: Listed) -> dict[str, Any]:
    """One model as OpenAI shows it."""
    model = entry.model
    shown: dict[str, Any] = {
        "id": entry.id,
        "object": "model",
        "created": CATALOGUE_DATE_S,
        "owned_by": entry.provider.label,
        "permission": [],
        "root": model.id,
        "parent": entry.parent,
    }
    if model.kind is not ModelKind.CHAT:
        shown["type"] = model.kind.value
    if model.dimensions is not None:
        shown["dimensions"] = model.dimensions
    if model.context_tokens is not None:
        shown["context_length"] = model.context_tokens
    if model.custom:
        shown["custom"] = True
    return shown


def openai_list(entries: Iterable[Listed]) -> dict[str, Any]:
    """The list as OpenAI shows it."""
    return {"object": "list", "data": [openai_entry(entry) for entry in entries]}


def anthropic_entry(entry: Listed) -> dict[str, Any]:
    """One model as Anthropic shows it."""
    return {
        "type": "model",
        "id": entry.id,
        "display_name": entry.model.name or entry.model.id,
        "created_at": iso(CATALOGUE_DATE_S * 1000),
    }


def anthropic_list(entries: list[Listed], query: Mapping[str, str]) -> dict[str, Any]:
    """One page of the list as Anthropic shows it: `limit`, `after_id`, `before_id`."""
    ids = [entry.id for entry in entries]
    limit_text = query.get("limit", "20")
    limit = min(max(int(limit_text[:6]), 1), _MAX_ANTHROPIC_PAGE) if limit_text.isdecimal() else 20
    start = ids.index(query["after_id"]) + 1 if query.get("after_id") in ids else 0
    end = ids.index(query["before_id"]) if query.get("before_id") in ids else len(ids)
    page = entries[start:end][:limit]
    return {
        "data": [anthropic_entry(entry) for entry in page],
        "has_more": start + len(page) < end,
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
    }


def gemini_entry(entry: Listed) -> dict[str, Any]:
    """One model as Gemini shows it."""
    model = entry.model
    verbs = ["embedContent"] if model.kind is ModelKind.EMBEDDING else ["generateContent", "countTokens"]
    shown: dict[str, Any] = {
        "name": f"models/{entry.id}",
        "version": "001",
        "displayName": model.name or model.id,
        "description": entry.provider.name,
        "supportedGenerationMethods": verbs,
    }
    if model.context_tokens is not None:
        shown["inputTokenLimit"] = model.context_tokens
    if model.max_output_tokens is not None:
        shown["outputTokenLimit"] = model.max_output_tokens
    return shown


def gemini_list(entries: Iterable[Listed]) -> dict[str, Any]:
    """The list as Gemini shows it."""
    kinds = (ModelKind.CHAT, ModelKind.EMBEDDING)
    return {"models": [gemini_entry(entry) for entry in entries if entry.model.kind in kinds]}


def ollama_list(entries: Iterable[Listed]) -> dict[str, Any]:
    """The list as Ollama shows it; what only files on a disk have is empty."""
    details = {"format": "api", "parameter_size": "", "quantization_level": ""}
    return {
        "models": [
            {
                "name": entry.id,
                "model": entry.id,
                "modified_at": iso(CATALOGUE_DATE_S * 1000),
                "size": 0,
                "digest": f"sha256:{sha256(entry.id.encode()).hexdigest()}",
                "details": {**details, "family": entry.provider.id, "families": [entry.provider.id]},
            }
            for entry in entries
        ]
    }
