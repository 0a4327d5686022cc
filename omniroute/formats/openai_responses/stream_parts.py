"""Writers of the items of a streamed answer, one part each."""

from typing import Protocol

import msgspec

from omniroute.conversation.events import Field
from omniroute.conversation.parts import (
    Base64,
    Citation,
    Media,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolUse,
)
from omniroute.conversation.request import TokenLogprob
from omniroute.formats.codec import Losses, ReplyFacts, call_id
from omniroute.formats.openai_responses.members import DIALECT
from omniroute.formats.openai_responses.output_items import (
    Item,
    annotation,
    call_item,
    content_part,
    message_item,
    message_members,
    reasoning_item,
)
from omniroute.formats.openai_responses.response_encode import call_item_id, note_lost, output_item
from omniroute.formats.openai_responses.stream_frames import Frames, delta_head

_ADDED, _DONE = "response.output_item.added", "response.output_item.done"


class Output:
    """Where items go: into the stream, and into the whole answer at its end."""

    def __init__(self, facts: ReplyFacts, losses: Losses) -> None:
        self.facts = facts
        self.losses = losses
        self.frames = Frames()
        self.items: list[msgspec.Raw] = []
        """Those that are complete."""

    def add(self, item: object) -> None:
        """An item begins."""
        self.frames.add(_ADDED, {"output_index": len(self.items), "item": item})

    def done(self, item: object) -> None:
        """It is complete."""
        raw = msgspec.Raw(msgspec.json.encode(item))
        self.frames.add(_DONE, {"output_index": len(self.items), "item": raw})
        self.items.append(raw)


class PartWriter(Protocol):
    """Writes one part; nothing of it is in the stream before there is something to tell."""

    def grow(self, field: Field, text: str) -> None:
        """More of the part."""

    def end(self) -> None:
        """The part is complete."""


def part_writer(output: Output, index: int, part: Part) -> "PartWriter":
    """The writer for a part, with what came with its start written."""
    match part:
        case Text() | Refusal():
            return MessageWriter(output, index, part)
        case Thinking():
            return _ReasoningWriter(output, index, part)
        case ToolUse():
            return _CallWriter(output, index, part)
        case _:
            return _WholeWriter(output, index, part)


