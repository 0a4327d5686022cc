"""A request for an upstream that speaks OpenAI Responses."""

from typing import Any

import msgspec

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.parts import Text
from omniroute.conversation.request import (
    HostedTool,
    Message,
    Output,
    OutputKind,
    Reasoning,
    Request,
    Role,
    Sampling,
)
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.codec import Encoded, Losses, state_elsewhere
from omniroute.formats.openai_responses.input_items import InputWriter
from omniroute.formats.openai_responses.members import DIALECT, own
from omniroute.formats.openai_responses.output_items import note_extra
from omniroute.formats.openai_responses.request_decode import ENCRYPTED, LOGPROBS, wishes
from omniroute.formats.openai_responses.tools import encode_choice, encode_tools
from omniroute.formats.schema import compiled

_KINDS = {OutputKind.TEXT: "text", OutputKind.JSON: "json_object", OutputKind.SCHEMA: "json_schema"}
_LACKING = ("top_k", "stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias")
_LOW_BUDGET, _MEDIUM_BUDGET = 1024, 10240

Body = dict[str, Any]  # JSON of any shape, with texts that stand as they came


def encode_request(request: Request, abilities: Abilities) -> Encoded:
    """The body for an upstream. Raises `Refused` for content the dialect cannot carry."""
    losses = Losses()
    if (request.sampling.candidates or 1) > 1:
        message = "n: several answers at once are not to be had of a model that speaks openai-responses"
        raise Refused(ErrorKind.UNSUPPORTED, message, param="n")
    members = dict(own(request.extra) or {})
    if request.pin is not None and not members.keys() & {"previous_response_id", "conversation"}:
        raise state_elsewhere(DIALECT)
    note_extra(request.extra, losses)
    instructions, messages = _apart(request.messages, losses)
    body: Body = {"model": abilities.model or request.model}
    if instructions:
        body["instructions"] = instructions
    writer = InputWriter(losses)
    body["input"] = writer.items(messages, first=len(request.messages) - len(messages))
    body.update(_tools(request, abilities, losses))
    body.update(_sampling(request.sampling, losses))
    body.update(_reasoning(request.reasoning, members))
    body.update(_text(request, members, losses))
    body["stream"] = request.stream
    body["store"] = bool(request.store)
    body.update(_about(request, abilities, losses, members))
    body.update(_include(request, members))
    return Encoded(msgspec.json.encode(body | members), losses.names)


def _apart(messages: tuple[Message, ...], losses: Losses) -> tuple[str, tuple[Message, ...]]:
    """The leading system texts, but for those that stood in the input; and what follows them."""
    texts: list[str] = []
    place = 0
    for message in messages:
        said = _system_texts(message)
        if said is None:
            break
        if any(text.cache is not None for text in said):
            losses.add("cache_control")
        note_extra(message.extra, losses)
        for text in said:
            note_extra(text.extra, losses)
        texts.extend(text.text for text in said)
        place += 1
    return "\n\n".join(texts), messages[place:]


def _system_texts(message: Message) -> list[Text] | None:
    """The texts of a message that can become instructions, else `None`."""
    if message.role is not Role.SYSTEM or own(message.extra) is not None:
        return None
    texts = [part for part in message.parts if isinstance(part, Text)]
    return texts if len(texts) == len(message.parts) else None


def _tools(request: Request, abilities: Abilities, losses: Losses) -> Body:
    told: Body = {}
    if request.tools:
        told["tools"] = encode_tools(request.tools, losses)
    if request.tool_choice is not None:
        told["tool_choice"] = encode_choice(request.tool_choice, request.tools)
    if request.parallel_tools is not None:
        if abilities.parallel_tools:
            told["parallel_tool_calls"] = request.parallel_tools
        else:
            losses.add("parallel_tools")
    return told


def _sampling(sampling: Sampling, losses: Losses) -> Body:
    for name in _LACKING:
        if getattr(sampling, name) not in (None, ()):
            losses.add(name)
    told = {
        "max_output_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_logprobs": sampling.top_logprobs,
    }
    return {name: value for name, value in told.items() if value is not None}


def _reasoning(reasoning: Reasoning, members: dict[str, msgspec.Raw]) -> Body:
    told: Body = {}
    effort = reasoning.effort or _effort(reasoning)
    if effort is not None:
        told["effort"] = effort
    shown = reasoning.summary
    if shown is None and (reasoning.enabled or reasoning.adaptive or reasoning.budget_tokens):
        shown = "auto"  # where these wishes come from, thoughts are shown unless somebody objects
    if shown is not None and shown != "omitted" and effort != "none":
        told["summary"] = shown
    told.update(_kept(members, "reasoning"))
    return {"reasoning": told} if told else {}


