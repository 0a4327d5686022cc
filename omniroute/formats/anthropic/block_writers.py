"""Content blocks of a stream, written as they grow."""

import msgspec

from omniroute.conversation.events import Field
from omniroute.conversation.parts import Citation, Text, Thinking, ToolUse
from omniroute.formats.anthropic.blocks_encode import encode_input
from omniroute.formats.anthropic.citations import encode_citation
from omniroute.formats.anthropic.members import Members, one_line, own
from omniroute.formats.anthropic.response_encode import seal
from omniroute.formats.codec import Losses

_encode = msgspec.json.Encoder().encode
_TAIL = b"}}\n\n"


def frame(kind: str, told: object) -> bytes:
    """One event."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), one_line(_encode(told)))


class BlockWriter:
    """One block, which begins with the first it has to say."""

    def __init__(self, out: list[bytes], number: int, start: object) -> None:
        self._out = out
        self._number = number
        self._start = start
        self._begun = False

    def say(self, text: str) -> None:
        """Its text grows."""

    def add(self, field: Field, text: str) -> None:
        """Anything else of it grows."""

    def cite(self, citation: Citation) -> None:
        """Its text has something from somewhere."""

    def end(self) -> bool:
        """It is complete; False when it never began."""
        if self._begun:
            stop = {"type": "content_block_stop", "index": self._number}
            self._out.append(frame("content_block_stop", stop))
        return self._begun

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            start = {"type": "content_block_start", "index": self._number, "content_block": self._start}
            self._out.append(frame("content_block_start", start))

    def _head(self, kind: str, field: str) -> bytes:
        """What stands before a piece of text."""
        delta = b'{"type":"%b","%b":' % (kind.encode(), field.encode())
        head = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":'
        return head % self._number + delta


class Silent(BlockWriter):
    """For what cannot be told."""

    def __init__(self) -> None:
        super().__init__([], 0, None)


class TextWriter(BlockWriter):
    """A text with its citations."""

    def __init__(self, out: list[bytes], number: int, losses: Losses, part: Text) -> None:
        members = own(part.extra, losses)
        super().__init__(out, number, {"type": "text", "text": "", **members})
        self._losses = losses
        self._before = self._head("text_delta", "text")
        if part.text:
            self.say(part.text)
        for citation in part.citations:
            self.cite(citation)

    def say(self, text: str) -> None:
        """More of it."""
        if not self._begun:
            self._begin()
        self._out.append(self._before + _encode(text) + _TAIL)

    def cite(self, citation: Citation) -> None:
        """Where it has something from."""
        told = encode_citation(citation, for_client=True)
        if told is None:
            self._losses.add("citations")
            return
        self._begin()
        self._out.append(self._head("citations_delta", "citation") + one_line(_encode(told)) + _TAIL)


class ThoughtWriter(BlockWriter):
    """A thought, which ends with its signature; an empty one where there is none."""

    def __init__(self, out: list[bytes], number: int, part: Thinking) -> None:
        super().__init__(out, number, {"type": "thinking", "thinking": "", "signature": ""})
        self._part = part
        self._signature = seal(part) or ""
        self._before = self._head("thinking_delta", "thinking")
        if part.text:
            self.say(part.text)

    def say(self, text: str) -> None:
        """More of it."""
        if not self._begun:
            self._begin()
        self._out.append(self._before + _encode(text) + _TAIL)

    def add(self, field: Field, text: str) -> None:
        """More of the signature, where it is one of this dialect."""
        if field is Field.SIGNATURE and seal(msgspec.structs.replace(self._part, signature=text)):
            self._signature += text

    def end(self) -> bool:
        """It is complete."""
        if self._signature:
            self._begin()
        if self._begun:
            head = self._head("signature_delta", "signature")
            self._out.append(head + _encode(self._signature) + _TAIL)
        return super().end()


class CallWriter(BlockWriter):
    """A call of a client's tool."""

    def __init__(self, out: list[bytes], number: int, losses: Losses, part: ToolUse, id: str) -> None:
        start = {"type": "tool_use", "id": id, "name": part.name, "input": {}}
        super().__init__(out, number, {**start, **own(part.extra, losses)})
        self._losses = losses
        self._before = self._head("input_json_delta", "partial_json")
        self._held = ""
        """Arguments that do not begin like an object, which clients take nothing else for."""
        self._is_object = False
        self._begin()
        if part.arguments:
            self.add(Field.ARGUMENTS, part.arguments)

    def add(self, field: Field, text: str) -> None:
        """More of the arguments."""
        if field is not Field.ARGUMENTS:
            return
        if not self._is_object:
            self._held += text
            self._is_object = self._held.lstrip().startswith("{")
            if not self._is_object:
                return
            text, self._held = self._held, ""
        self._out.append(self._before + _encode(text) + _TAIL)

    def end(self) -> bool:
        """It is complete."""
        if self._held.strip():
            told = bytes(encode_input(self._held, self._losses)).decode()
            self._out.append(self._before + _encode(told) + _TAIL)
        return super().end()


class SealedWriter(BlockWriter):
    """Sealed thinking, whole."""

    def __init__(self, out: list[bytes], number: int, seal: str) -> None:
        super().__init__(out, number, {"type": "redacted_thinking", "data": seal})
        self._begin()


class OpaqueWriter(BlockWriter):
    """A block only this dialect knows; the input of a call the provider made follows its start."""

    def __init__(self, out: list[bytes], number: int, value: msgspec.Raw) -> None:
        block = Members.of(value, "block").left
        told = block.get("input")
        if told is not None:
            block["input"] = msgspec.Raw(b"{}")
        super().__init__(out, number, block)
        self._begin()
        if told is not None and bytes(told) != b"{}":
            head = self._head("input_json_delta", "partial_json")
            text = bytes(told).decode("utf-8", "replace")  # nobody has read what is inside
            self._out.append(head + _encode(text) + _TAIL)
