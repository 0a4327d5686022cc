"""Messages as Chat servers take them (API reference, read 2026-11-22)."""

import hashlib
import re
from collections.abc import Sequence

import msgspec

from omniroute.conversation.abilities import Abilities, ReasoningBack
from omniroute.conversation.parts import (
    Base64,
    FileId,
    Media,
    MediaKind,
    Opaque,
    Part,
    PlainText,
    Refusal,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Url,
)
from omniroute.conversation.request import Message, Role
from omniroute.formats.codec import MADE_ID, Losses, cannot_carry
from omniroute.formats.openai_chat.node import DIALECT
from omniroute.formats.openai_chat.parts_decode import AUDIO_FORMATS
from omniroute.formats.openai_chat.reasoning import is_detail, is_sealed_here, joined, whole_detail
from omniroute.formats.openai_chat.tools import add_cache_mark, own_members
from omniroute.formats.remembered import MESSAGES, Entry, Fragment

Json = dict[str, object]

_SEE_BELOW = "The result is in the next message."
"""Content of a tool message whose result is no text: some servers refuse an empty one."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class MessagesEncoder:
    """Writes the messages of one request."""

    def __init__(self, abilities: Abilities, losses: Losses) -> None:
        self._abilities = abilities
        self._losses = losses
        self._ids = _CallIds(abilities.tool_id_pattern)
        terms = (DIALECT, abilities.cache_marks, abilities.tool_id_pattern, abilities.reasoning_field)
        self._terms = ((*terms, False), (*terms, True))
        """What the text of a message depends on beside itself; last, whether its thoughts are recalled."""
        self._written: list[Json | msgspec.Raw] = []
        self._shown: list[object] = []
        """Media of tool results, which go into a message of the user behind the last of them."""

    def encode(self, messages: Sequence[Message]) -> list[Json | msgspec.Raw]:
        """The messages; there may be more than there were."""
        recalled_from = _recalled_from(messages, self._abilities.reasoning_back)
        for place, message in enumerate(messages):
            recalls = place >= recalled_from and message.role is Role.ASSISTANT
            entry = MESSAGES.entry(message)
            # Media of results, and ids that are made, make a message depend on those before it.
            if entry is None or self._shown or not self._ids.all_given:
                self._write(message, place, recalls=recalls)
                continue
            fragment = entry.written.get(self._terms[recalls])
            if fragment is None:
                self._write_remembered(entry, message, place, recalls=recalls)
                continue
            self._written += fragment.texts
            for name in fragment.losses:
                self._losses.add(name)
        self._show()
        return self._written

    def _write(self, message: Message, place: int, *, recalls: bool) -> None:
        path = f"messages[{place}]"
        if message.role is Role.ASSISTANT:
            self._show()
            self._assistant(message, path, recalls=recalls)
        else:
            self._spoken(message, path)

    def _write_remembered(
        self, entry: Entry[Message | None], message: Message, place: int, *, recalls: bool
    ) -> None:
        """Write a message that is likely to come again."""
        losses, self._losses = self._losses, Losses()
        start = len(self._written)
        self._write(message, place, recalls=recalls)
        lost, self._losses = self._losses.names, losses
        for name in lost:
            losses.add(name)
        if not self._shown and self._ids.all_given:
            texts = tuple(msgspec.Raw(msgspec.json.encode(one)) for one in self._written[start:])
            self._written[start:] = texts
            MESSAGES.keep_written(entry, self._terms[recalls], Fragment(texts, lost))

    def _spoken(self, message: Message, path: str) -> None:
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        for result in results:
            self._result(result, message, path)
        if results and len(results) == len(message.parts):
            return
        content = self._content(message.parts, path)
        self._show()
        self._written.append(self._message(message.role.value, message, _content_of(content)))

    def _message(self, role: str, message: Message, content: object) -> Json:
        written: Json = {"role": role}
        if message.name is not None:
            written["name"] = message.name
        written["content"] = content
        written.update(own_members(message.extra, self._losses))
        return written

    def _result(self, result: ToolResult, message: Message, path: str) -> None:
        texts: list[Json] = []
        shown: list[object] = []
        for place, part in enumerate(result.parts):
            encoded = self._part(part, f"{path}.content[{place}]")
            if isinstance(part, Text) and isinstance(encoded, dict):
                texts.append(encoded)
            else:
                shown.append(encoded)
        content: object = _content_of(texts) if texts or not shown else _SEE_BELOW
        written: Json = {"role": "tool", "tool_call_id": self._ids.of_result(result.tool_use_id)}
        if result.name is not None:
            written["name"] = result.name
        written["content"] = content
        if result.cache is not None:
            add_cache_mark(written, result.cache.ttl, self._losses, allowed=self._abilities.cache_marks)
        written.update(own_members(result.extra, self._losses))
        if len(message.parts) == 1:
            written.update(own_members(message.extra, self._losses))
        self._written.append(written)
        self._shown += shown

    def _show(self) -> None:
        if self._shown:
            self._written.append({"role": "user", "content": self._shown})
            self._shown = []

    def _assistant(self, message: Message, path: str, *, recalls: bool) -> None:
        said: list[Part] = []
        refusals: list[str] = []
        thoughts: list[Thinking] = []
        calls: list[object] = []
        for place, part in enumerate(message.parts):
            match part:
                case Thinking():
                    thoughts.append(part)
                case Refusal(text):
                    refusals.append(text)
                case ToolUse():
                    calls.append(self._call(part))
                case Opaque() if part.format != DIALECT:
                    self._losses.add(part.type)
                case Media() | ToolResult():
                    raise cannot_carry("media of the assistant", f"{path}.content[{place}]", DIALECT)
                case _:
                    said.append(part)
        content = self._content(said, path)
        nothing = None if calls or refusals else ""
        written = self._message("assistant", message, _content_of(content) if content else nothing)
        if refusals:
            written["refusal"] = "".join(refusals)
        self._add_thoughts(written, thoughts, recalls=recalls)
        if calls:
            written["tool_calls"] = calls
        self._written.append(written)

    def _add_thoughts(self, written: Json, thoughts: list[Thinking], *, recalls: bool) -> None:
        """Thoughts the target wants to see again; proofs go back to where they are from in any case."""
        if not thoughts:
            return
        wanted: list[Thinking] = []
        for thought in thoughts:
            if thought.redacted and thought.origin != DIALECT:
                self._losses.add("redacted_thinking")
            elif recalls or is_sealed_here(thought):
                wanted.append(thought)
            else:
                self._losses.add("thinking")
        field = self._abilities.reasoning_field
        if field == "reasoning_details":
            details = wanted
        else:
            details = [thought for thought in wanted if is_detail(thought)]
            text = joined(wanted) if recalls else ""
            if text:
                written[field] = text
        if details:
            written["reasoning_details"] = [whole_detail(thought) for thought in details]

    def _call(self, call: ToolUse) -> Json:
        written: Json = {"id": self._ids.of_call(call.id)}
        if call.custom:
            written |= {"type": "custom", "custom": {"name": call.name, "input": call.arguments}}
        else:
            function = {"name": call.name, "arguments": call.arguments or "{}"}
            written |= {"type": "function", "function": function}
        if call.signature is not None and call.origin == DIALECT:
            written["extra_content"] = {"google": {"thought_signature": call.signature}}
        if call.cache is not None:
            add_cache_mark(written, call.cache.ttl, self._losses, allowed=self._abilities.cache_marks)
        written.update(own_members(call.extra, self._losses))
        return written

    def _content(self, parts: Sequence[Part], path: str) -> list[object]:
        return [
            self._part(part, f"{path}.content[{place}]")
            for place, part in enumerate(parts)
            if not isinstance(part, ToolResult)
        ]

    def _part(self, part: Part, path: str) -> object:
        match part:
            case Text():
                if part.citations:
                    self._losses.add("citations")
                return self._marked({"type": "text", "text": part.text}, part)
            case Media():
                return self._marked(_media(part, path), part)
            case Refusal(text, extra):
                return {"type": "refusal", "refusal": text, **own_members(extra, self._losses)}
            case Opaque():
                if part.format != DIALECT:
                    raise cannot_carry(part.type, path, DIALECT)
                return part.value
            case _:
                raise cannot_carry("a part of the assistant", path, DIALECT)

    def _marked(self, written: Json, part: Text | Media) -> Json:
        if part.cache is not None:
            add_cache_mark(written, part.cache.ttl, self._losses, allowed=self._abilities.cache_marks)
        if part.extra is None:
            return written
        for name, value in own_members(part.extra, self._losses).items():
            inner = written.get(name)
            if isinstance(inner, dict):
                inner.update(msgspec.json.decode(value, type=dict[str, msgspec.Raw]))
            elif name != "type":
                written[name] = value
        return written


def _content_of(parts: list[object] | list[Json]) -> object:
    """One plain text as a string, which every server takes."""
    if not parts:
        return ""
    first = parts[0]
    if len(parts) == 1 and isinstance(first, dict) and first.keys() == {"type", "text"}:
        return first["text"]
    return parts


def _recalled_from(messages: Sequence[Message], back: ReasoningBack) -> int:
    """The first message whose thoughts the target wants to see again."""
    if back is ReasoningBack.ALWAYS:
        return 0
    if back is ReasoningBack.NEVER:
        return len(messages)
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if message.role is Role.USER and not any(isinstance(part, ToolResult) for part in message.parts):
            return place
    return 0


def _media(media: Media, path: str) -> Json:
    source = media.source
    if isinstance(source, PlainText):
        return {"type": "text", "text": f"{media.name}\n{source.text}" if media.name else source.text}
    match media.kind:
        case MediaKind.IMAGE | MediaKind.VIDEO:
            name = f"{media.kind.value}_url"
            link: Json = {"url": _address(source, media.kind, path)}
            if media.detail is not None and media.kind is MediaKind.IMAGE:
                link["detail"] = media.detail
            return {"type": name, name: link}
        case MediaKind.AUDIO:
            if not isinstance(source, Base64):
                raise cannot_carry("audio that is not in the message itself", path, DIALECT)
            kind = source.media_type
            word = AUDIO_FORMATS.get(kind, kind.partition("/")[2])
            return {"type": "input_audio", "input_audio": {"data": source.data, "format": word}}
        case MediaKind.DOCUMENT:
            return _document(media, source, path)


def _document(media: Media, source: Base64 | Url | FileId, path: str) -> Json:
    extra = media.extra
    own = extra.members.get("type") if extra is not None and extra.format == DIALECT else None
    if own is not None and bytes(own) == b'"document_url"':
        name: Json = {"document_name": media.name} if media.name is not None else {}
        return {"type": "document_url", "document_url": _address(source, media.kind, path), **name}
    if isinstance(source, FileId):
        file: Json = {"file_id": source.id}
        if media.name is not None:
            file["filename"] = media.name
        return {"type": "file", "file": file}
    if isinstance(source, Url) and own is None:
        raise cannot_carry("a document at an address", path, DIALECT)
    file = {"file_data": _address(source, media.kind, path)}
    named = media.name
    if named is None and isinstance(source, Base64) and source.media_type:
        named = f"document.{source.media_type.rpartition('/')[2]}"
    if named is not None:
        file["filename"] = named
    return {"type": "file", "file": file}


def _address(source: Base64 | Url | FileId, kind: MediaKind, path: str) -> str:
    match source:
        case Url(url):
            return url
        case Base64(media_type, content):
            return f"data:{media_type};base64,{content}" if media_type else content
        case FileId():
            raise cannot_carry(f"an uploaded {kind.value}", path, DIALECT)


class _CallIds:
    """Ids of calls as the target wants them, the same for a call and its result."""

    def __init__(self, pattern: str | None) -> None:
        self._pattern = re.compile(pattern) if pattern is not None else None
        self._made = 0
        self._unanswered: list[str] = []

    @property
    def all_given(self) -> bool:
        """No id had to be made so far."""
        return self._made == 0

    def of_call(self, id: str) -> str:
        if id:
            return self._shaped(id)
        self._made += 1
        made = self._shaped(f"{MADE_ID}{self._made}")
        self._unanswered.append(made)
        return made

    def of_result(self, id: str) -> str:
        """The call's; results without an id answer the calls without one in their order."""
        if id or not self._unanswered:
            return self._shaped(id)
        return self._unanswered.pop(0)

    def _shaped(self, id: str) -> str:
        if self._pattern is None or self._pattern.fullmatch(id):
            return id
        digest = hashlib.sha256(id.encode("utf-8", "replace")).digest()
        word = "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest)
        lengths = (9, 24, 32, 16, 8)
        fitting = (word[:length] for length in lengths if self._pattern.fullmatch(word[:length]))
        return next(fitting, id)
