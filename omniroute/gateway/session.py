"""Which conversation a request belongs to, as far as the client says."""

from collections.abc import Mapping
from typing import Any

import msgspec

from omniroute.formats.envelope import Envelope

_HEADERS = ("X-Session-Id", "session_id", "session-id", "conversation_id", "x-session-affinity")
_MAX_CHARS = 128


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