def _effort(reasoning: Reasoning) -> str | None:
    budget = reasoning.budget_tokens
    if reasoning.enabled is False or budget == 0:
        return "none"
    if budget is None or budget < 0:
        return None
    if budget <= _LOW_BUDGET:
        return "low"
    return "medium" if budget <= _MEDIUM_BUDGET else "high"


def _text(request: Request, members: dict[str, msgspec.Raw], losses: Losses) -> Body:
    output = request.output
    if set(output.modalities) - {"text"}:
        losses.add("modalities")
    if output.audio is not None:
        losses.add("audio")
    kept = _kept(members, "text")
    shape: Body = {"type": _KINDS[output.kind]}
    if output.kind is OutputKind.SCHEMA:
        shape.update(_schema(output, losses))
    shape.update(_kept(kept, "format"))
    told: Body = {}
    if len(shape) > 1 or output.kind is not OutputKind.TEXT:
        told["format"] = shape
    if output.verbosity is not None:
        told["verbosity"] = output.verbosity
    told.update(kept)
    return {"text": told} if told else {}


def _schema(output: Output, losses: Losses) -> Body:
    told: Body = {"name": output.name or "answer"}
    strict = output.strict
    if output.schema is not None:
        schema = compiled(output.schema, DIALECT, strict=bool(strict), answer=True)
        for loss in schema.losses:
            losses.add(loss)
        told["schema"] = schema.schema
        if strict and "strict" in schema.losses:
            strict = False
    if output.description is not None:
        told["description"] = output.description
    if strict is not None:
        told["strict"] = strict
    return told


def _kept(members: dict[str, msgspec.Raw], name: str) -> dict[str, msgspec.Raw]:
    """The members of a nested object that were not understood; they are taken out."""
    raw = members.pop(name, None)
    return {} if raw is None else msgspec.json.decode(raw, type=dict[str, msgspec.Raw])


def _about(request: Request, abilities: Abilities, losses: Losses, members: dict[str, msgspec.Raw]) -> Body:
    told: Body = {}
    if request.user is not None:
        if not abilities.user_field:
            losses.add("user")
        elif members.get("safety_identifier") != msgspec.json.encode(request.user):
            told["user"] = request.user
    if request.metadata is not None:
        told["metadata"] = request.metadata
    if request.service_tier is not None:
        told["service_tier"] = request.service_tier
    if request.cache_key is not None:
        told["prompt_cache_key"] = request.cache_key
    return told


def _include(request: Request, members: dict[str, msgspec.Raw]) -> Body:
    """Nothing is kept at the upstream unless the client wants it, so sealed reasoning has to come along."""
    raw = members.pop("include", None)
    wanted: list[object] = [] if raw is None else msgspec.json.decode(raw, type=list[Any])
    if request.sampling.logprobs:
        wanted.append(LOGPROBS)
    if wishes(request.reasoning) and not request.store:
        wanted.append(ENCRYPTED)
    return {"include": wanted} if wanted else {}


def echo(request: Request) -> Body:
    """What an answer repeats of the request it answers, as the official SDKs expect it."""
    losses = Losses()
    members = dict(own(request.extra) or {})
    tools = [tool for tool in request.tools if not isinstance(tool, HostedTool) or tool.format == DIALECT]
    sampling = request.sampling
    choice: object = "auto"
    if request.tool_choice is not None:
        choice = encode_choice(request.tool_choice, tools)
    told: Body = {
        "background": False,
        "instructions": _apart(request.messages, losses)[0] or None,
        "max_output_tokens": sampling.max_tokens,
        "max_tool_calls": None,
        "metadata": request.metadata or {},
        "parallel_tool_calls": request.parallel_tools is not False,
        "previous_response_id": None,
        "prompt_cache_key": request.cache_key,
        "reasoning": {
            "effort": None,
            "summary": None,
            **_reasoning(request.reasoning, members).get("reasoning", {}),
        },
        "safety_identifier": None,
        "service_tier": request.service_tier,
        "store": bool(request.store),
        "temperature": sampling.temperature,
        "text": {"format": {"type": "text"}, **_text(request, members, losses).get("text", {})},
        "tool_choice": choice,
        "tools": encode_tools(tools, losses),
        "top_logprobs": sampling.top_logprobs or 0,
        "top_p": sampling.top_p,
        "truncation": "disabled",
        "user": request.user,
    }
    return told | {name: value for name, value in members.items() if name in told}
