"""Reading JSON of a request member by member, whichever way its names are written."""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

import msgspec

from omniroute.conversation.parts import Extra
from omniroute.errors import ErrorKind, Refused

NAME = "gemini"
"""This dialect, as extras and opaque parts name it."""

Members = dict[str, msgspec.Raw]

T = TypeVar("T")

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_STRING = msgspec.json.Decoder(str)
_INTEGER = msgspec.json.Decoder(int)
_NUMBER = msgspec.json.Decoder(float)
_BOOLEAN = msgspec.json.Decoder(bool)
_NULL = b"null"


@lru_cache(maxsize=1024)
def camel(name: str) -> str:
    """`system_instruction` as `systemInstruction`: Google's servers take both."""
    head, *tail = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in tail) if head else name


def wrong(where: str, what: str) -> Refused:
    """The refusal of a member of the wrong shape."""
    return Refused(ErrorKind.BAD_REQUEST, f"{where}: must be {what}", param=where)


def members(raw: msgspec.Raw | bytes, where: str) -> Members:
    """The members of an object by their camelCase names; null counts as absent."""
    try:
        found = _OBJECT.decode(raw)
    except msgspec.ValidationError:
        raise wrong(where, "an object") from None
    return tidy(found)


def tidy(found: Members) -> Members:
    """The same members by their camelCase names, without those that are null."""
    for name, value in found.items():
        if "_" in name or (len(memoryview(value)) == 4 and bytes(value) == _NULL):
            return {camel(name): value for name, value in found.items() if bytes(value) != _NULL}
    return found


def objects(raw: msgspec.Raw, where: str) -> list[Members]:
    """The members of each element of an array."""
    try:
        return [tidy(found) for found in _OBJECTS.decode(raw)]
    except msgspec.ValidationError:
        return [members(item, f"{where}[{place}]") for place, item in enumerate(items(raw, where))]


def items(raw: msgspec.Raw, where: str) -> list[msgspec.Raw]:
    """The elements of an array; a single object stands for an array of one."""
    if bytes(memoryview(raw)[:1]) == b"{":
        return [raw]
    try:
        return _ARRAY.decode(raw)
    except msgspec.ValidationError:
        raise wrong(where, "an array") from None


def string(raw: msgspec.Raw, where: str) -> str:
    """A text."""
    try:
        return _STRING.decode(raw)
    except msgspec.ValidationError:
        raise wrong(where, "a string") from None


def plain_text(part: Members) -> str | None:
    """The text of a part that holds nothing else; `None` for any other part, and for one that is wrong."""
    try:
        return _STRING.decode(part["text"])
    except (KeyError, msgspec.ValidationError):
        return None


def integer(raw: msgspec.Raw, where: str) -> int:
    """A whole number; 40.0 is one, and so is "40": protocol buffers write 64-bit numbers as text."""
    try:
        return _INTEGER.decode(_unquoted(raw))
    except msgspec.ValidationError:
        raise wrong(where, "a whole number") from None


def number(raw: msgspec.Raw, where: str) -> float:
    """A number."""
    try:
        return _NUMBER.decode(raw)
    except msgspec.ValidationError:
        raise wrong(where, "a number") from None


def boolean(raw: msgspec.Raw, where: str) -> bool:
    """True or false."""
    try:
        return _BOOLEAN.decode(raw)
    except msgspec.ValidationError:
        raise wrong(where, "true or false") from None


def strings(raw: msgspec.Raw, where: str) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(string(item, f"{where}[{place}]") for place, item in enumerate(items(raw, where)))


def json_text(raw: msgspec.Raw) -> str:
    """A member as the JSON text it stood as."""
    return bytes(raw).decode()


def extra(left: Members) -> Extra | None:
    """What is left of an object once all that is known was taken out."""
    return Extra(NAME, left) if left else None


def _unquoted(raw: msgspec.Raw) -> bytes:
    text = bytes(raw)
    return text[1:-1] if text.startswith(b'"') else text


def read(body: bytes, decode: Callable[[bytes], T]) -> T:
    """What `decode` makes of a body; of one that msgspec refuses, after it was tidied.

    Clients that cut a string inside an emoji send half a surrogate, some send NaN. Raises `Refused`.
    """
    try:
        return decode(body)
    except msgspec.ValidationError:
        raise Refused(ErrorKind.INVALID_JSON, "the body must be a JSON object") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        tidy = _tidied(body)
    except RecursionError:
        raise _too_deep() from None
    try:
        return decode(tidy)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(ErrorKind.INVALID_JSON, f"the body is not valid JSON: {error}") from None
    except RecursionError:
        raise _too_deep() from None


def _tidied(body: bytes) -> bytes:
    try:
        value = json.loads(body, parse_constant=lambda _: None)
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    except ValueError as error:
        raise Refused(ErrorKind.INVALID_JSON, f"the body is not valid JSON: {error}") from None
    except RecursionError:
        raise _too_deep() from None


def _too_deep() -> Refused:
    return Refused(ErrorKind.INVALID_JSON, "the body is nested too deeply")
