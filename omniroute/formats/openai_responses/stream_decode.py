"""Streams of OpenAI Responses, as events (API reference and recorded streams, read 2026-11-22)."""

from contextlib import suppress

import msgspec

from omniroute.conversation.events import Ended, Event, Failed, Finished, LogprobsSeen, Started, UsageSeen
from omniroute.conversation.fold import CUT
from omniroute.errors import Failure, ProtocolError
from omniroute.formats.openai_responses.items import decode_annotation, decode_logprobs
from omniroute.formats.openai_responses.members import Members, WrongShape, is_text, items, text_of
from omniroute.formats.openai_responses.response_decode import decode_finish, failure, with_calls
from omniroute.formats.openai_responses.stream_items import Count, GrowingItem
from omniroute.formats.openai_responses.usage import decode_usage
from omniroute.formats.sse import RawFrameReader, frame_data
from omniroute.formats.watch import ABSENT, UNREADABLE, decode_event, in_band

_ENDINGS = frozenset({"response.completed", "response.incomplete"})
_FAILURES = frozenset({"response.failed", "response.cancelled", "error"})
_TEXT = "response.output_text.delta"


_ODD: tuple[type[Exception], ...] = (WrongShape, *UNREADABLE)


class _Told(msgspec.Struct, gc=False):
    """One event; members it does not have are absent."""

    type: str = ""
    delta: str | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    item_id: str | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | None = None
    input: str | None = None
    code: str | int | None = None
    message: str | None = None
    item: msgspec.Raw = ABSENT
    response: msgspec.Raw = ABSENT
    annotation: msgspec.Raw = ABSENT
    logprobs: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT


_TOLD = msgspec.json.Decoder(_Told)
_NOTHING = frozenset({b"", b"null", b"[]"})