class MessageWriter:
    """A `message` item with one content part."""

    def __init__(self, output: Output, index: int, part: Text | Refusal) -> None:
        self._output = output
        self._part = part
        self._place: Item = {"item_id": "", "output_index": len(output.items)}
        self._id = f"msg_{output.facts.id}_{index}"
        self._members = message_members(part, output.losses)
        self._kind = "refusal" if isinstance(part, Refusal) else "output_text"
        self._texts: list[str] = []
        self._head = b""
        self._logprobs: list[TokenLogprob] = []
        self._citations: list[Citation] = []
        self._told_citations = 0
        if part.text:
            self.grow(Field.TEXT, part.text)
        for citation in part.citations if isinstance(part, Text) else ():
            self.cite(citation)

    def grow(self, field: Field, text: str) -> None:
        """More of the text."""
        if field is Field.TEXT:
            if not self._head:
                self._open()
            self._texts.append(text)
            self._output.frames.add_delta(self._head, text)

    def cite(self, citation: Citation) -> None:
        """The text has something from somewhere."""
        told = annotation(citation, self._output.losses)
        if told is None:
            return
        if not self._head:
            self._open()
        self._citations.append(citation)
        place = {**self._place, "annotation_index": len(self._citations) - 1, "annotation": told}
        self._output.frames.add("response.output_text.annotation.added", place)

    @property
    def is_text(self) -> bool:
        """Refusals have no log probabilities."""
        return self._kind == "output_text"

    def add_logprobs(self, tokens: tuple[TokenLogprob, ...]) -> None:
        """Told with the whole text: which delta they belong to is not known."""
        self._logprobs.extend(tokens)

    def _open(self) -> None:
        item = {"id": self._id, "status": "in_progress", **message_item([], self._members)}
        self._output.add(item)
        self._place = {"item_id": item["id"], "output_index": len(self._output.items), "content_index": 0}
        self._output.frames.add("response.content_part.added", {**self._place, "part": self._whole("")})
        members = dict(self._place)
        if self._kind == "output_text":
            members["logprobs"] = []
        self._head = delta_head(f"response.{self._kind}.delta", members)

    def _whole(self, text: str) -> Item:
        if isinstance(self._part, Refusal):
            return content_part(Refusal(text, self._part.extra), self._output.losses)
        if not text:
            return {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        part = Text(text, tuple(self._citations), self._part.cache, self._part.extra)
        return content_part(part, self._output.losses, self._logprobs)

    def end(self) -> None:
        """The text is complete."""
        if not self._head:
            return
        frames, text = self._output.frames, "".join(self._texts)
        part = self._whole(text)
        done = {**self._place, "refusal" if self._kind == "refusal" else "text": text}
        if self._kind == "output_text":
            done["logprobs"] = part.get("logprobs", [])
        frames.add(f"response.{self._kind}.done", done)
        frames.add("response.content_part.done", {**self._place, "part": part})
        self._output.done({"id": self._id, "status": "completed", **message_item([part], self._members)})


class _ReasoningWriter:
    """A `reasoning` item with one part of summary, if any."""

    def __init__(self, output: Output, index: int, part: Thinking) -> None:
        self._output = output
        self._part = part
        self._item: Item = {
            "id": f"rs_{output.facts.id}_{index}",
            **reasoning_item(Thinking(origin=part.origin, id=part.id)),
        }
        self._texts: list[str] = []
        self._signatures = [part.signature or ""]
        self._head = b""
        self._place: Item = {}
        if part.text:
            self.grow(Field.TEXT, part.text)

    def grow(self, field: Field, text: str) -> None:
        """More of the summary, or of the seal."""
        if field is Field.SIGNATURE:
            self._signatures.append(text)
            return
        if not self._head:
            self._open()
        self._texts.append(text)
        self._output.frames.add_delta(self._head, text)

    def _open(self) -> None:
        self._output.add(self._item)
        self._place = {
            "item_id": self._item["id"],
            "output_index": len(self._output.items),
            "summary_index": 0,
        }
        part = {"type": "summary_text", "text": ""}
        self._output.frames.add("response.reasoning_summary_part.added", {**self._place, "part": part})
        self._head = delta_head("response.reasoning_summary_text.delta", self._place)

    def end(self) -> None:
        """The item is complete."""
        text, signature = "".join(self._texts), "".join(self._signatures)
        whole = msgspec.structs.replace(self._part, text=text, signature=signature or None)
        frames = self._output.frames
        if text:
            frames.add("response.reasoning_summary_text.done", {**self._place, "text": text})
            part = {"type": "summary_text", "text": text}
            frames.add("response.reasoning_summary_part.done", {**self._place, "part": part})
        elif self._part.origin == DIALECT and signature:
            self._output.add(self._item)
        else:
            note_lost(whole, self._output.losses)
            return
        self._output.done(self._item | reasoning_item(whole))


class _CallWriter:
    """A `function_call` or `custom_tool_call` item."""

    def __init__(self, output: Output, index: int, part: ToolUse) -> None:
        self._output = output
        self._part = part
        self._name = "input" if part.custom else "arguments"
        item = call_item(part, call_id(part.id, output.facts, index), output.losses)
        self._item: Item = {"id": call_item_id(part, index, output.facts), "status": "completed", **item}
        self._place = {"item_id": self._item["id"], "output_index": len(output.items)}
        event = "custom_tool_call_input" if part.custom else "function_call_arguments"
        self._event = f"response.{event}"
        self._head = delta_head(f"{self._event}.delta", self._place)
        self._texts: list[str] = []
        output.add(self._item | {"status": "in_progress", self._name: ""})
        if part.arguments:
            self.grow(Field.ARGUMENTS, part.arguments)

    def grow(self, field: Field, text: str) -> None:
        """More of what the tool is called with; what seals a call elsewhere has no place."""
        if field is Field.ARGUMENTS:
            self._texts.append(text)
            self._output.frames.add_delta(self._head, text)

    def end(self) -> None:
        """The call is complete."""
        if not self._texts and not self._part.custom:
            self.grow(Field.ARGUMENTS, "{}")
        text = "".join(self._texts)
        done = {**self._place, self._name: text}
        if not self._part.custom:
            done["name"] = self._part.name
        self._output.frames.add(f"{self._event}.done", done)
        self._output.done(self._item | {self._name: text})


class _WholeWriter:
    """An item that is told at once."""

    def __init__(self, output: Output, index: int, part: Part) -> None:
        self._output = output
        self._index = index
        self._part = part
        self._pieces: list[str] = []

    def grow(self, field: Field, text: str) -> None:
        """More of an image."""
        if field is Field.BASE64:
            self._pieces.append(text)

    def end(self) -> None:
        """The part is complete."""
        part = self._part
        if isinstance(part, Media) and isinstance(part.source, Base64):
            source = Base64(part.source.media_type, part.source.data + "".join(self._pieces))
            part = msgspec.structs.replace(part, source=source)
        item = output_item(part, self._index, self._output.facts, self._output.losses)
        if item is not None:
            self._output.add(item)
            self._output.done(item)
