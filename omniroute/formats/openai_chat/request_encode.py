"""Requests as Chat servers take them (API reference, read 2026-11-22)."""

import msgspec

from omniroute.conversation.abilities import Abilities, EffortStyle
from omniroute.conversation.request import Output, OutputKind, Reasoning, Request
from omniroute.formats.codec import Encoded, Losses, state_elsewhere
from omniroute.formats.openai_chat.messages_encode import Json, MessagesEncoder
from omniroute.formats.openai_chat.node import DIALECT
from omniroute.formats.openai_chat.tools import encode_tools, own_members
from omniroute.formats.schema import compiled

_ENCODER = msgspec.json.Encoder()


def encode_request(request: Request, abilities: Abilities) -> Encoded:
    """The body for an upstream. Raises `Refused` for content that Chat cannot carry."""
    if request.pin is not None:
        raise state_elsewhere(DIALECT)
    losses = Losses()
    body: Json = {
        "model": abilities.model,
        "messages": MessagesEncoder(abilities, losses).encode(request.messages),
    }
    body |= encode_tools(request, losses, cache_marks=abilities.cache_marks)
    if request.parallel_tools is not None and request.tools:
        if abilities.parallel_tools:
            body["parallel_tool_calls"] = request.parallel_tools
        else:
            losses.add("parallel_tools")
    _add_sampling(body, request, abilities)
    _add_reasoning(body, request.reasoning, abilities, losses)
    _add_output(body, request.output, losses)
    _add_about(body, request, abilities, losses)
    _add_stream(body, request, abilities)
    _add_extra(body, own_members(request.extra, losses))
    return Encoded(_ENCODER.encode(body), losses.names)


def _add_sampling(body: Json, request: Request, abilities: Abilities) -> None:
    sampling = request.sampling
    members = {
        abilities.max_tokens_field: sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "stop": sampling.stop or None,
        "seed": sampling.seed,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "n": sampling.candidates,
        "logprobs": sampling.logprobs,
        "top_logprobs": sampling.top_logprobs,
        "logit_bias": sampling.logit_bias,
    }
    body.update((name, value) for name, value in members.items() if value is not None)


def _add_reasoning(body: Json, reasoning: Reasoning, abilities: Abilities, losses: Losses) -> None:
    """The wish in the one way the target is told it; `fit` has put it into the target's terms."""
    if reasoning.summary == "omitted":
        losses.add("reasoning_summary")
    if reasoning == Reasoning(summary=reasoning.summary):
        return
    effort, enabled = reasoning.effort, reasoning.enabled
    match abilities.effort_style:
        case EffortStyle.EFFORT:
            _add_effort(body, reasoning, abilities, losses)
            return
        case EffortStyle.ENABLE:
            if enabled is not None:
                body["enable_thinking"] = enabled
            if reasoning.budget_tokens is not None:
                body["thinking_budget"] = reasoning.budget_tokens
        case EffortStyle.SWITCH | EffortStyle.BUDGET | EffortStyle.ADAPTIVE:
            body["thinking"] = _thinking(reasoning)
        case EffortStyle.NONE:
            losses.add("reasoning")
            return
    if effort is not None and enabled is not False:
        body["reasoning_effort"] = effort


def _add_effort(body: Json, reasoning: Reasoning, abilities: Abilities, losses: Losses) -> None:
    """By a word; an amount no word was found for is said as vendors who take one say it."""
    if reasoning.effort is not None:
        body["reasoning_effort"] = reasoning.effort
    elif reasoning.enabled is False and (not abilities.efforts or "none" in abilities.efforts):
        body["reasoning_effort"] = "none"
    elif reasoning.enabled is not False and (reasoning.budget_tokens is not None or reasoning.adaptive):
        body["thinking"] = _thinking(reasoning)
    elif reasoning.enabled is False or not abilities.thinks_by_default:
        losses.add("reasoning")


def _thinking(reasoning: Reasoning) -> Json:
    if reasoning.enabled is False:
        return {"type": "disabled"}
    if reasoning.adaptive:
        return {"type": "adaptive"}
    if reasoning.budget_tokens is not None and reasoning.budget_tokens >= 0:
        return {"type": "enabled", "budget_tokens": reasoning.budget_tokens}
    return {"type": "enabled"}


def _add_output(body: Json, output: Output, losses: Losses) -> None:
    if output.kind is OutputKind.JSON:
        body["response_format"] = {"type": "json_object"}
    elif output.kind is OutputKind.SCHEMA:
        shape: Json = {"name": output.name or "answer"}
        if output.description is not None:
            shape["description"] = output.description
        strict = output.strict
        if output.schema is not None:
            schema = compiled(output.schema, DIALECT, strict=strict is True, answer=True)
            shape["schema"] = schema.schema
            strict = strict if "strict" not in schema.losses else None
            for loss in schema.losses:
                losses.add(loss)
        if strict is not None:
            shape["strict"] = strict
        body["response_format"] = {"type": "json_schema", "json_schema": shape}
    if output.verbosity is not None:
        body["verbosity"] = output.verbosity
    if output.modalities:
        body["modalities"] = output.modalities
    if output.audio is not None:
        body["audio"] = output.audio


def _add_about(body: Json, request: Request, abilities: Abilities, losses: Losses) -> None:
    """What is said about the request."""
    if request.user is not None:
        if abilities.user_field:
            body["user"] = request.user
        else:
            losses.add("user")
    members = {
        "metadata": request.metadata,
        "store": request.store,
        "service_tier": request.service_tier,
        "prompt_cache_key": request.cache_key,
    }
    body.update((name, value) for name, value in members.items() if value is not None)


def _add_stream(body: Json, request: Request, abilities: Abilities) -> None:
    if request.stream:
        body["stream"] = True
    if request.stream and abilities.stream_usage:
        body["stream_options"] = {"include_usage": True}


def _add_extra(body: Json, extra: dict[str, msgspec.Raw]) -> None:
    """Members nobody models, and the rest of objects that are modelled in part."""
    for name, value in extra.items():
        inner = body.get(name)
        if isinstance(inner, dict):
            inner.update(msgspec.json.decode(value, type=dict[str, msgspec.Raw]))
        else:
            body.setdefault(name, value)
