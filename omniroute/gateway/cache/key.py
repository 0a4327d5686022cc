"""What names an answer: equal for requests that ask the same of the same, and for no others."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from omniroute.gateway.cache.rules import Asked, has_remote_media
from omniroute.gateway.cache.same_words import same_words

VERSION = 1
"""Changes with everything that makes old keys or old answers wrong."""

_LEFT_OUT = frozenset({"model", "stream", "stream_options", "user", "metadata", "service_tier"})
"""Members of a body that change nothing about the answer; the model is in the key by itself."""
_HEADERS = ("anthropic-version", "anthropic-beta", "openai-beta")
"""Headers that an upstream gets and may answer otherwise for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The names under which an answer is looked for."""

    exact: str
    words: str | None
    """For all ways to say the same; `None`: only this one."""
    scope: str | None
    """For all that is the same but the question; `None`: not a single question without tools."""
    question: str


def keys_of(asked: Asked) -> Keys | None:
    """The request's keys; `None` for one whose answer does not follow from its body alone."""
    body = _decoded(asked.call.body)
    if body is None or has_remote_media(body):
        return None
    settings = asked.snapshot.preferences.cache
    facts = _facts(asked, body)
    tenant = asked.tenant if settings.scope == "key" else ""
    exact = _digest(facts, tenant, "exact")
    place = _question(body) if settings.same_words or settings.semantic != "off" else None
    if place is None:
        return Keys(exact=exact, words=None, scope=None, question="")
    question: str = place[0][place[1]]
    words = same_words(question) if settings.same_words else None
    place[0][place[1]] = words  # `facts` holds the body, so the keys below are of the changed one
    by_words = _digest(facts, tenant, "words") if words is not None else None
    place[0][place[1]] = None
    alone = settings.semantic != "off" and _is_single(body)
    return Keys(
        exact=exact,
        words=by_words,
        scope=_digest(facts, asked.tenant, "scope") if alone else None,
        question=question,
    )


def _facts(asked: Asked, body: dict[str, Any]) -> dict[str, Any]:
    preferences, call = asked.snapshot.preferences, asked.call
    return {
        "version": VERSION,
        "operation": call.operation.name,
        "model": asked.requested,
        "targets": sorted({f"{one.provider.id}/{one.model}" for one in asked.route.members}),
        "headers": [call.headers.get(name) for name in _HEADERS],
        "prompt": preferences.system_prompt.text,
        "thinking": msgspec.to_builtins(preferences.thinking_budget),
        "body": {name: value for name, value in body.items() if name not in _LEFT_OUT},
    }


def _digest(facts: dict[str, Any], tenant: str, tier: str) -> str:
    text = json.dumps({**facts, "tenant": tenant, "tier": tier}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class _Twice(ValueError):
    """A member stands twice: which one counts is up to who reads it."""


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Twice
    return members


def _decoded(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


Place = tuple[Any, Any]
"""A list or an object, and where in it."""


def _question(body: dict[str, Any]) -> Place | None:
    """Where the text of the last message stands, when the user said it and it is all text."""
    for name in ("messages", "input", "contents"):
        turns = body.get(name)
        if isinstance(turns, str) and name == "input":
            return body, name
        if isinstance(turns, list) and turns:
            return _text_of(turns[-1])
    return None


def _text_of(turn: object) -> Place | None:
    if not isinstance(turn, dict) or turn.get("role", "user") != "user":
        return None
    name = "parts" if "parts" in turn else "content"
    content = turn.get(name)
    if isinstance(content, str):
        return turn, name
    if not isinstance(content, list) or len(content) != 1 or not isinstance(content[0], dict):
        return None
    return (content[0], "text") if isinstance(content[0].get("text"), str) else None


def _is_single(body: dict[str, Any]) -> bool:
    """One question, with no turn before it and no tools."""
    if body.get("tools") or body.get("functions"):
        return False
    turns = body.get("messages") or body.get("input") or body.get("contents")
    if not isinstance(turns, list):
        return True
    spoken = [turn for turn in turns if not isinstance(turn, dict) or turn.get("role") not in _INSTRUCTS]
    return len(spoken) == 1


_INSTRUCTS = ("system", "developer")
