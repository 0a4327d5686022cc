"""Members of a JSON object, taken out one by one and each held to its type."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec

from omniroute.conversation.parts import Extra
from omniroute.errors import ErrorKind, ProtocolError, Refused
from omniroute.formats.watch import decode

T = TypeVar("T")

FORMAT = "ollama"
"""What this dialect calls itself in `Extra` and `Opaque`."""

MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
STRING = msgspec.json.Decoder(str)
STRINGS = msgspec.json.Decoder(list[str])
NUMBER = msgspec.json.Decoder(int | float)
BOOL = msgspec.json.Decoder(bool)
_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_NULL = msgspec.Raw(b"null")


class Node:
    """One object of a request. What was not taken out stays for `extra`."""

    __slots__ = ("_members", "path")

    def __init__(self, path: str, members: dict[str, msgspec.Raw]) -> None:
        self.path = path
        self._members = members

    def raw(self, name: str) -> msgspec.Raw | None:
        """The member as it stood; `None` when it is absent or null."""
        raw = self._members.pop(name, None)
        return None if raw == _NULL else raw

    def object(self, name: str) -> msgspec.Raw | None:
        """The member as it stood if it is an object; anything else stays to be taken in another way."""
        return self._members.pop(name) if bytes(self._members.get(name, _NULL))[:1] == b"{" else None

    def take(self, name: str, decoder: msgspec.json.Decoder[T]) -> T | None:
        """The member; `None` when it is absent or null. Raises `Refused` for another type."""
        raw = self._members.pop(name, None)
        if raw is None:
            return None
        try:
            return decoder.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None if raw == _NULL else _read(decoder, bytes(raw), self.place(name))

    def text(self, name: str) -> str:
        """The member; empty when it is absent or null."""
        return self.take(name, STRING) or ""

    def whole_number(self, name: str) -> int | None:
        """The member; `128.0` is a whole number too. Raises `Refused` for any other."""
        number = self.take(name, NUMBER)
        if number is None or isinstance(number, int):
            return number
        if not number.is_integer():
            raise missing(self, name, f"expected a whole number, got {number}")
        return int(number)

    def nodes(self, name: str) -> Iterator["Node"]:
        """The objects of a member that is a list; none when it is absent."""
        place = self.place(name)
        objects = self.take(name, _OBJECTS)
        for index, members in enumerate(objects or ()):
            yield Node(f"{place}[{index}]", members)

    def node(self, name: str) -> "Node | None":
        """The member as an object of its own."""
        members = self.take(name, MEMBERS)
        return None if members is None else Node(self.place(name), members)

    def place(self, name: str) -> str:
        """Where a member stands, for people."""
        return f"{self.path}.{name}" if self.path else name

    def rest(self) -> dict[str, msgspec.Raw]:
        """What nobody took."""
        members = self._members
        return {name: raw for name, raw in members.items() if raw != _NULL} if members else members

    def extra(self) -> Extra | None:
        """The same, to be written back."""
        members = self.rest()
        return Extra(FORMAT, members) if members else None


def read_body(body: bytes, members: Mapping[str, msgspec.Raw] | None = None) -> Node:
    """The whole request. Raises `Refused` when it is no JSON object.

    `members`: those of the body, where it was taken apart already.
    """
    return Node("", _read(MEMBERS, body, "the body") if members is None else dict(members))


def missing(node: Node, name: str, what: str = "is missing") -> Refused:
    """The refusal of an object for one of its members."""
    place = node.place(name)
    return Refused(ErrorKind.BAD_REQUEST, f"{place}: {what}", param=place)


def members_of(extra: Extra | None) -> dict[str, msgspec.Raw]:
    """What of an extra is to be written into this dialect."""
    return extra.members if extra is not None and extra.format == FORMAT else {}


def _read(decoder: msgspec.json.Decoder[T], raw: bytes, path: str) -> T:
    try:
        return decode(decoder, raw)
    except msgspec.ValidationError as error:
        said, _, inside = str(error).partition(" - at `$")
        place = path + inside.rstrip("`")
        raise Refused(
            ErrorKind.BAD_REQUEST, f"{place}: {said[:1].lower()}{said[1:].replace('`', '')}", param=place
        ) from None
    except ProtocolError:
        raise Refused(ErrorKind.INVALID_JSON, f"{path} is not valid JSON", param=path) from None
