"""Grammar of Chat's streams.

Per choice `role-chunk delta* finish-chunk`, choices interleaved; then at most one usage chunk without
choices; then `[DONE]`. Or an error at any place, and `[DONE]` or nothing.
"""

from dataclasses import dataclass, field

from tests.formats.laws.grammar.rules import Json, Walk, demand, frames, is_count, loaded, take_id

_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
_STRINGS = ("content", "refusal", "reasoning_content", "reasoning")


@dataclass(slots=True)
class _Choice:
    calls: list[bool] = field(default_factory=list)
    """Of each call, whether it is a custom tool's."""
    finished: bool = False


def check(wire: bytes) -> Walk:
    """Walk a stream. Raises `BrokenRule`."""
    walk = Walk()
    choices: dict[int, _Choice] = {}
    head: tuple[object, ...] | None = None
    done = counted = False
    for name, data in frames(wire):
        demand(name in (None, "error"), "events have no names", name)
        demand(not done, "nothing follows [DONE]", data)
        if data == b"[DONE]":
            unfinished = not choices or not all(choice.finished for choice in choices.values())
            demand(walk.failed or not unfinished, "every choice has finished before [DONE]", wire[-300:])
            done, walk.ended = True, not walk.failed
            continue
        chunk = loaded(data, "data is JSON")
        demand(not walk.failed, "only [DONE] follows an error", chunk)
        if "error" in chunk:
            _error(walk, chunk)
            continue
        demand(chunk.get("object") == "chat.completion.chunk", "chunks say what they are", chunk)
        seen = (chunk.get("id"), chunk.get("created"), chunk.get("model"))
        demand(head in (None, seen), "id, created and model stay the same", chunk)
        demand(
            seen[0] and is_count(seen[1]) and isinstance(seen[2], str),
            "id, created and model are there",
            chunk,
        )
        head = seen
        demand(isinstance(chunk.get("choices"), list), "choices is a list", chunk)
        for choice in chunk["choices"]:
            _choice(walk, choices, choice)
        if chunk.get("usage") is not None:
            demand(not counted, "usage is told once", chunk)
            counted = True
            _usage(chunk)
            finished = all(choice.finished for choice in choices.values())
            demand(finished, "usage comes when every choice has finished", chunk)
        elif not chunk["choices"]:
            demand(condition=False, rule="a chunk without choices has usage", event=chunk)
    return walk


def _error(walk: Walk, chunk: Json) -> None:
    error = chunk["error"]
    demand(isinstance(error, dict) and isinstance(error.get("message"), str), "an error has a message", chunk)
    walk.failed = True


def _choice(walk: Walk, choices: dict[int, _Choice], choice: Json) -> None:
    index, delta = choice.get("index"), choice.get("delta")
    demand(is_count(index), "a choice has an index", choice)
    assert isinstance(index, int)
    demand(isinstance(delta, dict), "a choice has a delta", choice)
    assert isinstance(delta, dict)
    demand("finish_reason" in choice, "finish_reason is there, null until the end", choice)
    is_first = index not in choices
    seen = choices.setdefault(index, _Choice())
    demand(not seen.finished, "nothing comes of a choice that has finished", choice)
    demand(
        not is_first or delta.get("role") == "assistant", "the first delta of a choice has the role", choice
    )
    demand(is_first or "role" not in delta, "the role is told once", choice)
    for name in _STRINGS:
        demand(isinstance(delta.get(name), str | None), f"{name} is a string or null", choice)
    for call in delta.get("tool_calls") or ():
        _call(walk, seen, call)
    reason = choice["finish_reason"]
    if reason is not None:
        demand(reason in _REASONS, "a known reason to finish", choice)
        demand(bool(seen.calls) or reason != "tool_calls", "tool_calls is the reason only with calls", choice)
        seen.finished = True


def _call(walk: Walk, choice: _Choice, call: Json) -> None:
    index = call.get("index")
    demand(is_count(index), "a call has an index", call)
    assert isinstance(index, int)
    demand(index <= len(choice.calls), "calls are numbered from 0 without gaps", call)
    if index == len(choice.calls):
        take_id(walk, call.get("id"), call)
        demand(call.get("type") in ("function", "custom"), "the first fragment says the type", call)
        choice.calls.append(call["type"] == "custom")
        demand(call.get(call["type"], {}).get("name"), "the first fragment says the name", call)
    else:
        demand(not call.get("id") and "type" not in call, "only the first fragment has id and type", call)
    inside = call.get("custom" if choice.calls[index] else "function")
    demand(isinstance(inside, dict), "a fragment holds its function", call)
    text = (inside or {}).get("input" if choice.calls[index] else "arguments", "")
    demand(isinstance(text, str), "arguments are text", call)


def _usage(chunk: Json) -> None:
    usage = chunk["usage"]
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        demand(is_count(usage.get(name)), f"usage has {name}", chunk)
    whole = usage["prompt_tokens"] + usage["completion_tokens"]
    demand(usage["total_tokens"] == whole, "the total is the sum", chunk)
