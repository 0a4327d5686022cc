"""How to tell which model servers run on this machine.

The paths and answers are those of the servers' own documentation and default settings, as of 2026-11-22.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard
from urllib.parse import urlsplit

from omniroute.records import Category, Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One GET that tells whether a server is there."""

    provider_id: str
    base_url: str
    """What the account needs as its base URL when the answer fits: the provider's own."""
    path: str
    url: str


_MODELS = "/v1/models"
# Per server, the path that tells it best from others that use the same port.
_PATHS: Mapping[str, str] = {
    "ollama": "/api/version",
    "lm-studio": "/api/v0/models",
    "vllm": _MODELS,
    "llama-cpp": "/props",
    "sglang": "/get_model_info",
    "docker-model-runner": "/models",
    "llamafile": _MODELS,
    "lemonade": "/api/v1/health",
    "xinference": _MODELS,
    "triton": "/v2",
    "oobabooga": "/v1/internal/model/info",
    "sdwebui": "/sdapi/v1/sd-models",
    "comfyui": "/system_stats",
}
_OWNERS: Mapping[str, frozenset[str]] = {
    "vllm": frozenset({"vllm"}),
    "llamafile": frozenset({"llamafile", "mozilla-ai"}),
    "xinference": frozenset({"xinference"}),
    "docker-model-runner": frozenset({"docker"}),
}
_KEYS: Mapping[str, frozenset[str]] = {
    "llama-cpp": frozenset({"default_generation_settings"}),
    "sglang": frozenset({"model_path", "is_generation"}),
    "lemonade": frozenset({"status", "model_loaded"}),
    "oobabooga": frozenset({"model_name", "lora_names"}),
    "comfyui": frozenset({"system", "devices"}),
}


def probes(catalogue: Mapping[str, Provider]) -> tuple[Probe, ...]:
    """One probe per local server of the catalogue, at the address it usually listens on."""
    return tuple(
        Probe(
            provider_id=provider.id,
            base_url=provider.base_url,
            path=_PATHS[provider.id],
            url=_origin(provider.base_url) + _PATHS[provider.id],
        )
        for provider in catalogue.values()
        if provider.category is Category.LOCAL and provider.base_url and provider.id in _PATHS
    )


def identify(provider_id: str, path: str, status: int, body: bytes) -> bool:
    """True when this answer to a GET of `path` is surely that of the server `provider_id`."""
    if path != _PATHS.get(provider_id) or status != 200:
        return False
    try:
        answer: object = json.loads(body)
    except ValueError:
        return False
    return _fits(provider_id, answer)


def _fits(provider_id: str, answer: object) -> bool:
    models = _models(answer)
    match provider_id:
        case "ollama":
            return _is_object(answer) and answer.keys() == {"version"}
        case "triton":
            return _is_object(answer) and answer.get("name") == "triton"
        case "lm-studio":
            return _is_object(answer) and "data" in answer and all("state" in model for model in models)
        case "sdwebui":
            return isinstance(answer, list) and all("model_name" in model for model in models)
    if provider_id in _OWNERS:
        return any(model.get("owned_by") in _OWNERS[provider_id] for model in models)
    return _is_object(answer) and _KEYS[provider_id] <= answer.keys()


def _models(answer: object) -> list[Mapping[str, object]]:
    listed = answer.get("data") if _is_object(answer) else answer
    return [model for model in listed if _is_object(model)] if isinstance(listed, list) else []


def _is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, dict)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
