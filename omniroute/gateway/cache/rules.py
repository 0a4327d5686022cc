"""Which requests may be answered from the cache, and which answers may be kept."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from omniroute.formats.envelope import Envelope
from omniroute.gateway.call import Call
from omniroute.records import FormatName, Snapshot
from omniroute.routing.route import Route

MAX_REQUEST_BYTES = 256_000
MAX_ANSWER_BYTES = 1024 * 1024
NO_CACHE = "X-OmniRoute-No-Cache"


class Asked(msgspec.Struct, frozen=True):
    """One request as the cache sees it."""

    snapshot: Snapshot
    call: Call
    envelope: Envelope
    stream: bool
    route: Route
    requested: str
    """The model by the name the client used."""

    @property
    def tenant(self) -> str:
        """Whose request it is."""
        return self.call.key.id if self.call.key is not None else "local"


def why_not(asked: Asked) -> str | None:
    """Why the cache has no part in a request, or `None`. What rules out most requests is looked at first."""
    if asked.stream:
        return "a stream"
    for reason, rules_out in _RULES:
        if rules_out(asked):
            return reason
    return None


def has_remote_media(value: Any) -> bool:  # JSON of any shape
    """Whether a picture or file is named by where it lies: what lies there may change."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            for name, member in value.items():
                if isinstance(member, str):
                    if name in _ADDRESSES and not member.startswith("data:"):
                        return True
                else:
                    waiting.append(member)
    return False


def is_keepable(format_name: FormatName, status: int, body: bytes) -> bool:
    """Whether an answer came to its natural end, so that the next one who asks is served as well with it."""
    if status != 200 or len(body) > MAX_ANSWER_BYTES:
        return False
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(answer, dict) and _ENDINGS[format_name](answer)


_ADDRESSES = frozenset({"url", "image_url", "file_url", "fileUri", "file_uri", "uri", "file_id", "fileId"})
_SAMPLING: Mapping[FormatName, tuple[str, ...]] = {
    FormatName.GEMINI: ("generationConfig", "generation_config"),
    FormatName.OLLAMA: ("options",),
}
"""Where the dialects that have such a place say how the answer is drawn."""


def _sampling(asked: Asked, *names: str) -> Any:  # JSON of any shape
    """The first of these members that is there, wherever the dialect has it."""
    envelope, format_name = asked.envelope, asked.call.operation.format
    holders = _SAMPLING.get(format_name) if format_name is not None else None
    if holders is None:
        for name in names:
            if name in envelope:
                return envelope.value(name)
        return None
    for holder in holders:
        members = envelope.value(holder) if holder in envelope else None
        if isinstance(members, dict):
            return next((members[name] for name in names if name in members), None)
    return None


def _draws(asked: Asked) -> bool:
    temperature = _sampling(asked, "temperature")
    return isinstance(temperature, bool) or temperature is None or temperature != 0


def _wants_many(asked: Asked) -> bool:
    many = _sampling(asked, "n", "candidateCount", "candidate_count")
    return many is not None and many not in (0, 1)


def _wants_audio(asked: Asked) -> bool:
    asked_for = _sampling(asked, "modalities", "responseModalities", "response_modalities")
    names = asked_for if isinstance(asked_for, list) else []
    return "audio" in asked.envelope or any(str(name).lower() == "audio" for name in names)


_STATE = ("previous_response_id", "conversation", "cachedContent", "cached_content")


def _has_state(asked: Asked) -> bool:
    envelope = asked.envelope
    if any(envelope.raw(name) not in (None, b"null") for name in _STATE):
        return True
    return any(envelope.raw(name) == b"true" for name in ("store", "background"))


def _declines(asked: Asked) -> bool:
    return asked.call.headers.get(NO_CACHE, "0").strip().lower() not in ("0", "false", "")


_RULES: tuple[tuple[str, Callable[[Asked], bool]], ...] = (
    ("the cache is off", lambda asked: not asked.snapshot.preferences.cache.enabled),
    ("no conversation", lambda asked: asked.call.operation.format is None),
    ("no temperature of 0", _draws),
    ("too large", lambda asked: len(asked.call.body) > MAX_REQUEST_BYTES),
    ("a key that leaves no log", lambda asked: asked.call.key is not None and asked.call.key.no_log),
    ("the client wants none", _declines),
    ("several answers", _wants_many),
    ("spoken answers", _wants_audio),
    ("state the provider keeps", _has_state),
)


def _chat_ended(answer: dict[str, Any]) -> bool:
    return _all_end(answer.get("choices"), "finish_reason", ("stop", "tool_calls", "function_call"))


def _gemini_ended(answer: dict[str, Any]) -> bool:
    return _all_end(answer.get("candidates"), "finishReason", ("STOP",))


def _all_end(choices: object, name: str, good: tuple[str, ...]) -> bool:
    if not isinstance(choices, list) or not choices:
        return False
    return all(isinstance(choice, dict) and choice.get(name) in good for choice in choices)


_ENDINGS: Mapping[FormatName, Callable[[dict[str, Any]], bool]] = {
    FormatName.OPENAI_CHAT: _chat_ended,
    FormatName.ANTHROPIC: lambda answer: (
        answer.get("stop_reason") in ("end_turn", "tool_use", "stop_sequence")
    ),
    FormatName.OPENAI_RESPONSES: lambda answer: answer.get("status") == "completed",
    FormatName.GEMINI: _gemini_ended,
    FormatName.OLLAMA: lambda answer: answer.get("done") is True and answer.get("done_reason") == "stop",
}
