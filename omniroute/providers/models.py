"""The lists of models that providers publish themselves."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeGuard

from omniroute.errors import ProtocolError
from omniroute.records import ModelFacts, ModelKind, Provider

_LISTS = ("data", "models", "result")
_CONTEXT = ("context_length", "context_window", "max_model_len", "contextLength", "inputTokenLimit")
_MAX_CONTEXT = ("max_context_length", "max_input_tokens", "context_size")
_OUTPUT = ("max_output_tokens", "outputTokenLimit", "max_completion_tokens", "max_tokens")
_KINDS = frozenset(kind.value for kind in ModelKind)
_KIND_WORDS = (
    (ModelKind.RERANK, ("rerank",)),
    (ModelKind.EMBEDDING, ("embed", "bge-", "e5-", "minilm", "voyage-")),
    (ModelKind.MODERATION, ("moderation",)),
    (ModelKind.STT, ("whisper", "transcribe")),
    (ModelKind.TTS, ("tts",)),
    (ModelKind.IMAGE, ("dall-e", "gpt-image", "flux", "stable-diffusion", "imagen", "sdxl")),
)


def read_models(body: object) -> tuple[ModelFacts, ...]:
    """The models in a decoded JSON answer of the shape of OpenAI, Anthropic, Gemini, Ollama or their like.

    Entries without an id are passed over, and of two with one id the first counts. Raises ProtocolError when
    there is no list.
    """
    models: dict[str, ModelFacts] = {}
    for entry in _entries(body):
        model = _model(entry)
        if model is not None:
            models.setdefault(model.id, model)
    return tuple(models.values())


def merge_models(provider: Provider, discovered: Iterable[ModelFacts]) -> Provider:
    """`provider` with its discovered models; what is shipped stays, and is filled up where it is unknown."""
    models = {model.id: model for model in provider.models}
    for model in discovered:
        known = models.get(model.id)
        models[model.id] = model if known is None else _filled(known, model)
    return replace(provider, models=tuple(models.values()))


def _filled(known: ModelFacts, found: ModelFacts) -> ModelFacts:
    return replace(
        known,
        name=known.name or found.name,
        context_tokens=known.context_tokens or found.context_tokens,
        max_output_tokens=known.max_output_tokens or found.max_output_tokens,
        inputs=known.inputs or found.inputs,
        price=found.price or known.price,  # lists carry none, so this one is the user's own
    )


def _entries(body: object) -> list[Mapping[str, object]]:
    found: object = body
    if _is_object(body):
        found = next((body[key] for key in _LISTS if isinstance(body.get(key), list)), None)
        if found is None and any(key in body and body[key] is None for key in _LISTS):
            found = []  # an empty list of a server written in Go
    if not isinstance(found, list):
        raise ProtocolError("The answer holds no list of models.")
    return [entry for entry in found if _is_object(entry)]


def _model(entry: Mapping[str, object]) -> ModelFacts | None:
    model_id = _text(entry, "id", "name", "model")
    if "@cf/" in (_text(entry, "name") or ""):
        model_id = _text(entry, "name")  # Cloudflare: the id is a number of its own
    if model_id is None:
        return None
    model_id = model_id.removeprefix("models/")
    name = _text(entry, "display_name", "displayName", "name")
    architecture = entry.get("architecture")
    modalities = architecture.get("input_modalities") if _is_object(architecture) else None
    return ModelFacts(
        id=model_id,
        name=None if name is None or name.removeprefix("models/") == model_id else name,
        kind=_kind(model_id, entry),
        context_tokens=_count(entry, *_CONTEXT, *_MAX_CONTEXT),
        max_output_tokens=_count(entry, *_OUTPUT),
        inputs=_inputs(modalities),
        custom=True,
    )


def _kind(model_id: str, entry: Mapping[str, object]) -> ModelKind:
    """What a model is for, by what its list says, else by its name."""
    methods = entry.get("supportedGenerationMethods")
    if isinstance(methods, list):
        if "generateContent" not in methods and ("embedContent" in methods or "embedText" in methods):
            return ModelKind.EMBEDDING
        if "generateContent" not in methods and "predict" in methods:
            return ModelKind.IMAGE
    said = (_text(entry, "type") or "").removesuffix("s")
    if said in _KINDS:
        return ModelKind(said)
    lowered = model_id.lower()
    return next((kind for kind, words in _KIND_WORDS if any(w in lowered for w in words)), ModelKind.CHAT)


def _inputs(modalities: object) -> tuple[str, ...]:
    if not isinstance(modalities, list):
        return ()
    names = {"file": "pdf"}
    found = [names.get(modality, modality) for modality in modalities if isinstance(modality, str)]
    return tuple(name for name in found if name in ("text", "image", "pdf", "audio", "video"))


def _is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, dict)


def _text(entry: Mapping[str, object], *keys: str) -> str | None:
    for key in keys:
        value = entry.get(key)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def _count(entry: Mapping[str, object], *keys: str) -> int | None:
    for key in keys:
        value = entry.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None
