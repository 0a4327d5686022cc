"""The models that clients see, in the three shapes they ask for."""

from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from omniroute.clock import iso
from omniroute.errors import ErrorKind, Refused
from omniroute.gateway.demo import DEMO_PROVIDER
from omniroute.records import ApiKey, ModelFacts, ModelKind, Provider, Snapshot
from omniroute.routing.resolve import is_connected
from omniroute.server import listed_combos as combos
from omniroute.server.listed_model import Listed, may_see

CATALOGUE_DATE_S = 1_763_769_600
"""2025-11-22: a model's `created`, which has to be stable and is nowhere else to be had."""

_MAX_PAGE = 1000
_GEMINI_PAGE = 50
_GEMINI_KINDS = (ModelKind.CHAT, ModelKind.EMBEDDING)


def listed(snapshot: Snapshot, key: ApiKey | None, *, kind: str | None = None) -> list[Listed]:
    """Every combo and every model of every connected provider that the key may use; combos come first.

    While there is no provider, the demo.
    """
    providers = [
        provider
        for provider in snapshot.providers.values()
        if provider.id != DEMO_PROVIDER.id and is_connected(snapshot, provider)
    ]
    patterns = key.allowed_models if key is not None else ()
    entries = [entry for provider in providers or [DEMO_PROVIDER] for entry in _of(provider)]
    if patterns:
        entries = [entry for entry in entries if may_see(entry.id, patterns)]
    entries = [*combos.listed(snapshot, patterns), *entries]
    if kind is not None:
        entries = [entry for entry in entries if entry.model.kind.value == kind]
    return entries


def _of(provider: Provider) -> Iterator[Listed]:
    for model in provider.models:
        own = f"{provider.label}/{model.id}"
        yield Listed(own, provider, model, None)
        if provider.aliases and provider.aliases[0] != provider.label:
            yield Listed(f"{provider.aliases[0]}/{model.id}", provider, model, own)


def find(entries: list[Listed], wanted: str) -> Listed | None:
    """The model of that name, or the one with this id when no other provider has it."""
    for entry in entries:
        if entry.id == wanted:
            return entry
    owners = [entry for entry in entries if entry.model.id == wanted and entry.parent is None]
    return owners[0] if len(owners) == 1 else None


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
    limit = min(max(int(limit_text[:6]), 1), _MAX_PAGE) if limit_text.isdecimal() else 20
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
    verbs = ["generateContent", "streamGenerateContent", "countTokens"]
    if model.kind is ModelKind.EMBEDDING:
        verbs = ["embedContent", "batchEmbedContents"]
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


def gemini_list(entries: Iterable[Listed], query: Mapping[str, str]) -> dict[str, Any]:
    """One page of the list as Gemini shows it: `pageSize` (0: all), `pageToken`. Raises `Refused`."""
    shown = [entry for entry in entries if entry.model.kind in _GEMINI_KINDS]
    size = _page_size(query.get("pageSize", ""), len(shown))
    start = _page_start(query.get("pageToken", ""), shown)
    page = shown[start : start + size]
    listing: dict[str, Any] = {"models": [gemini_entry(entry) for entry in page]}
    if start + len(page) < len(shown):
        listing["nextPageToken"] = page[-1].id
    return listing


def _page_size(asked: str, all_of_them: int) -> int:
    if not asked.isdecimal():
        return _GEMINI_PAGE
    size = min(int(asked[:6]), _MAX_PAGE)
    return size or max(all_of_them, 1)


def _page_start(token: str, entries: list[Listed]) -> int:
    """A page begins after the model its token names."""
    if not token:
        return 0
    for place, entry in enumerate(entries):
        if entry.id == token:
            return place + 1
    raise Refused(ErrorKind.BAD_REQUEST, "pageToken: not one of this list", param="pageToken")


def ollama_list(entries: Iterable[Listed]) -> dict[str, Any]:
    """The list as Ollama shows it; what only files on a disk have is empty."""
    return {
        "models": [
            {
                "name": entry.id,
                "model": entry.id,
                "modified_at": iso(CATALOGUE_DATE_S * 1000),
                "size": 0,
                "digest": f"sha256:{sha256(entry.id.encode()).hexdigest()}",
                "details": _ollama_family(entry),
            }
            for entry in entries
        ]
    }


def ollama_details(entry: Listed) -> dict[str, Any]:
    """One model as Ollama's `show` tells it."""
    model = entry.model
    facts: dict[str, Any] = {"general.architecture": "api", "general.basename": model.id}
    for name, number in (
        ("context_length", model.context_tokens),
        ("embedding_length", model.dimensions),
    ):
        if number is not None:
            facts[name] = facts[f"api.{name}"] = number  # its clients look below the architecture
    return {
        "modelfile": "",
        "parameters": "",
        "template": "",
        "details": {"parent_model": "", **_ollama_family(entry)},
        "model_info": facts,
        "capabilities": _ollama_capabilities(model),
        "modified_at": iso(CATALOGUE_DATE_S * 1000),
    }


def _ollama_family(entry: Listed) -> dict[str, Any]:
    family = entry.provider.id
    return {
        "format": "api",
        "family": family,
        "families": [family],
        "parameter_size": "",
        "quantization_level": "",
    }


def _ollama_capabilities(model: ModelFacts) -> list[str]:
    """In Ollama's words; tools unless the model is known to have none, since clients then send none."""
    if model.kind is ModelKind.EMBEDDING:
        return ["embedding"]
    capabilities = ["completion"]
    if model.tools is not False:
        capabilities.append("tools")
    if "image" in model.inputs:
        capabilities.append("vision")
    if model.reasoning:
        capabilities.append("thinking")
    return capabilities
