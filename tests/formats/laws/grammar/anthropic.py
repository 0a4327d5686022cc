"""Grammar of Anthropic's streams.

`message_start (block | ping)* message_delta message_stop`, a block being `content_block_start
content_block_delta* content_block_stop`. Or an `error` event at any place, and nothing after it.
"""

from typing import Any

from tests.formats.laws.grammar.rules import Json, Walk, demand, frames, is_count, loaded, take_id

_DELTAS = {
    "text": {"text_delta": "text", "citations_delta": "citation"},
    "thinking": {"thinking_delta": "thinking", "signature_delta": "signature"},
    "tool_use": {"input_json_delta": "partial_json"},
    "server_tool_use": {"input_json_delta": "partial_json"},
    "mcp_tool_use": {"input_json_delta": "partial_json"},
}
_REASONS = frozenset(
    {
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "tool_use",
        "pause_turn",
        "refusal",
        "model_context_window_exceeded",
    }
)
_EMPTY_AT_START: dict[str, Json] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
}


class _Grammar:
    def __init__(self) -> None:
        self.walk = Walk()
        self._started = False
        self._stopping = False
        """message_delta has come."""
        self._block: Json | None = None
        self._next = 0
        self._signed = False
        self._json: list[str] = []
        self._inputs: list[str] = []

    def take(self, kind: str, event: Json) -> None:
        """One event."""
        demand(
            not self.walk.ended and not self.walk.failed, "nothing follows message_stop or an error", event
        )
        step = getattr(self, f"_{kind}", None)
        demand(step is not None, "a known kind of event", event)
        demand(
            self._started or kind in ("message_start", "error", "ping"), "message_start comes first", event
        )
        assert step is not None
        step(event)

    def _ping(self, event: Json) -> None:
        demand(set(event) == {"type"}, "a ping holds nothing", event)

    def _error(self, event: Json) -> None:
        error = event.get("error", {})
        demand(
            error.get("type") and isinstance(error.get("message"), str),
            "an error has type and message",
            event,
        )
        self.walk.failed = True

    def _message_start(self, event: Json) -> None:
        demand(not self._started, "message_start comes once", event)
        message = event.get("message", {})
        demand(message.get("id") and message.get("type") == "message", "the message has id and type", event)
        demand(message.get("role") == "assistant" and message.get("content") == [], "it is empty", event)
        demand(isinstance(message.get("model"), str), "it names the model", event)
        demand(message.get("stop_reason", 0) is None, "stop_reason is null at the start", event)
        demand(message.get("stop_sequence", 0) is None, "stop_sequence is null at the start", event)
        usage = message.get("usage", {})
        demand(is_count(usage.get("input_tokens")), "usage has input_tokens", event)
        demand(is_count(usage.get("output_tokens")), "usage has output_tokens", event)
        self._started = True

    def _content_block_start(self, event: Json) -> None:
        demand(self._block is None, "a block is closed before the next opens", event)
        demand(not self._stopping, "no block after message_delta", event)
        demand(event.get("index") == self._next, "blocks are numbered from 0 without gaps", event)
        block = event.get("content_block", {})
        kind = block.get("type")
        demand(isinstance(kind, str), "a block has a type", event)
        for name, empty in _EMPTY_AT_START.get(kind, {}).items():
            demand(block.get(name) == empty, f"{name} of a new block is empty", event)
        if kind in ("tool_use", "server_tool_use"):
            take_id(self.walk, block.get("id"), event)
            demand(isinstance(block.get("name"), str) and block["name"], "a call has a name", event)
        if kind == "redacted_thinking":
            demand(block.get("data"), "sealed thinking has data", event)
        self._block, self._signed, self._json = block, False, []

    def _content_block_delta(self, event: Json) -> None:
        demand(self._block is not None, "a delta belongs to an open block", event)
        assert self._block is not None
        demand(event.get("index") == self._next, "a delta has the index of the open block", event)
        delta = event.get("delta", {})
        fields = _DELTAS.get(self._block["type"], {})
        field = fields.get(delta.get("type"))
        demand(field is not None, "a delta fits its block", (self._block, event))
        value: Any = delta.get(field)
        demand(isinstance(value, dict if field == "citation" else str), "a delta holds what it says", event)
        demand(not self._signed or field == "signature", "nothing is thought after the signature", event)
        self._signed = self._signed or field == "signature"
        if field == "partial_json":
            self._json.append(value)

    def _content_block_stop(self, event: Json) -> None:
        demand(self._block is not None, "what stops had started", event)
        demand(event.get("index") == self._next, "a stop has the index of the open block", event)
        self._inputs.append("".join(self._json))
        self._block = None
        self._next += 1

    def _message_delta(self, event: Json) -> None:
        demand(self._block is None, "every block is closed at the end", event)
        demand(not self._stopping, "message_delta comes once", event)
        delta = event.get("delta", {})
        demand(delta.get("stop_reason") in _REASONS, "a known stop_reason", event)
        for text in self._inputs if delta["stop_reason"] != "max_tokens" else ():
            value = loaded(text.encode() or b"{}", "input is JSON unless the limit cut it")
            demand(isinstance(value, dict), "input is an object", text)
        sequence = delta.get("stop_sequence", 0)
        demand(sequence is None or isinstance(sequence, str), "stop_sequence is text or null", event)
        demand(is_count(event.get("usage", {}).get("output_tokens")), "usage has output_tokens", event)
        self._stopping = True

    def _message_stop(self, event: Json) -> None:
        demand(self._stopping, "message_delta comes before message_stop", event)
        self.walk.ended = True


def check(wire: bytes) -> Walk:
    """Walk a stream. Raises `BrokenRule`."""
    grammar = _Grammar()
    for name, data in frames(wire):
        event = loaded(data, "data is JSON")
        demand(name is not None and event.get("type") == name, "the event's name is its type", data)
        grammar.take(name or "", event)
    return grammar.walk
