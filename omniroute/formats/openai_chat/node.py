"""JSON objects taken apart member by member; what nobody took is left as it stood."""

import json
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from omniroute.conversation.parts import Extra

DIALECT = "openai-chat"
"""The dialect's name in what is kept for it alone."""

T = TypeVar("T")

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_INTEGER = msgspec.json.Decoder(int)
_NUMBER = msgspec.json.Decoder(float)
_FLAG = msgspec.json.Decoder(bool)


class Malformed(Exception):
    """A value is not what its place asks for."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class NotJson(Exception):
    """Bytes that are no JSON, for any reader."""


class Node:
    """One object on its way to a value."""

    __slots__ = ("_members", "path")

    def __init__(self, members: dict[str, msgspec.Raw], path: str) -> None:
        self._members = members
        self.path = path

    @classmethod
    def of(cls, raw: bytes | msgspec.Raw, path: str) -> "Node":
        """The object these bytes hold. Raises Malformed when it is none."""
        try:
            return cls(_MEMBERS.decode(raw), path)
        except msgspec.ValidationError:
            raise Malformed(path, "must be an object") from None

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def raw(self, name: str) -> msgspec.Raw | None:
        """The member as it stood; null is none."""
        value = self._members.pop(name, None)
        return None if value is None or is_null(value) else value

    def text(self, name: str) -> str | None:
        """The member, a string."""
        return self._scalar(name, _TEXT, "must be a string")

    def integer(self, name: str) -> int | None:
        """The member, a whole number."""
        return self._scalar(name, _INTEGER, "must be an integer")

    def number(self, name: str) -> float | None:
        """The member, a number."""
        return self._scalar(name, _NUMBER, "must be a number")

    def flag(self, name: str) -> bool | None:
        """The member, true or false."""
        return self._scalar(name, _FLAG, "must be true or false")

    def node(self, name: str) -> "Node | None":
        """The member, an object."""
        value = self.raw(name)
        return None if value is None else Node.of(value, self._path(name))

    def items(self, name: str) -> list[msgspec.Raw]:
        """The member's elements; none when it is absent."""
        value = self.raw(name)
        if value is None:
            return []
        try:
            return _ITEMS.decode(value)
        except msgspec.ValidationError:
            raise Malformed(self._path(name), "must be an array") from None

    def nodes(self, name: str) -> list["Node"]:
        """The member's elements, all of them objects."""
        path = self._path(name)
        return [Node.of(item, f"{path}[{place}]") for place, item in enumerate(self.items(name))]

    def texts(self, name: str) -> tuple[str, ...]:
        """The member's elements, all of them strings."""
        path = self._path(name)
        return tuple(as_text(item, f"{path}[{place}]") for place, item in enumerate(self.items(name)))

    def text_or_raw(self, name: str) -> str | msgspec.Raw | None:
        """The member as text when it is a string, else as it stood."""
        value = self.raw(name)
        return _TEXT.decode(value) if value is not None and is_text(value) else value

    def put_back(self, name: str, value: msgspec.Raw) -> None:
        """Leave a member for the rest after all."""
        self._members[name] = value

    def rest(self) -> dict[str, msgspec.Raw]:
        """Every member that was not taken."""
        return {name: value for name, value in self._members.items() if not is_null(value)}

    def extra(self) -> Extra | None:
        """The same, for this dialect alone."""
        if not self._members:
            return None
        rest = self.rest()
        return Extra(DIALECT, rest) if rest else None

    def _scalar(self, name: str, decoder: msgspec.json.Decoder[T], expected: str) -> T | None:
        value = self._members.pop(name, None)
        if value is None:
            return None
        try:
            return decoder.decode(value)
        except msgspec.ValidationError:
            if is_null(value):
                return None
            raise Malformed(self._path(name), expected) from None

    def _path(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def is_null(raw: msgspec.Raw) -> bool:
    """True for null."""
    return memoryview(raw).nbytes == 4 and bytes(raw) == b"null"


def is_text(raw: msgspec.Raw) -> bool:
    """True for a string."""
    return bytes(memoryview(raw)[:1]) == b'"'


def is_list(raw: msgspec.Raw) -> bool:
    """True for an array."""
    return bytes(memoryview(raw)[:1]) == b"["


def as_text(raw: msgspec.Raw, path: str) -> str:
    """The string. Raises Malformed when it is none."""
    try:
        return _TEXT.decode(raw)
    except msgspec.ValidationError:
        raise Malformed(path, "must be a string") from None


def as_raw(value: object) -> msgspec.Raw:
    """The value's JSON."""
    return msgspec.Raw(msgspec.json.encode(value))


def read(body: bytes, build: Callable[[Node], T], *, members: Mapping[str, msgspec.Raw] | None = None) -> T:
    """What `build` makes of the body. Raises Malformed, and NotJson for what no reader can make sense of.

    Half surrogates and NaN are met in the wild, and refused by msgspec but not by the standard library:
    such bodies are read a second time, with a question mark or null in their place.
    """
    try:
        try:
            return build(Node.of(body, "") if members is None else Node(dict(members), ""))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return build(Node.of(_mended(body), ""))
    except RecursionError:
        raise Malformed("", "the body is nested too deeply") from None


def _mended(body: bytes) -> bytes:
    try:
        value = json.loads(body, parse_constant=lambda _: None)
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    except ValueError as error:
        raise NotJson(str(error)) from None
