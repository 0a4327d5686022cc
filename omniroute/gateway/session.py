"""Which conversation a request belongs to, as far as the client says."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from omniroute.formats.envelope import Envelope

_HEADERS = ("X-Session-Id", "session_id", "session-id", "conversation_id", "x-session-affinity")
_MAX_CHARS = 128
_BEGINNINGS = ("messages", "input", "contents")
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def session_of(headers: Mapping[str, str], envelope: Envelope) -> str | None:
    """The client's own name for the conversation, or `None` when it gives none."""
    for name in _HEADERS:
        if value := headers.get(name):
            return value[:_MAX_CHARS]
    if "prompt_cache_key" in envelope and isinstance(key := envelope.value("prompt_cache_key"), str):
        return key[:_MAX_CHARS]
    if "metadata" in envelope:
        return _of_metadata(envelope.value("metadata"))
    return None


def fingerprint(envelope: Envelope, tenant: str) -> str | None:
    """A name for the conversation made of how it begins, so all its turns have the same.

    `None` for a request without messages. Nothing of the text can be read from it.
    """
    first = next((raw for name in _BEGINNINGS if (raw := envelope.raw(name)) is not None), None)
    if first is None:
        return None
    digest = hashlib.blake2b(digest_size=8)
    for part in (tenant.encode(), envelope.raw("model") or b"", _first_of_user(first)):
        digest.update(part)
        digest.update(b"\0")
    return digest.hexdigest()


def _first_of_user(messages: bytes) -> bytes:
    """The messages up to the first of a user: what later turns only add to."""
    try:
        items = _ITEMS.decode(messages)
    except msgspec.MsgspecError:
        return messages  # one text
    place = next((place for place, item in enumerate(items) if b'"user"' in bytes(item)), len(items))
    return b"".join(bytes(item) for item in items[: place + 1])


def _of_metadata(metadata: Any) -> str | None:  # JSON of any shape
    """Claude Code packs a session into `metadata.user_id`: as JSON, or after `_session_`."""
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    if not isinstance(user, str) or not user:
        return None
    if user.startswith("{"):
        try:
            value = msgspec.json.decode(user)
        except msgspec.MsgspecError:
            return None
        session = value.get("session_id") if isinstance(value, dict) else None
        return session[:_MAX_CHARS] if isinstance(session, str) else None
    _, mark, session = user.rpartition("_session_")
    return session[:_MAX_CHARS] if mark else None
