"""Grammar of Gemini's streams: `chunk*`, one finish per candidate; or an error, and nothing after it."""

from tests.formats.laws.grammar.rules import Json, Walk, demand, frames, is_count, loaded

_DATA = frozenset(
    {
        "text",
        "functionCall",
        "inlineData",
        "fileData",
        "executableCode",
        "codeExecutionResult",
        "functionResponse",
    }
)
_REASONS = frozenset(
    {
        "STOP",
        "MAX_TOKENS",
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "OTHER",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
    }
    | {"MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL", "FINISH_REASON_UNSPECIFIED"}
)


def check(wire: bytes) -> Walk:
    """Walk a stream of server-sent events. Raises `BrokenRule`."""
    walk = Walk()
    finished: dict[int, bool] = {}
    for name, data in frames(wire.replace(b"\r\n", b"\n")):
        demand(name is None, "events have no names", name)
        chunk = loaded(data, "data is JSON")
        demand(isinstance(chunk, dict), "a chunk is an object", chunk)
        demand(not walk.failed, "nothing follows an error", chunk)
        if "error" in chunk:
            error = chunk["error"]
            demand(is_count(error.get("code")) and error.get("status"), "an error has code and status", chunk)
            demand(isinstance(error.get("message"), str), "an error has a message", chunk)
            walk.failed = True
            continue
        demand(isinstance(chunk.get("modelVersion"), str), "a chunk names the model", chunk)
        for candidate in chunk.get("candidates", ()):
            _candidate(walk, finished, candidate)
        if "usageMetadata" in chunk:
            counts = [value for key, value in chunk["usageMetadata"].items() if key.endswith("TokenCount")]
            demand(all(is_count(count) for count in counts), "counts are whole numbers", chunk)
    walk.ended = not walk.failed and bool(finished) and all(finished.values())
    return walk


def _candidate(walk: Walk, finished: dict[int, bool], candidate: Json) -> None:
    index = candidate.get("index", 0)
    demand(not finished.get(index), "nothing comes of a candidate that has finished", candidate)
    finished[index] = False
    content = candidate.get("content", {})
    demand(content.get("role", "model") == "model", "the model speaks", candidate)
    for part in content.get("parts", ()):
        _part(walk, part)
    reason = candidate.get("finishReason")
    if reason is not None:
        demand(reason in _REASONS, "a known reason to finish", candidate)
        finished[index] = True


def _part(walk: Walk, part: Json) -> None:
    demand(len(_DATA & part.keys()) == 1, "a part is of one kind", part)
    demand(isinstance(part.get("text", ""), str), "text is a string", part)
    demand(isinstance(part.get("thought", False), bool), "thought is a mark", part)
    demand(isinstance(part.get("thoughtSignature", ""), str), "a signature is a string", part)
    call = part.get("functionCall")
    if call is not None:
        demand(isinstance(call.get("name"), str) and call["name"], "a call has a name", part)
        demand(isinstance(call.get("args", {}), dict), "args are an object", part)
        if "id" in call:
            demand(call["id"] not in walk.call_ids, "ids of tool calls are unique in an answer", part)
            walk.call_ids.append(call["id"])
    media = part.get("inlineData")
    if media is not None:
        demand(isinstance(media.get("data"), str), "inline data is base64", part)
