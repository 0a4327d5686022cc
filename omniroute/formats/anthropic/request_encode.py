"""A request for an upstream in Anthropic Messages (API reference, read 2026-11-23)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.parts import Media, Opaque, Part, Refusal, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import Message, Request, Role
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.anthropic.blocks_encode import (
    Block,
    encode_call,
    encode_plain,
    encode_result,
    encode_thinking,
)
from omniroute.formats.anthropic.call_ids import CallIds
from omniroute.formats.anthropic.members import NAME, own
from omniroute.formats.anthropic.thinking import CONFIG, THINKING, encode_config
from omniroute.formats.anthropic.thinking import encode_thinking as encode_budget
from omniroute.formats.anthropic.tools import CHOICE, encode_choice, encode_tools
from omniroute.formats.codec import Encoded, Losses, cannot_carry, state_elsewhere

DEFAULT_MAX_TOKENS = 64_000
"""For a model whose limit nobody knows; the API takes no request without one."""

_SYSTEM_ROLES = (Role.SYSTEM, Role.DEVELOPER)
_NO_PLACE = ("seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs")
_LOST = ("metadata", "cache_key", "store")
_TIERS = {"auto": "auto", "standard_only": "standard_only", "default": "standard_only"}
_NESTED = (THINKING, CONFIG + "format.", CONFIG, CHOICE)


def encode_request(request: Request, abilities: Abilities) -> Encoded:
    """The body for an upstream. Raises `Refused` for content that the dialect cannot carry."""
    losses = Losses()
    system, rest = _split(request.messages, mid_system=abilities.mid_system)
    body: dict[str, Any] = {
        "model": abilities.model or request.model,
        "max_tokens": request.sampling.max_tokens or abilities.max_output_tokens or DEFAULT_MAX_TOKENS,
    }
    if told := _system(system, losses):
        body["system"] = told
    body["messages"] = _Turns(losses).written(rest)
    if request.tools:
        body["tools"] = encode_tools(request.tools, losses)
    _add(body, "tool_choice", _choice(request, abilities, losses))
    _add(body, "thinking", encode_budget(request.reasoning, abilities))
    _add(body, "output_config", encode_config(request.reasoning, request.output, losses))
    _add_sampling(request, body, losses)
    if request.stream:
        body["stream"] = True
    _add_facts(request, abilities, body, losses)
    _add_extras(request, body, losses)
    return Encoded(msgspec.json.encode(body), losses.names)


_Placed = Sequence[tuple[int, Message]]
"""Messages with the number each has in the conversation."""


def _split(messages: Sequence[Message], *, mid_system: bool) -> tuple[_Placed, _Placed]:
    """What goes to the top, and what stays in its place."""
    top: list[tuple[int, Message]] = []
    rest: list[tuple[int, Message]] = []
    for placed in enumerate(messages):
        is_top = placed[1].role in _SYSTEM_ROLES and not (mid_system and rest)
        (top if is_top else rest).append(placed)
    return top, rest


def _system(messages: _Placed, losses: Losses) -> str | list[Block]:
    """The `system` member: a string where that says all."""
    blocks: list[Block] = []
    texts: list[Part] = []
    for number, message in messages:
        _note_message(message, losses)
        own(message.extra, losses)
        texts += message.parts
        blocks += _plain(message, number, losses)
    if len(texts) == 1 and isinstance(only := texts[0], Text) and only == Text(only.text):
        return only.text
    return blocks


def _plain(message: Message, number: int, losses: Losses) -> list[Block]:
    blocks: list[Block] = []
    for place, part in enumerate(message.parts):
        where = f"messages[{number}].content[{place}]"
        if isinstance(part, Media):
            raise cannot_carry(f"{part.kind.value} in a system message", where, NAME)
        block = encode_plain(part, where, losses)
        if block is not None:
            blocks.append(block)
    return blocks


def _note_message(message: Message, losses: Losses) -> None:
    if message.name is not None:
        losses.add("name")


class _Turns:
    """Writes the messages: one for what one side says in a row."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._ids = CallIds()
        self._turns: list[dict[str, Any]] = []

    def written(self, messages: _Placed) -> list[dict[str, Any]]:
        """The `messages` member. Raises `Refused`."""
        for number, message in messages:
            _note_message(message, self._losses)
            if message.role is Role.ASSISTANT:
                self._add("assistant", message, self._said(message, number))
            elif message.role is Role.USER:
                self._add("user", message, self._asked(message, number))
            else:
                self._add("system", message, _plain(message, number, self._losses))
        for turn in self._turns:
            if turn["role"] == "user":
                # The API wants results before anything else the user says.
                turn["content"].sort(key=_is_no_result)
        return self._turns

    def _add(self, role: str, message: Message, blocks: list[Block]) -> None:
        members = own(message.extra, self._losses)
        if not blocks:
            return
        if self._turns and self._turns[-1]["role"] == role != "system":
            self._turns[-1]["content"] += blocks
            self._turns[-1].update(members)
        else:
            self._turns.append({"role": role, "content": blocks, **members})

    def _asked(self, message: Message, number: int) -> list[Block]:
        blocks: list[Block] = []
        for place, part in enumerate(message.parts):
            where = f"messages[{number}].content[{place}]"
            if isinstance(part, ToolResult):
                id = self._ids.of_result(part.tool_use_id)
                blocks.append(encode_result(part, id, where, self._losses))
            else:
                block = encode_plain(part, where, self._losses)
                if block is not None:
                    blocks.append(block)
        return blocks

    def _said(self, message: Message, number: int) -> list[Block]:
        blocks: list[Block] = []
        for place, part in enumerate(message.parts):
            block = self._said_part(part, f"messages[{number}].content[{place}]")
            if block is not None:
                blocks.append(block)
        return blocks

    def _said_part(self, part: Part, where: str) -> Block | None:
        match part:
            case ToolUse(id):
                return encode_call(part, self._ids.of_call(id), self._losses)
            case Thinking():
                return encode_thinking(part, self._losses)
            case Opaque(format, type):
                if format != NAME:
                    self._losses.add(type)
                    return None
                return part.value
            case Media(kind):
                raise cannot_carry(f"{kind.value} in an answer of the model", where, NAME)
            case Text() | Refusal() | ToolResult():
                return encode_plain(part, where, self._losses)


