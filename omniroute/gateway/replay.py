"""What models thought before they called tools, kept for clients whose dialect cannot give it back."""

from collections import OrderedDict
from dataclasses import dataclass

import msgspec

from omniroute.clock import Clock
from omniroute.conversation.parts import Part, Thinking, ToolUse
from omniroute.conversation.request import Message, Request, Role
from omniroute.formats.translate import Turn

KEPT_S = 12 * 3600.0
"""A turn not asked for in this time is forgotten."""
MAX_BYTES = 64 * 1024 * 1024
MAX_TURNS = 20_000


@dataclass(slots=True)
class _Kept:
    turn: Turn
    origin: str
    size_bytes: int
    used_s: float


class Replay:
    """Turns by the ids of their tool calls; bounded, and expiring."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turns: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        """(tenant, id of a call) to the turn it stood in, the longest unused first."""
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._turns)

    def remember(self, tenant: str, origin: str, turn: Turn | None) -> None:
        """Keep what `origin`, a provider, thought; a turn with nothing to keep is not kept."""
        if turn is None or not (turn.thinking or any(call.signature for call in turn.calls)):
            return
        kept = _Kept(turn, origin, _size(turn), self._clock.monotonic_s())
        for call in turn.calls:
            self._forget((tenant, call.id))
            self._turns[tenant, call.id] = kept
            self._bytes += kept.size_bytes
        self._trim()

    def restored(self, tenant: str, origin: str, request: Request) -> Request:
        """The request with everything put back that `origin` thought and the client left out."""
        if not self._turns:
            return request
        messages = [self._message(tenant, origin, message) for message in request.messages]
        if all(new is old for new, old in zip(messages, request.messages, strict=True)):
            return request
        return msgspec.structs.replace(request, messages=tuple(messages))

    def _message(self, tenant: str, origin: str, message: Message) -> Message:
        if message.role is not Role.ASSISTANT:
            return message
        kept = {
            part.id: found
            for part in message.parts
            if isinstance(part, ToolUse) and (found := self._find(tenant, origin, part.id)) is not None
        }
        if not kept:
            return message
        parts = [_signed(part, kept) for part in message.parts]
        if not any(isinstance(part, Thinking) and part.signature for part in parts):
            turn = next(iter(kept.values())).turn
            if turn.thinking:
                parts = [*turn.thinking, *(part for part in parts if not isinstance(part, Thinking))]
        return msgspec.structs.replace(message, parts=tuple(parts))

    def _find(self, tenant: str, origin: str, call_id: str) -> _Kept | None:
        kept = self._turns.get((tenant, call_id))
        now_s = self._clock.monotonic_s()
        if kept is None or kept.origin != origin or now_s - kept.used_s > KEPT_S:
            return None
        kept.used_s = now_s
        self._turns.move_to_end((tenant, call_id))
        return kept

    def _forget(self, key: tuple[str, str]) -> None:
        kept = self._turns.pop(key, None)
        if kept is not None:
            self._bytes -= kept.size_bytes

    def _trim(self) -> None:
        oldest_s = self._clock.monotonic_s() - KEPT_S
        while self._turns:
            key, kept = next(iter(self._turns.items()))
            if self._bytes <= MAX_BYTES and len(self._turns) <= MAX_TURNS and kept.used_s >= oldest_s:
                return
            self._forget(key)


def _signed(part: Part, kept: dict[str, _Kept]) -> Part:
    """A call with the signature it came with."""
    if not isinstance(part, ToolUse) or part.signature or part.id not in kept:
        return part
    call = next((call for call in kept[part.id].turn.calls if call.id == part.id), None)
    if call is None or not call.signature:
        return part
    return msgspec.structs.replace(part, signature=call.signature, origin=call.origin)


def _size(turn: Turn) -> int:
    thoughts = sum(len(part.text) + len(part.signature or "") for part in turn.thinking)
    return 500 + thoughts + sum(len(call.id) + len(call.signature or "") for call in turn.calls)
