"""What an error body says, whichever vendor wrote it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

MAX_MESSAGE_CHARS = 2000


@dataclass(frozen=True, slots=True)
class WireError:
    """The parts of an error body that anybody uses. `None`: it does not say."""

    message: str | None = None
    type: str | None = None
    code: str | None = None
    detail: str = field(default="", compare=False)
    """What it says beside its message: reasons, limits, the words of an upstream behind the upstream."""

    @classmethod
    def of(cls, body: bytes) -> "WireError":
        """The error in a JSON body of any known shape; all `None` for a body that is none."""
        try:
            value = msgspec.json.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return cls()
        if isinstance(value, list) and value:
            value = value[0]  # Gemini wraps errors of array streams
        if not isinstance(value, dict):
            return cls()
        return _read(value)

    @property
    def words(self) -> str:
        """Everything it says in lower case, for looking words up."""
        return " ".join(part for part in (self.type, self.code, self.message, self.detail) if part).lower()


def _read(value: dict[str, Any]) -> WireError:
    """OpenAI, Anthropic and Gemini nest an `error` object; Ollama and others put a string there."""
    error = value.get("error", value.get("errors"))
    if isinstance(error, list) and error:
        error = error[0]
    if isinstance(error, str):
        return WireError(error[:MAX_MESSAGE_CHARS], _text(value.get("type")), _text(value.get("code")))
    source = error if isinstance(error, dict) else value
    texts = (_text(source.get(name)) for name in ("message", "detail", "msg", "error_msg"))
    message = next((text for text in texts if text), None)
    code = _text(source.get("code")) or _text(source.get("status"))
    detail = " ".join(_details(source))[:MAX_MESSAGE_CHARS]
    return WireError(
        message[:MAX_MESSAGE_CHARS] if message else None, _text(source.get("type")), code, detail
    )


def _details(source: dict[str, Any]) -> Iterator[str]:
    """Google's reasons and limits, Azure's inner code, what OpenRouter was told by a provider."""
    details = source.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict):
            yield _text(detail.get("reason")) or ""
            violations = detail.get("violations")
            for violation in violations if isinstance(violations, list) else ():
                yield _text(violation.get("quotaId")) or "" if isinstance(violation, dict) else ""
    for outer, name in (("innererror", "code"), ("metadata", "raw"), ("metadata", "error_type")):
        inner = source.get(outer)
        if isinstance(inner, dict):
            yield _text(inner.get(name)) or ""


def _text(value: object) -> str | None:
    """Strings and numbers as text; objects, such as FastAPI's `detail` list, as their JSON."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, (dict, list)):
        return msgspec.json.encode(value).decode()
    return str(value)
