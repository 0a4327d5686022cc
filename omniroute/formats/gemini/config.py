"""`generationConfig`: sampling, thinking and the shape of the answer, there and back."""

from collections.abc import Callable
from typing import Any

import msgspec

from omniroute.conversation.abilities import Abilities, EffortStyle
from omniroute.conversation.request import Output, OutputKind, Reasoning, Request, Sampling
from omniroute.conversation.thinking import budget_of, is_off
from omniroute.formats.codec import Losses
from omniroute.formats.gemini.members import (
    Members,
    boolean,
    integer,
    members,
    number,
    string,
    strings,
)
from omniroute.formats.gemini.openapi import json_schema
from omniroute.formats.schema import compiled

PREFIX = "generationConfig."
"""How members of the configuration begin among a request's extras."""

_WHERE = "generationConfig"
_SAMPLING: dict[str, tuple[str, Callable[[msgspec.Raw, str], object]]] = {
    "maxOutputTokens": ("max_tokens", integer),
    "temperature": ("temperature", number),
    "topP": ("top_p", number),
    "topK": ("top_k", integer),
    "stopSequences": ("stop", strings),
    "seed": ("seed", integer),
    "presencePenalty": ("presence_penalty", number),
    "frequencyPenalty": ("frequency_penalty", number),
    "candidateCount": ("candidates", integer),
    "responseLogprobs": ("logprobs", boolean),
    "logprobs": ("top_logprobs", integer),
}
_LEVELS = {
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
_JSON = "application/json"


def decode_config(raw: msgspec.Raw, extras: Members) -> tuple[Sampling, Reasoning, Output]:
    """What the configuration says; what it says to Gemini only goes to `extras`."""
    config = members(raw, _WHERE)
    said: dict[str, Any] = {}
    for name, (field, read) in _SAMPLING.items():
        if name in config:
            said[field] = read(config.pop(name), f"{_WHERE}.{name}")
    reasoning = Reasoning()
    if "thinkingConfig" in config:
        reasoning = _reasoning(config.pop("thinkingConfig"), extras)
    output = _output(config)
    extras.update({PREFIX + name: value for name, value in config.items()})
    return Sampling(**said), reasoning, output


def _reasoning(raw: msgspec.Raw, extras: Members) -> Reasoning:
    where = f"{_WHERE}.thinkingConfig"
    thinking = members(raw, where)
    summary: str | None = None
    budget: int | None = None
    effort: str | None = None
    if "includeThoughts" in thinking:
        summary = (
            "auto" if boolean(thinking.pop("includeThoughts"), f"{where}.includeThoughts") else "omitted"
        )
    if "thinkingBudget" in thinking:
        budget = integer(thinking.pop("thinkingBudget"), f"{where}.thinkingBudget")
    if "thinkingLevel" in thinking:
        level = string(thinking.pop("thinkingLevel"), f"{where}.thinkingLevel").lower()
        effort = None if level == "thinking_level_unspecified" else level
    extras.update({f"{PREFIX}thinkingConfig.{name}": value for name, value in thinking.items()})
    enabled = False if budget == 0 else None
    return Reasoning(enabled=enabled, effort=effort, budget_tokens=budget, summary=summary)


def _output(config: Members) -> Output:
    """Shape and modalities of the answer; takes what it knows out of `config`."""
    modalities: tuple[str, ...] = ()
    if "responseModalities" in config:
        told = strings(config.pop("responseModalities"), f"{_WHERE}.responseModalities")
        modalities = tuple(word.lower() for word in told)
    mime = ""
    if "responseMimeType" in config:
        mime = string(config["responseMimeType"], f"{_WHERE}.responseMimeType")
    if mime not in ("", _JSON, "text/plain"):
        return Output(modalities=modalities)  # an enum as plain text: nobody else has it
    config.pop("responseMimeType", None)
    schema = config.pop("responseSchema", None)
    given = (config.pop(name, None) for name in ("responseJsonSchema", "ResponseJsonSchema"))
    plain = next((raw for raw in given if raw is not None), None)
    if plain is None and schema is not None:
        plain = json_schema(schema)
    if plain is not None:
        return Output(kind=OutputKind.SCHEMA, schema=plain, modalities=modalities)
    kind = OutputKind.JSON if mime == _JSON else OutputKind.TEXT
    return Output(kind=kind, modalities=modalities)


def encode_config(request: Request, abilities: Abilities, losses: Losses) -> dict[str, Any]:
    """The configuration for a Gemini server; empty when nothing was said."""
    config: dict[str, Any] = {}
    sampling = request.sampling
    for name, (field, _) in _SAMPLING.items():
        value = getattr(sampling, field)
        if value is not None and value != ():
            config[name] = value
    if sampling.logit_bias is not None:
        losses.add("logit_bias")
    config |= _encode_output(request.output, losses)
    thinking = _encode_thinking(request.reasoning, abilities)
    if thinking:
        config["thinkingConfig"] = thinking
    return config


def _encode_output(output: Output, losses: Losses) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if output.kind is OutputKind.JSON:
        config["responseMimeType"] = _JSON
    elif output.kind is OutputKind.SCHEMA:
        config["responseMimeType"] = _JSON
        if output.schema is not None:
            schema = compiled(output.schema, "gemini", answer=True)
            config["responseSchema"] = schema.schema
            for name in schema.losses:
                losses.add(name)
    if output.modalities:
        config["responseModalities"] = [word.upper() for word in output.modalities]
    for name in ("verbosity", "audio"):
        if getattr(output, name) is not None:
            losses.add(name)
    return config


def _encode_thinking(reasoning: Reasoning, abilities: Abilities) -> dict[str, Any]:
    thinking: dict[str, Any] = {}
    if reasoning.summary is not None:
        thinking["includeThoughts"] = reasoning.summary != "omitted"
    elif reasoning.enabled:
        # Those who switch thinking on in so many words are those who show it.
        thinking["includeThoughts"] = True
    level = _LEVELS.get(reasoning.effort or "")
    if is_off(reasoning):
        thinking["thinkingBudget"] = 0
    elif level is not None and abilities.effort_style is not EffortStyle.BUDGET:
        thinking["thinkingLevel"] = level
    elif reasoning.budget_tokens is not None:
        thinking["thinkingBudget"] = reasoning.budget_tokens
    elif reasoning.effort is not None:
        thinking["thinkingBudget"] = budget_of(reasoning.effort)
    elif reasoning.adaptive:
        thinking["thinkingBudget"] = -1
    return thinking
