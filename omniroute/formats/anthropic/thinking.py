"""How much the model is to think, and the shape of its answer, both ways."""

from typing import Any

import msgspec

from omniroute.conversation.abilities import Abilities, EffortStyle
from omniroute.conversation.request import Output, OutputKind, Reasoning
from omniroute.conversation.thinking import NONE, is_off
from omniroute.formats.anthropic.members import NAME, Members, WrongShape
from omniroute.formats.codec import Losses
from omniroute.formats.schema import compiled

THINKING = "thinking."
CONFIG = "output_config."
"""How members of either begin among a request's extras."""

_DISPLAYS = {"summarized": "auto", "omitted": "omitted"}


def decode_thinking(request: Members, extras: dict[str, msgspec.Raw]) -> tuple[Reasoning, Output]:
    """What the request says of both. Raises `WrongShape`."""
    enabled, adaptive, budget, summary = _thinking(request, extras)
    effort, output = _config(request, extras)
    older = request.nested("output_format")
    if older is not None:  # what `output_config.format` was called first
        output = _format(older, "output_format.", extras)
    reasoning = Reasoning(
        enabled=enabled, adaptive=adaptive, budget_tokens=budget, summary=summary, effort=effort
    )
    return reasoning, output


def _thinking(
    request: Members, extras: dict[str, msgspec.Raw]
) -> tuple[bool | None, bool | None, int | None, str | None]:
    thinking = request.nested("thinking")
    if thinking is None:
        return None, None, None, None
    kind = thinking.required("type")
    if kind not in ("enabled", "adaptive", "disabled"):
        raise WrongShape(thinking.at("type"), "enabled, adaptive or disabled")
    budget = thinking.count("budget_tokens")
    display = thinking.left.get("display")
    summary = None
    if display is not None:
        word = thinking.text("display") or ""
        summary = _DISPLAYS.get(word)
        if word and summary is None:
            extras[THINKING + "display"] = display
    extras.update({THINKING + name: value for name, value in thinking.left.items()})
    return kind != "disabled", True if kind == "adaptive" else None, budget, summary


def _config(request: Members, extras: dict[str, msgspec.Raw]) -> tuple[str | None, Output]:
    config = request.nested("output_config")
    if config is None:
        return None, Output()
    effort, wanted = config.text("effort"), config.nested("format")
    extras.update({CONFIG + name: value for name, value in config.left.items()})
    return effort, Output() if wanted is None else _format(wanted, CONFIG + "format.", extras)


def _format(wanted: Members, prefix: str, extras: dict[str, msgspec.Raw]) -> Output:
    kind = wanted.text("type") or "json_schema"
    if kind != "json_schema":
        raise WrongShape(wanted.at("type"), "json_schema")
    schema = wanted.raw("schema")
    if schema is None:
        raise WrongShape(wanted.at("schema"), "a schema")
    name = wanted.text("name")
    extras.update({prefix + member: value for member, value in wanted.left.items()})
    return Output(kind=OutputKind.SCHEMA, schema=schema, name=name)


def encode_thinking(reasoning: Reasoning, abilities: Abilities) -> dict[str, Any]:
    """The `thinking` member; empty when nothing was said."""
    if is_off(reasoning):
        return {"type": "disabled"}
    budget = reasoning.budget_tokens
    if reasoning.adaptive or (budget is not None and budget < 0):
        told: dict[str, Any] = {"type": "adaptive"}
    elif budget is not None:
        told = {"type": "enabled", "budget_tokens": budget}
    elif reasoning.enabled and (reasoning.effort is None or abilities.effort_style is EffortStyle.SWITCH):
        told = {"type": "enabled"}
    else:
        return {}
    if reasoning.summary is not None:
        told["display"] = "omitted" if reasoning.summary == "omitted" else "summarized"
    return told


def encode_config(reasoning: Reasoning, output: Output, losses: Losses) -> dict[str, Any]:
    """The `output_config` member; empty when nothing was said."""
    config: dict[str, Any] = {}
    if reasoning.effort is not None and reasoning.effort != NONE:
        config["effort"] = reasoning.effort
    if output.kind is OutputKind.SCHEMA:
        schema = compiled(output.schema, NAME, answer=True)
        for loss in schema.losses:
            losses.add(loss)
        config["format"] = {"type": "json_schema", "schema": schema.schema}
    elif output.kind is OutputKind.JSON:
        losses.add("json_object")
    for name in ("verbosity", "audio"):
        if getattr(output, name) is not None:
            losses.add(name)
    if set(output.modalities) - {"text"}:
        losses.add("modalities")
    return config
