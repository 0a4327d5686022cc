"""Grammar of the streams of Responses.

`created in_progress item* (completed | incomplete | failed)`, an item being `output_item.added`, what its
kind has in between, `output_item.done`. Or an `error` event at any place, and nothing after it.
"""

from collections.abc import Callable

from tests.formats.laws.grammar.rules import Json, Walk, demand, frames, is_count, loaded, take_id

_ENDS = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}


class _Grammar:
    def __init__(self) -> None:
        self.walk = Walk()
        self._number = -1
        self._response: Json | None = None
        self._in_progress = False
        self._item: Json | None = None
        self._ids: set[str] = set()
        self._done: list[Json] = []
        self._parts: list[Json] = []
        """Complete content or summary parts of the open item."""
        self._part: Json | None = None
        self._text: list[str] = []
        self._text_done = False
        self._annotations: list[Json] = []

    def take(self, kind: str, event: Json) -> None:
        """One event."""
        demand(not self.walk.ended and not self.walk.failed, "nothing follows the end", event)
        self._number += 1
        demand(event.get("sequence_number") == self._number, "events are numbered from 0 without gaps", event)
        if kind == "error":
            demand(isinstance(event.get("message"), str), "an error has a message", event)
            self.walk.failed = True
        elif kind == "response.created":
            self._created(event)
        elif kind in _ENDS:
            self._end(kind, event)
        else:
            demand(self._response is not None, "response.created comes first", event)
            self._inside(kind, event)

    def _created(self, event: Json) -> None:
        demand(self._response is None, "response.created comes once", event)
        response = event.get("response", {})
        demand(response.get("id") and response.get("object") == "response", "it has id and object", event)
        demand(response.get("status") == "in_progress", "it is in progress", event)
        demand(response.get("output") == [], "nothing is there yet", event)
        self._response = response

    def _inside(self, kind: str, event: Json) -> None:
        if kind == "response.in_progress":
            demand(not self._in_progress and self._number == 1, "in_progress comes once, second", event)
            self._in_progress = True
            return
        demand(self._in_progress, "in_progress comes before items", event)
        demand(
            event.get("output_index") == len(self._done), "output_index is the place of the open item", event
        )
        if kind == "response.output_item.added":
            self._added(event)
            return
        demand(self._item is not None, "an event belongs to an open item", event)
        assert self._item is not None
        if kind == "response.output_item.done":
            self._item_done(event, self._item)
            return
        demand(event.get("item_id") == self._item["id"], "item_id is that of the open item", event)
        step = self._steps().get(kind)
        demand(step is not None, "a known kind of event that fits its item", (self._item, event))
        assert step is not None
        step(event)

    def _steps(self) -> dict[str, Callable[[Json], None]]:
        """What may come in an item of this kind."""
        assert self._item is not None
        kind = self._item["type"]
        if kind in _CALLS:
            name = "function_call_arguments" if kind == "function_call" else "custom_tool_call_input"
            return {f"response.{name}.delta": self._delta, f"response.{name}.done": self._call_done}
        content: dict[str, Callable[[Json], None]] = {
            "response.content_part.added": self._part_added,
            "response.content_part.done": self._part_done,
        }
        if kind == "message":
            for name in ("output_text", "refusal"):
                content[f"response.{name}.delta"] = self._delta
                content[f"response.{name}.done"] = self._text_is_done
            return content | {"response.output_text.annotation.added": self._annotation}
        if kind == "reasoning":
            for name in ("reasoning_text", "reasoning_summary_text"):
                content[f"response.{name}.delta"] = self._delta
                content[f"response.{name}.done"] = self._text_is_done
            content["response.reasoning_summary_part.added"] = self._part_added
            content["response.reasoning_summary_part.done"] = self._part_done
            return content
        return {}

    def _added(self, event: Json) -> None:
        demand(self._item is None, "an item is done before the next is added", event)
        item = event.get("item", {})
        demand(isinstance(item.get("type"), str), "an item has a type", event)
        demand(item.get("id") and item["id"] not in self._ids, "an item has an id of its own", event)
        if item["type"] in _CALLS:
            take_id(self.walk, item.get("call_id"), event)
            demand(item.get("name"), "a call has a name", event)
            demand(item.get(_CALLS[item["type"]]) == "", "a call begins without arguments", event)
        if item["type"] == "message":
            demand(item.get("role") == "assistant" and item.get("content") == [], "it begins empty", event)
        if item["type"] == "reasoning":
            demand(item.get("summary") == [], "a summary begins empty", event)
        self._ids.add(item["id"])
        self._item, self._parts, self._part, self._text = item, [], None, []
        self._text_done = False

    def _part_added(self, event: Json) -> None:
        demand(self._part is None, "a part is done before the next is added", event)
        place = event.get("summary_index", event.get("content_index"))
        demand(place == len(self._parts), "parts are numbered from 0 without gaps", event)
        self._part = event.get("part", {})
        demand(self._part.get("text", self._part.get("refusal")) == "", "a part begins empty", event)
        self._text, self._text_done, self._annotations = [], False, []

    def _delta(self, event: Json) -> None:
        demand(isinstance(event.get("delta"), str) and event["delta"], "a delta holds text", event)
        demand(not self._text_done, "no delta after done", event)
        self._in_part(event)
        self._text.append(event["delta"])

    def _in_part(self, event: Json) -> None:
        assert self._item is not None
        if self._item["type"] in _CALLS:
            return
        demand(self._part is not None, "text belongs to an open part", event)
        place = event.get("summary_index", event.get("content_index"))
        demand(place == len(self._parts), "text has the index of the open part", event)

    def _annotation(self, event: Json) -> None:
        self._in_part(event)
        place = event.get("annotation_index")
        demand(place == len(self._annotations), "annotations are numbered from 0", event)
        demand(isinstance(event.get("annotation"), dict), "an annotation is there", event)
        self._annotations.append(event["annotation"])

    def _text_is_done(self, event: Json) -> None:
        self._in_part(event)
        demand(not self._text_done, "done comes once", event)
        whole = event.get("text", event.get("refusal"))
        demand(whole == "".join(self._text), "done repeats all deltas", event)
        self._text_done = True

    def _part_done(self, event: Json) -> None:
        demand(self._text_done, "the text is done before its part", event)
        part = event.get("part", {})
        demand(
            part.get("text", part.get("refusal")) == "".join(self._text), "the part repeats the text", event
        )
        if self._annotations:
            demand(part.get("annotations") == self._annotations, "the part repeats its annotations", event)
        self._parts.append(part)
        self._part = None

    def _call_done(self, event: Json) -> None:
        demand(not self._text_done, "done comes once", event)
        whole = event.get("arguments", event.get("input"))
        demand(whole == "".join(self._text), "done repeats all deltas", event)
        self._text_done = True

    def _item_done(self, event: Json, item: Json) -> None:
        done = event.get("item", {})
        for name in ("id", "type", "call_id", "name"):
            demand(done.get(name) == item.get(name), f"the item keeps its {name}", (item, event))
        demand(self._part is None, "every part is done", event)
        if done["type"] in _CALLS:
            demand(self._text_done, "the arguments are done before the item", event)
            demand(done.get(_CALLS[done["type"]]) == "".join(self._text), "the item repeats them", event)
        if done["type"] == "message":
            demand(done.get("content") == self._parts, "the item repeats its parts", event)
            demand(done.get("status") == "completed", "the item is complete", event)
        if done["type"] == "reasoning":
            told = done.get("content") or done.get("summary")
            demand((told or []) == self._parts, "the item repeats its parts", event)
        self._done.append(done)
        self._item = None

    def _end(self, kind: str, event: Json) -> None:
        response = event.get("response", {})
        demand(response.get("status") == _ENDS[kind], "the status is the event's", event)
        if self._response is not None:
            demand(response.get("id") == self._response["id"], "the id stays the same", event)
        if kind == "response.failed":
            demand(isinstance(response.get("error"), dict), "a failure has an error", event)
            self.walk.failed = True
            return
        demand(self._in_progress, "a response that ends has begun", event)
        demand(self._item is None, "every item is done", event)
        demand(response.get("output") == self._done, "the response repeats its items", event)
        demand(response.get("error", 0) is None, "a response that ended has no error", event)
        usage = response.get("usage")
        if usage is not None:
            demand(
                is_count(usage["input_tokens"]) and is_count(usage["output_tokens"]), "usage counts", event
            )
            whole = usage["input_tokens"] + usage["output_tokens"]
            demand(usage["total_tokens"] == whole, "the total is the sum", event)
        details = response.get("incomplete_details") or {}
        reasons = ("max_output_tokens", "content_filter") if kind == "response.incomplete" else (None,)
        demand(details.get("reason") in reasons, "only what is incomplete says why", event)
        self.walk.ended = True


def check(wire: bytes) -> Walk:
    """Walk a stream. Raises `BrokenRule`."""
    grammar = _Grammar()
    for name, data in frames(wire):
        event = loaded(data, "data is JSON")
        demand(name is not None and event.get("type") == name, "the event's name is its type", data)
        grammar.take(name or "", event)
    return grammar.walk
