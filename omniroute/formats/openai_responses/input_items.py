"""Messages as the input of a request."""

from collections import deque
from collections.abc import Sequence

import msgspec

from omniroute.conversation.parts import Media, Opaque, Part, Refusal, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import Message, Role
from omniroute.formats.codec import MADE_ID, Losses, cannot_carry
from omniroute.formats.openai_responses.items import MESSAGE
from omniroute.formats.openai_responses.media import encode_media
from omniroute.formats.openai_responses.members import DIALECT, own
from omniroute.formats.openai_responses.output_items import (
    Item,
    call_item,
    content_part,
    goes_on,
    message_item,
    message_members,
    note_extra,
    reasoning_item,
)


class InputWriter:
    """Writes the items of one request."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._items: list[Item | msgspec.Raw] = []
        self._unnamed: deque[str] = deque()
        """Ids made for calls that had none, in order; their results take them up."""

    def items(self, messages: Sequence[Message], *, first: int) -> list[Item | msgspec.Raw]:
        """All messages; the first of them is number `first` of the conversation. Raises `Refused`."""
        for place, message in enumerate(messages, first):
            if message.name is not None:
                self._losses.add("name")
            note_extra(message.extra, self._losses)
            if message.role is Role.ASSISTANT:
                self._write_turn(message, place)
            else:
                self._write_message(message, place)
        return self._items

    def _write_turn(self, message: Message, place: int) -> None:
        """What the model did: every part an item, but for texts that share one."""
        open_item: Item | None = None
        content: list[Item] = []
        for number, part in enumerate(message.parts):
            if not isinstance(part, (Text, Refusal)):
                open_item = None
                item = self._item(part, f"messages[{place}].content[{number}]")
                if item is not None:
                    self._items.append(item)
            elif open_item is not None and goes_on(part):
                content.append(content_part(part, self._losses))
                open_item["content"] = content
            else:
                content = [content_part(part, self._losses)]
                open_item = message_item(content, message_members(part, self._losses))
                if isinstance(part, Text) and part.extra is None and not part.citations:
                    open_item["content"] = part.text  # not every server knows its own words without their ids
                self._items.append(open_item)

    def _item(self, part: Part, where: str) -> Item | msgspec.Raw | None:
        match part:
            case ToolUse():
                return call_item(part, self._call_id(part), self._losses)
            case Thinking():
                return self._reasoning(part)
            case Opaque(format, type, value):
                if format == DIALECT:
                    return value
                self._losses.add(type)
                return None
            case Media():
                raise cannot_carry(f"{part.kind.value} in an answer of the model", where, DIALECT)
            case ToolResult():
                return self._result(part, where)
            case Text() | Refusal():
                return None

    def _call_id(self, call: ToolUse) -> str:
        if call.id:
            return call.id
        made = f"{MADE_ID}{len(self._items)}"
        self._unnamed.append(made)
        return made

    def _reasoning(self, thinking: Thinking) -> Item | None:
        if thinking.origin == DIALECT:
            return reasoning_item(thinking)
        self._losses.add("redacted_thinking" if thinking.redacted else "thinking")
        return None

    def _result(self, result: ToolResult, where: str) -> Item:
        note_extra(result.extra, self._losses)
        if result.is_error:
            self._losses.add("is_error")
        if result.cache is not None:
            self._losses.add("cache_control")
        call_id = result.tool_use_id or (self._unnamed.popleft() if self._unnamed else "")
        return {
            "type": "custom_tool_call_output" if result.custom else "function_call_output",
            "call_id": call_id,
            "output": self._output(result.parts, where),
            **(own(result.extra) or {}),
        }

    def _output(self, parts: Sequence[Text | Media | Opaque], where: str) -> str | list[Item | msgspec.Raw]:
        match parts:
            case ():
                return ""
            case (Text(text=text, extra=None),):
                if parts[0].cache is not None:
                    self._losses.add("cache_control")
                return text
            case _:
                return [
                    self._input_part(part, f"{where}.content[{number}]") for number, part in enumerate(parts)
                ]

    def _write_message(self, message: Message, place: int) -> None:
        """What anybody else said; results of tools are items between the contents."""
        members = own(message.extra)
        alone = members is not None and not members  # marked: what only this dialect knows stands as an item
        content: list[Item | msgspec.Raw] = []
        for number, part in enumerate(message.parts):
            where = f"messages[{place}].content[{number}]"
            if isinstance(part, ToolResult):
                self._close(message.role, content, {})
                content = []
                self._items.append(self._result(part, where))
            elif alone and isinstance(part, Opaque) and part.format == DIALECT:
                self._items.append(part.value)
            else:
                content.append(self._input_part(part, where))
        self._close(message.role, content, members or {})

    def _close(self, role: Role, content: list[Item | msgspec.Raw], members: dict[str, msgspec.Raw]) -> None:
        if content:
            self._items.append({"type": MESSAGE, "role": role.value, "content": content, **members})

    def _input_part(self, part: Part, where: str) -> Item | msgspec.Raw:
        match part:
            case Text(text):
                note_extra(part.extra, self._losses)
                if part.cache is not None:
                    self._losses.add("cache_control")
                if part.citations:
                    self._losses.add("citations")
                return {"type": "input_text", "text": text, **(own(part.extra) or {})}
            case Refusal(text):
                return {"type": "input_text", "text": text}
            case Media():
                note_extra(part.extra, self._losses)
                return encode_media(part, where, self._losses)
            case Opaque(format, type, value):
                if format == DIALECT:
                    return value
                raise cannot_carry(type, where, DIALECT)
            case ToolUse() | Thinking() | ToolResult():
                raise cannot_carry(type_name(part), where, DIALECT)


def type_name(part: Part) -> str:
    """What a part is called in errors."""
    return "thinking" if isinstance(part, Thinking) else "a tool call or result"