def _is_no_result(block: Block) -> bool:
    return not isinstance(block, dict) or block["type"] != "tool_result"


def _choice(request: Request, abilities: Abilities, losses: Losses) -> dict[str, Any]:
    parallel = request.parallel_tools
    if parallel is not None and not abilities.parallel_tools:
        if not parallel:
            losses.add("parallel_tools")
        parallel = None
    return encode_choice(request.tool_choice, request.tools, losses, parallel=parallel)


def _add(body: dict[str, Any], name: str, members: dict[str, Any]) -> None:
    if members:
        body[name] = members


def _add_sampling(request: Request, body: dict[str, Any], losses: Losses) -> None:
    sampling = request.sampling
    if sampling.candidates is not None and sampling.candidates > 1:
        message = f"n: a model that speaks {NAME} gives one answer, not {sampling.candidates}"
        raise Refused(ErrorKind.UNSUPPORTED, message, param="n")
    for name in ("temperature", "top_p", "top_k"):
        value = getattr(sampling, name)
        if value is not None:
            body[name] = value
    # Stop sequences of nothing but white space are refused.
    stop = [text for text in sampling.stop if text.strip()]
    if stop:
        body["stop_sequences"] = stop
    if len(stop) < len(sampling.stop):
        losses.add("stop")
    for name in _NO_PLACE:
        if getattr(sampling, name):
            losses.add(name)


def _add_facts(request: Request, abilities: Abilities, body: dict[str, Any], losses: Losses) -> None:
    if request.user is not None:
        if abilities.user_field:
            body["metadata"] = {"user_id": request.user}
        else:
            losses.add("user")
    if request.service_tier is not None:
        tier = _TIERS.get(request.service_tier)
        if tier is None:
            losses.add("service_tier")
        else:
            body["service_tier"] = tier
    if request.pin is not None:
        raise state_elsewhere(NAME)
    for name in _LOST:
        if getattr(request, name):
            losses.add(name)


def _add_extras(request: Request, body: dict[str, Any], losses: Losses) -> None:
    for name, value in own(request.extra, losses).items():
        prefix = next((prefix for prefix in _NESTED if name.startswith(prefix)), "")
        place = body
        for step in prefix.split(".")[:-1]:
            place = place.setdefault(step, {})
        last = name.removeprefix(prefix)
        if prefix == "" and last == "metadata":
            user = body.get("metadata", {})
            body["metadata"] = {**user, **msgspec.json.decode(value, type=dict[str, msgspec.Raw])}
        else:
            place[last] = value
