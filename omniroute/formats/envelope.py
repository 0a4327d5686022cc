"""The top level of a JSON request: its members as they stood, and edits that leave the rest alone."""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from omniroute.errors import ErrorKind, Refused

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KEY = re.compile(rb'[\s,]*"(?:[^"\\]|\\.)*"\s*:\s*')
_MAX_MODEL_CHARS = 256
_NO_NAME = re.compile("[\x00-\x1f\x7f\ud800-\udfff]|\\.\\./|\\.\\.\\\\")
"""Control characters, halves of surrogates, and ways out of a path."""


class Envelope:
    """A request body that is edited by splicing: what is not named keeps its bytes."""

    def __init__(self, body: bytes) -> None:
        """Raises `Refused` when the body is not a JSON object."""
        self.body = body
        self._is_tidy = True
        self._members = self._read_members()

    @property
    def members(self) -> Mapping[str, msgspec.Raw] | None:
        """The members as they stood; `None` for a body that only lenient readers understand."""
        return self._members if self._is_tidy else None

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def raw(self, name: str) -> bytes | None:
        """The member's JSON text as it stood, or `None`."""
        value = self._members.get(name)
        return None if value is None else bytes(value)

    def value(self, name: str) -> Any:  # JSON of any shape
        """The member decoded, or `None` when it is absent or broken inside."""
        raw = self._members.get(name)
        if raw is None:
            return None
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _lenient(bytes(raw))

    @property
    def model(self) -> str:
        """The model the client asks for. Raises `Refused` when it is missing or no usable name."""
        name = self.value("model")
        if not isinstance(name, str) or not name.strip():
            raise Refused(ErrorKind.BAD_REQUEST, "the request names no model: set `model`", param="model")
        check_model_name(name)
        return name.strip()

    @property
    def stream(self) -> bool:
        """True when the client asks for a stream in so many words."""
        return self.raw("stream") == b"true"

    def with_model(self, model: str) -> bytes:
        """The body with another model name, every other byte as it stood where that can be told."""
        new = msgspec.json.encode(model)
        place = self._place_of("model")
        if place is None:
            return self.with_members({"model": new})
        start, end = place
        view = memoryview(self.body)
        return b"".join((view[:start], new, view[end:]))

    def with_first_member(self, name: str, value: bytes) -> bytes:
        """The body with one more member in front, every byte of the others as it stood."""
        start = self.body.index(b"{") + 1
        comma = b"," if self._members else b""
        return self.body[:start] + msgspec.json.encode(name) + b":" + value + comma + self.body[start:]

    def with_members(self, changes: dict[str, bytes]) -> bytes:
        """The body with members set to the JSON texts given; new ones stand last."""
        members = dict(self._members) | {name: msgspec.Raw(text) for name, text in changes.items()}
        return msgspec.json.encode(members)

    def _read_members(self) -> dict[str, msgspec.Raw]:
        try:
            return _MEMBERS.decode(self.body)
        except msgspec.ValidationError:
            raise Refused(ErrorKind.INVALID_JSON, "the body must be a JSON object") from None
        except RecursionError:
            raise Refused(ErrorKind.INVALID_JSON, "the body is nested too deeply") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._is_tidy = False
            return _mended(self.body, error)

    def _place_of(self, name: str) -> tuple[int, int] | None:
        """Where a member's value stands, found by walking the members; `None` when a name stands twice."""
        end = self.body.index(b"{") + 1
        for member, value in self._members.items():
            key = _KEY.match(self.body, end)
            if key is None:
                return None
            start, end = key.end(), key.end() + memoryview(value).nbytes
            if member == name:
                return (start, end) if self.body[start:end] == bytes(value) else None
        return None


def check_model_name(name: str) -> None:
    """Raises `Refused` for a name no provider could have."""
    if len(name) > _MAX_MODEL_CHARS:
        raise Refused(ErrorKind.BAD_REQUEST, f"model name over {_MAX_MODEL_CHARS} characters", param="model")
    if _NO_NAME.search(name):
        raise Refused(ErrorKind.BAD_REQUEST, "model name holds characters no model has", param="model")


def _mended(body: bytes, error: Exception) -> dict[str, msgspec.Raw]:
    """The members of what msgspec refuses, but not the standard library.

    Clients that cut a string inside an emoji send half a surrogate, some send NaN: both are met in the wild.
    """
    value = _lenient(body)
    if value is None:
        raise Refused(ErrorKind.INVALID_JSON, f"the body is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise Refused(ErrorKind.INVALID_JSON, "the body must be a JSON object") from None
    return {name: msgspec.Raw(json.dumps(member).encode()) for name, member in value.items()}


def _lenient(text: bytes) -> Any:  # JSON of any shape
    """What the standard library makes of it, or `None`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