class ResponsesStreamDecoder:
    """Reads `response.*` events."""

    def __init__(self) -> None:
        self._frames = RawFrameReader()
        self._count = Count()
        self._items: dict[int | str, GrowingItem] = {}
        self._ids: set[str] = set()
        self._started = False
        self._over = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events these bytes complete. Raises ProtocolError."""
        events: list[Event] = []
        for raw in self._frames.feed(chunk):
            self._read(raw, events)
        return events

    def close(self) -> list[Event]:
        """What is left to tell once no bytes follow."""
        events: list[Event] = []
        with suppress(ProtocolError):  # a stream cut inside an event is cut, not broken
            self._read(self._frames.rest + b"\n\n", events)
        return events if self._has_ended() else [*events, Failed(CUT)]

    def _has_ended(self) -> bool:
        """Whether the ending had come; from now on it has."""
        ended, self._over = self._over, True
        return ended

    def _read(self, raw: bytes, events: list[Event]) -> None:
        data = None if self._over else frame_data(raw)
        if data is None or data == b"[DONE]":
            return
        told = decode_event(_TOLD, data)
        if told is None:
            return
        try:
            self._take(told, events)
        except _ODD as error:
            raise ProtocolError(f"the upstream's stream: {told.type}: {error}") from None

    def _take(self, told: _Told, events: list[Event]) -> None:
        kind = told.type
        if kind == _TEXT:
            item = self._item(told, events)
            if told.delta:
                item.add_text(told.content_index or 0, told.delta, events)
            if told.logprobs is not ABSENT:
                _note_logprobs(item, told.logprobs, events)
        elif kind in _FAILURES or (not kind and told.error is not ABSENT):
            events.append(Failed(_failure(told)))
            self._over = True
        elif told.response is not ABSENT:
            self._begin(Members.of(told.response, "response"), kind, events)
        elif not kind.startswith("response."):
            return
        elif kind == "response.output_item.added":
            self._announce(told, events)
        elif kind == "response.output_item.done":
            self._finish(told, told.item, events)
        else:
            self._grow(kind, told, events)

    def _grow(self, kind: str, told: _Told, events: list[Event]) -> None:  # noqa: C901, PLR0912 - one arm per event
        place = told.content_index or 0
        match kind:
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                if told.delta:
                    self._item(told, events).add_arguments(told.delta, events)
            case "response.reasoning_summary_text.delta":
                if told.delta:
                    self._item(told, events).add_thought(
                        "summary", told.summary_index or 0, told.delta, events
                    )
            case "response.reasoning_text.delta":
                if told.delta:
                    self._item(told, events).add_thought("content", place, told.delta, events)
            case "response.refusal.delta":
                if told.delta:
                    self._item(told, events).add_refusal(place, told.delta, events)
            case "response.output_text.annotation.added":
                if told.annotation is not ABSENT:
                    citation = decode_annotation(Members.of(told.annotation, "annotation"))
                    self._item(told, events).cite(place, citation, events)
            case "response.output_text.done" | "response.refusal.done":
                self._item(told, events).settle(place, told.text or told.refusal or "", events)
            case "response.function_call_arguments.done" | "response.custom_tool_call_input.done":
                self._item(told, events).settle(0, told.arguments or told.input or "", events)

    def _item(self, told: _Told, events: list[Event]) -> GrowingItem:
        """The item an event belongs to; one that was never announced begins with it."""
        key = _key(told)
        return self._items.get(key) or self._new(key, events)

    def _new(self, key: int | str, events: list[Event]) -> GrowingItem:
        if not self._started:
            self._started = True
            events.append(Started())
        before = self._items.get(key)
        if before is not None:
            before.close(events)
        item = self._items[key] = GrowingItem(self._count)
        return item

    def _announce(self, told: _Told, events: list[Event]) -> None:
        item = Members.of(told.item, "item")
        self._note_id(item)
        growing = self._new(_key(told), events)
        growing.announce(item, events)

    def _finish(self, told: _Told, raw: msgspec.Raw, events: list[Event]) -> None:
        self._note_id(Members.of(raw, "item"))
        self._item(told, events).finish(raw, events)

    def _note_id(self, item: Members) -> str | None:
        raw = item.peek("id")
        if raw is None or not is_text(raw):
            return None
        id = text_of(raw)
        self._ids.add(id)
        return id

    def _begin(self, response: Members, kind: str, events: list[Event]) -> None:
        if not self._started:
            self._started = True
            id, model = response.text("id"), response.text("model")
            events.append(Started(id, model))
        if kind in _ENDINGS:
            self._end(response, kind.removeprefix("response."), events)
            self._over = True

    def _end(self, response: Members, kind: str, events: list[Event]) -> None:
        status = response.text("status")
        if status in ("failed", "cancelled"):
            events.append(Failed(failure(response.nested("error"))))
            return
        for place, raw in enumerate(items(response.raw("output"), "output")):
            self._settle(place, raw, events)
        for item in self._items.values():
            item.close(events)
        usage = response.raw("usage")
        if usage is not None:
            events.append(UsageSeen(decode_usage(usage)))
        finish = decode_finish(kind, response.nested("incomplete_details"))
        events.append(Finished(with_calls(finish, calls=self._count.calls)))
        events.append(Ended())

    def _settle(self, place: int, raw: msgspec.Raw, events: list[Event]) -> None:
        """Some servers tell items, or their ends, only in the whole answer."""
        known = self._items.get(place)
        if known is None:
            item = Members.of(raw, "output")
            before = set(self._ids)
            id = self._note_id(item)
            if id in before or (id is None and self._items):
                return  # told before, under another number
            known = self._new(place, events)
        known.finish(raw, events)


def _key(told: _Told) -> int | str:
    """What tells items apart: some servers change the ids from event to event, some give no numbers."""
    return told.item_id or "" if told.output_index is None else told.output_index


def _note_logprobs(item: GrowingItem, raw: msgspec.Raw, events: list[Event]) -> None:
    if bytes(raw) in _NOTHING:
        return
    tokens = decode_logprobs(raw)
    if tokens:
        item.logprobs_seen += len(tokens)
        events.append(LogprobsSeen(tokens))


def _failure(told: _Told) -> Failure:
    """What an event tells that ends the stream in error."""
    if told.response is not ABSENT:
        return failure(Members.of(told.response, "response").nested("error"))
    if told.error is not ABSENT and bytes(told.error).startswith(b"{"):
        return failure(Members.of(told.error, "error"))
    return in_band(told.message, None if told.code is None else str(told.code))
