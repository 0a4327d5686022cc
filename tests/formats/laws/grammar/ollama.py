"""Grammar of Ollama's streams: `line* (last-line | error-line)`."""

from tests.formats.laws.grammar.rules import Json, Walk, demand, is_count, loaded, take_id

_COUNTS = ("prompt_eval_count", "eval_count", "total_duration", "load_duration")


def check(wire: bytes) -> Walk:
    """Walk a stream. Raises `BrokenRule`."""
    walk = Walk()
    demand(not wire or wire.endswith(b"\n"), "the stream ends at the end of a line", wire[-60:])
    head: tuple[object, object] | None = None
    for raw in wire.split(b"\n")[:-1]:
        demand(not walk.ended and not walk.failed, "nothing follows the last line or an error", raw)
        line = loaded(raw, "each line is JSON")
        demand(isinstance(line, dict), "each line is an object", line)
        if "error" in line:
            demand(
                set(line) == {"error"} and isinstance(line["error"], str), "an error is one sentence", line
            )
            walk.failed = True
            continue
        seen = (line.get("model"), line.get("created_at"))
        demand(all(isinstance(value, str) for value in seen), "a line has model and created_at", line)
        demand(head in (None, seen), "model and created_at stay the same", line)
        head = seen
        _message(walk, line)
        demand(isinstance(line.get("done"), bool), "done is true or false", line)
        if line["done"]:
            _last(walk, line)
        else:
            demand("done_reason" not in line, "only the last line has a reason", line)
    return walk


def _message(walk: Walk, line: Json) -> None:
    message = line.get("message")
    demand(isinstance(message, dict), "a line has a message", line)
    assert message is not None
    demand(message.get("role") == "assistant", "the assistant speaks", line)
    demand(isinstance(message.get("content"), str), "content is a string", line)
    demand(isinstance(message.get("thinking", ""), str), "thinking is a string", line)
    demand("images" not in message, "answers of a chat hold no images", line)
    calls = message.get("tool_calls", [None])
    demand(isinstance(calls, list) and calls, "a list of calls is not empty", line)
    for call in calls if "tool_calls" in message else ():
        function = call.get("function", {})
        take_id(walk, call.get("id"), line)
        demand(function.get("index") == len(walk.call_ids) - 1, "calls are numbered from 0", line)
        demand(isinstance(function.get("name"), str) and function["name"], "a call has a name", line)
        demand(isinstance(function.get("arguments"), dict), "arguments are an object", line)


def _last(walk: Walk, line: Json) -> None:
    demand(line.get("done_reason") in ("stop", "length", "load", "unload"), "a known reason", line)
    demand(all(is_count(line[name]) for name in _COUNTS if name in line), "counts are whole numbers", line)
    walk.ended = True
