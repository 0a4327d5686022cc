"""A request for an upstream in Gemini's dialect (API reference, read 2026-11-23)."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from omniroute.conversation.abilities import Abilities
from omniroute.conversation.parts import (
    Media,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from omniroute.conversation.request import Message, Request, Role
from omniroute.formats.codec import Encoded, Losses, cannot_carry, state_elsewhere
from omniroute.formats.gemini import config
from omniroute.formats.gemini import tools as tool_stage
from omniroute.formats.gemini.content_decode import SIGNATURE
from omniroute.formats.gemini.content_encode import (
    WireObject,
    WirePart,
    add_opaque,
    encode_call,
    encode_result,
    encode_text,
    encode_thought,
    may_send_id,
)
from omniroute.formats.gemini.media import encode_media
from omniroute.formats.gemini.members import NAME

_TEXT_RESULTS_ONLY = re.compile(r"(?:^|.*[/:])gemini-(?:1|2)\b", re.DOTALL)
"""Models that take media beside results of functions, not inside (function calling guide, 2026-11-23)."""

_LOST = ("user", "metadata", "service_tier", "cache_key")


def encode_request(request: Request, abilities: Abilities) -> Encoded:
    """The body for an upstream. Raises `Refused` for content that the dialect cannot carry."""
    losses = Losses()
    body: dict[str, Any] = {"contents": _Contents(request, abilities, losses).written()}
    system = _system(request, losses)
    if system:
        body["systemInstruction"] = {"parts": system}
    tools = tool_stage.encode_tools(request, losses)
    if tools:
        body["tools"] = tools
    calling = tool_stage.encode_choice(request.tool_choice) if tools else {}
    if calling:
        body["toolConfig"] = {"functionCallingConfig": calling}
    generation = config.encode_config(request, abilities, losses)
    if generation:
        body["generationConfig"] = generation
    if request.pin is not None:
        if "cachedContents/" not in request.pin:
            raise state_elsewhere(NAME)
        body["cachedContent"] = request.pin
    _add_extras(request, body, losses)
    _note_losses(request, losses)
    return Encoded(msgspec.json.encode(body), losses.names)


def _add_extras(request: Request, body: dict[str, Any], losses: Losses) -> None:
    if request.extra is None:
        return
    for name, value in request.extra.members.items():
        if request.extra.format != NAME:
            losses.add(name)
            continue
        place = body
        *outer, last = name.split(".") if name.startswith((config.PREFIX, tool_stage.PREFIX)) else [name]
        for step in outer:
            place = place.setdefault(step, {})
        place[last] = value


def _note_losses(request: Request, losses: Losses) -> None:
    for name in _LOST:
        if getattr(request, name) is not None:
            losses.add(name)
    if request.parallel_tools is False:
        losses.add("parallel_tools")
    if request.store:
        losses.add("store")
    if any(message.name is not None for message in request.messages):
        losses.add("name")


def _system(request: Request, losses: Losses) -> list[WirePart]:
    """System texts from anywhere: the dialect has one place for them."""
    parts: list[WirePart] = []
    for number, message in enumerate(request.messages):
        if message.role not in (Role.SYSTEM, Role.DEVELOPER):
            continue
        _note_extra(message, losses)
        for place, part in enumerate(message.parts):
            parts += _plain(part, f"messages[{number}].content[{place}]", losses)
    return parts


def _note_extra(message: Message, losses: Losses) -> None:
    for name in message.extra.members if message.extra is not None else ():
        losses.add(name)


def _plain(part: Part, where: str, losses: Losses) -> list[WirePart]:
    """A part that anybody but the model may say."""
    if getattr(part, "cache", None) is not None:
        losses.add("cache_control")
    match part:
        case Text() | Refusal():
            if isinstance(part, Text) and part.citations:
                losses.add("citations")
            return [encode_text(part, losses)] if part.text else []
        case Media():
            if part.detail not in (None, "auto"):
                losses.add("detail")
            return [encode_media(part, where)]
        case Opaque(format) if format == NAME:
            return [part.value]
        case Opaque():
            raise cannot_carry(part.type, where, NAME)
        case Thinking() | ToolUse() | ToolResult():
            raise cannot_carry(type(part).__name__, where, NAME)


class _Contents:
    """Writes the turns: one content for what one side says in a row."""

    def __init__(self, request: Request, abilities: Abilities, losses: Losses) -> None:
        self._messages = request.messages
        self._losses = losses
        self._unsigned = abilities.unsigned_call
        self._nested = _TEXT_RESULTS_ONLY.match(abilities.model) is None
        self._calls: dict[str, tuple[int, ToolUse]] = {}
        """Every call so far by its id, with its place among them."""
        self._sent: set[str] = set()
        """Ids that were sent with their calls."""

    def written(self) -> list[dict[str, Any]]:
        """The contents."""
        contents: list[dict[str, Any]] = []
        turn_start = self._turn_start()
        for is_model, run in _runs(self._messages):
            must_sign = run[0][0] > turn_start
            parts = self._model(run, must_sign=must_sign) if is_model else self._user(run)
            if parts:
                contents.append({"role": "model" if is_model else "user", "parts": parts})
        return contents

    def _turn_start(self) -> int:
        """Where the last message stands in which the user says something, not a tool."""
        for number in range(len(self._messages) - 1, -1, -1):
            message = self._messages[number]
            if message.role is Role.USER and any(not isinstance(part, ToolResult) for part in message.parts):
                return number
        return -1

    def _model(self, run: list[tuple[int, Message]], *, must_sign: bool) -> list[WirePart]:
        wire: list[WirePart] = []
        sign = self._unsigned if must_sign else None
        calls = [part for _, message in run for part in message.parts if isinstance(part, ToolUse)]
        if all(may_send_id(call) for call in calls):
            # All of them or none: servers that get some would match the others wrongly.
            self._sent.update(call.id for call in calls)
        for number, message in run:
            _note_extra(message, self._losses)
            for place, part in enumerate(message.parts):
                if isinstance(part, ToolUse):
                    call = self._call(part)
                    if sign is not None and "thoughtSignature" not in call:
                        call["thoughtSignature"] = sign
                        self._losses.add(SIGNATURE)
                    sign = None
                    wire.append(call)
                else:
                    self._said(part, wire, f"messages[{number}].content[{place}]")
        return wire

    def _call(self, part: ToolUse) -> WireObject:
        self._calls[part.id] = (len(self._calls), part)
        if part.cache is not None:
            self._losses.add("cache_control")
        return encode_call(part, self._losses, id=part.id if part.id in self._sent else "")

    def _said(self, part: Part, wire: list[WirePart], where: str) -> None:
        match part:
            case Thinking(redacted=True):
                self._losses.add("redacted_thinking")
            case Thinking(signature=signature, origin=origin) if not signature or origin != NAME:
                self._losses.add("thinking")
            case Thinking():
                wire.append(encode_thought(part, self._losses))
            case Opaque():
                add_opaque(part, wire, self._losses)
            case Text() | Refusal() | Media() | ToolUse() | ToolResult():
                wire += _plain(part, where, self._losses)

    def _user(self, run: list[tuple[int, Message]]) -> list[WirePart]:
        """Results first, in the order of their calls: they have to stand behind them at once."""
        results: list[tuple[int, list[WirePart]]] = []
        wire: list[WirePart] = []
        for number, message in run:
            _note_extra(message, self._losses)
            for place, part in enumerate(message.parts):
                where = f"messages[{number}].content[{place}]"
                if isinstance(part, ToolResult):
                    results.append(self._result(part, where))
                else:
                    wire += _plain(part, where, self._losses)
        results.sort(key=lambda result: result[0])
        answered = [parts for _, parts in results]
        beside = [part for parts in answered for part in parts[1:]]
        return [parts[0] for parts in answered] + beside + wire

    def _result(self, part: ToolResult, where: str) -> tuple[int, list[WirePart]]:
        if part.cache is not None or any(getattr(piece, "cache", None) is not None for piece in part.parts):
            self._losses.add("cache_control")
        if part.extra is not None and part.extra.format != NAME:
            for name in part.extra.members:
                self._losses.add(name)
        order, call = self._calls.get(part.tool_use_id, (len(self._calls), None))
        name = call.name if call is not None else part.name or part.tool_use_id
        id = part.tool_use_id if part.tool_use_id in self._sent else ""
        return order, encode_result(part, name, where, id=id, nested=self._nested)


def _runs(messages: tuple[Message, ...]) -> Iterator[tuple[bool, list[tuple[int, Message]]]]:
    """What one side says in a row, whether it is the model, and where each message stood."""
    run: list[tuple[int, Message]] = []
    now: bool | None = None
    for number, message in enumerate(messages):
        if message.role in (Role.SYSTEM, Role.DEVELOPER) or not message.parts:
            continue
        is_model = message.role is Role.ASSISTANT
        if run and is_model is not now:
            yield bool(now), run
            run = []
        now = is_model
        run.append((number, message))
    if run:
        yield bool(now), run
