"""One JSON object of the wire, taken apart member by member; what nobody takes is kept."""

import json
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from omniroute.conversation.parts import CacheMark, Extra
from omniroute.errors import ErrorKind, Refused
from omniroute.formats.codec import Losses

NAME = "anthropic"
"""This dialect, as extras and opaque parts name it."""

MARK = Extra(NAME, {})
"""Set on a node that only this dialect may have, where nothing else tells so."""

T = TypeVar("T")

_NULL = msgspec.Raw(b"null")
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_STRING = msgspec.json.Decoder(str)
_FLAG = msgspec.json.Decoder(bool | None)
_COUNT = msgspec.json.Decoder(int | None)
_NUMBER = msgspec.json.Decoder(float | None)
_EPHEMERAL = msgspec.Raw(b'{"type":"ephemeral"}')
_MARK = CacheMark()


class WrongShape(Exception):
    """A member is not what the dialect has there."""

    def __init__(self, path: str, wanted: str) -> None:
        super().__init__(f"{path}: must be {wanted}")
        self.path = path


class Members:
    """An object whose members are taken out one by one. Null counts as absent."""

    __slots__ = ("left", "path")

    def __init__(self, members: dict[str, msgspec.Raw], path: str) -> None:
        self.left = members
        self.path = path

    @classmethod
    def of(cls, raw: msgspec.Raw, path: str) -> "Members":
        """The object that stands there. Raises `WrongShape` when there is none."""
        try:
            return cls(_OBJECT.decode(raw), path)
        except msgspec.ValidationError:
            raise WrongShape(path, "an object") from None

    def at(self, name: str) -> str:
        """Where a member stands, for people."""
        return f"{self.path}.{name}" if self.path else name

    def raw(self, name: str) -> msgspec.Raw | None:
        """The member as it stood."""
        raw = self.left.pop(name, None)
        return None if raw is None or raw == _NULL else raw

    def text(self, name: str) -> str | None:
        """A string."""
        raw = self.left.pop(name, None)
        if raw is None:
            return None
        try:
            return _STRING.decode(raw)
        except msgspec.ValidationError:
            if raw == _NULL:
                return None
            raise WrongShape(self.at(name), "a string") from None

    def required(self, name: str) -> str:
        """A string that has to be there."""
        try:
            return _STRING.decode(self.left.pop(name, _NULL))
        except msgspec.ValidationError:
            raise WrongShape(self.at(name), "a string") from None

    def flag(self, name: str) -> bool | None:
        """True or false."""
        return self._decoded(name, _FLAG, "true or false")

    def count(self, name: str) -> int | None:
        """A whole number."""
        return self._decoded(name, _COUNT, "a whole number")

    def number(self, name: str) -> float | None:
        """A number."""
        return self._decoded(name, _NUMBER, "a number")

    def _decoded(self, name: str, decoder: msgspec.json.Decoder[T | None], wanted: str) -> T | None:
        raw = self.left.pop(name, None)
        if raw is None:
            return None
        try:
            return decoder.decode(raw)
        except msgspec.ValidationError:
            raise WrongShape(self.at(name), wanted) from None

    def nested(self, name: str) -> "Members | None":
        """An object."""
        raw = self.raw(name)
        return None if raw is None else Members.of(raw, self.at(name))

    def items(self, name: str) -> list[msgspec.Raw]:
        """The values of a list, none when it is absent."""
        raw = self.raw(name)
        return [] if raw is None else items(raw, self.at(name))

    def cache(self) -> CacheMark | None:
        """The cache mark; one that says more than this version models stays as it stood, too."""
        raw = self.left.get("cache_control")
        if raw is None:
            return None
        if raw == _EPHEMERAL:
            del self.left["cache_control"]
            return _MARK
        if raw == _NULL:
            return None
        mark = Members.of(raw, self.at("cache_control"))
        kind, ttl = mark.text("type"), mark.text("ttl")
        if kind == "ephemeral" and not mark.left:
            del self.left["cache_control"]
        return CacheMark(ttl)

    def rest(self) -> Extra | None:
        """What nobody took."""
        if not self.left:
            return None
        kept = {name: value for name, value in self.left.items() if value != _NULL}
        return Extra(NAME, kept) if kept else None


def objects(raw: msgspec.Raw, path: str) -> list[Members]:
    """The objects of a list. Raises `WrongShape` when it is none."""
    try:
        found = _OBJECTS.decode(raw)
    except msgspec.ValidationError:
        return [Members.of(item, f"{path}[{place}]") for place, item in enumerate(items(raw, path))]
    return [Members(members, f"{path}[{place}]") for place, members in enumerate(found)]


def items(raw: msgspec.Raw, path: str) -> list[msgspec.Raw]:
    """The values of a list. Raises `WrongShape` when it is none."""
    try:
        return _LIST.decode(raw)
    except msgspec.ValidationError:
        raise WrongShape(path, "a list") from None


def is_text(raw: msgspec.Raw) -> bool:
    """True for a JSON string."""
    return bytes(memoryview(raw)[:1]) == b'"'


def text_of(raw: msgspec.Raw) -> str:
    """The string that stands there."""
    return _STRING.decode(raw)


def one_line(raw: msgspec.Raw | bytes) -> bytes:
    """JSON text without line ends, which mean nothing in it, but end an event of a stream."""
    return bytes(raw).replace(b"\n", b" ").replace(b"\r", b" ")


def raw_json(value: object) -> msgspec.Raw:
    """A value as JSON text."""
    return msgspec.Raw(msgspec.json.encode(value))


def own(extra: Extra | None, losses: Losses) -> dict[str, msgspec.Raw]:
    """What only this dialect understands; the same of another one is lost, by name."""
    if extra is None:
        return {}
    if extra.format == NAME:
        return extra.members
    for name in extra.members:
        losses.add(name)
    return {}


def cache_control(cache: CacheMark) -> dict[str, str]:
    """The wire's cache mark."""
    return {"type": "ephemeral"} if cache.ttl is None else {"type": "ephemeral", "ttl": cache.ttl}


def read(
    body: bytes, decode: Callable[[Members], T], *, members: Mapping[str, msgspec.Raw] | None = None
) -> T:
    """What `decode` makes of a body; of one that msgspec refuses, after it was tidied.

    Clients that cut a string inside an emoji send half a surrogate, some send NaN. Raises `Refused`.
    """
    try:
        return decode(Members(_OBJECT.decode(body) if members is None else dict(members), ""))
    except WrongShape as error:
        raise Refused(ErrorKind.BAD_REQUEST, str(error), param=error.path) from None
    except msgspec.ValidationError:
        raise Refused(ErrorKind.INVALID_JSON, "the body must be a JSON object") from None
    except RecursionError:
        raise Refused(ErrorKind.INVALID_JSON, "the body is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        tidy = _tidied(body)
    try:
        return decode(Members(_OBJECT.decode(tidy), ""))
    except WrongShape as error:
        raise Refused(ErrorKind.BAD_REQUEST, str(error), param=error.path) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(ErrorKind.INVALID_JSON, f"the body is not valid JSON: {error}") from None


def _tidied(body: bytes) -> bytes:
    try:
        value = json.loads(body, parse_constant=lambda _: None)
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    except RecursionError:
        raise Refused(ErrorKind.INVALID_JSON, "the body is nested too deeply") from None
    except ValueError as error:
        raise Refused(ErrorKind.INVALID_JSON, f"the body is not valid JSON: {error}") from None
