"""Ollama's chat as it passes by (API reference, read 2026-11-22)."""

import msgspec

from omniroute.conversation.usage import Usage
from omniroute.errors import ProtocolError
from omniroute.formats.watch import ABSENT, Seen, decode_event, in_band, is_something

KEEPALIVE = b""
"""The dialect has no comment."""
STREAM_TYPE = "application/x-ndjson"
MAX_LINE_BYTES = 32 * 1024 * 1024


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: msgspec.Raw = ABSENT


class _Line(msgspec.Struct):
    model: str | None = None
    message: _Message | None = None
    done: bool = False
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: str | None = None


_LINE = msgspec.json.Decoder(_Line)


class StreamWatch:
    """Reads along with a stream of JSON lines."""

    def __init__(self) -> None:
        self.seen = Seen()
        self._rest = b""

    def pass_on(self, chunk: bytes) -> bytes:
        """The bytes the client is to get: whole lines, and nothing behind an error. Raises ProtocolError."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            raise ProtocolError(f"a line of the stream is over {MAX_LINE_BYTES} bytes")
        for place, line in enumerate(lines, 1):
            self._note(line)
            if self.seen.failure is not None:
                del lines[place:]
        return b"".join(line + b"\n" for line in lines)

    def rest(self) -> bytes:
        """A last line without an end; half of one is dropped, and no client has to read it."""
        line, self._rest = self._rest, b""
        try:
            self._note(line)
        except ProtocolError:
            return b""
        return line and line + b"\n"

    def _note(self, line: bytes) -> None:
        if line.strip() and (event := decode_event(_LINE, line)) is not None:
            _note(self.seen, event)

    def text(self) -> str:
        """The output so far, for counting tokens."""
        return "".join(self.seen.text)


def read_whole(body: bytes) -> Seen:
    """What a whole answer shows. Raises ProtocolError when it is none."""
    try:
        line = _LINE.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ProtocolError("the upstream's answer is not Ollama's") from None
    if line.message is None and line.error is None:
        raise ProtocolError("the upstream's answer holds no message")
    seen = Seen()
    _note(seen, line)
    seen.finished = True
    return seen


def _note(seen: Seen, line: _Line) -> None:
    seen.model = line.model or seen.model
    if line.error is not None:
        seen.failure = in_band(line.error, None)
    if line.message is not None:
        for text in (line.message.content, line.message.thinking):
            if text:
                seen.add_text(text)
        if is_something(line.message.tool_calls):
            seen.add_text(bytes(line.message.tool_calls).decode("utf-8", "replace"))
    if line.done:
        seen.finished = True
        seen.usage = Usage(input=line.prompt_eval_count, output=line.eval_count)
