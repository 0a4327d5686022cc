"""One JSON object of the wire, taken apart member by member; what nobody takes is kept."""

import msgspec

from omniroute.conversation.parts import Extra

DIALECT = "openai-responses"

MARK = Extra(DIALECT, {})
"""Set where a node of this dialect differs from what the encoder would make of it by itself."""

_NULL = msgspec.Raw(b"null")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_FLAG = msgspec.json.Decoder(bool)
_COUNT = msgspec.json.Decoder(int, strict=False)
_NUMBER = msgspec.json.Decoder(float, strict=False)


class WrongShape(Exception):
    """A member is not what the dialect has there."""

    def __init__(self, path: str, wanted: str) -> None:
        super().__init__(f"{path}: must be {wanted}")
        self.path = path


class Members:
    """An object whose members are taken out one by one. Null counts as absent."""

    __slots__ = ("left", "path")

    def __init__(self, members: dict[str, msgspec.Raw], path: str = "") -> None:
        self.left = {name: value for name, value in members.items() if value != _NULL}
        self.path = path

    @classmethod
    def of(cls, raw: msgspec.Raw, path: str) -> "Members":
        """The object that stands there. Raises `WrongShape` when there is none."""
        try:
            return cls(_MEMBERS.decode(raw), path)
        except (msgspec.ValidationError, RecursionError):
            raise WrongShape(path, "an object") from None

    def at(self, name: str) -> str:
        """Where a member stands, for people."""
        return f"{self.path}.{name}" if self.path else name

    def raw(self, name: str) -> msgspec.Raw | None:
        """The member as it stood."""
        return self.left.pop(name, None)

    def text(self, name: str) -> str | None:
        """A string."""
        raw = self.left.pop(name, None)
        if raw is None:
            return None
        try:
            return _TEXT.decode(raw)
        except msgspec.ValidationError:
            raise WrongShape(self.at(name), "a string") from None

    def flag(self, name: str) -> bool | None:
        """True or false."""
        raw = self.left.pop(name, None)
        if raw is None:
            return None
        try:
            return _FLAG.decode(raw)
        except msgspec.ValidationError:
            raise WrongShape(self.at(name), "true or false") from None

    def count(self, name: str) -> int | None:
        """A whole number."""
        raw = self.left.pop(name, None)
        if raw is None:
            return None
        try:
            return _COUNT.decode(raw)
        except msgspec.ValidationError:
            raise WrongShape(self.at(name), "a whole number") from None

    def number(self, name: str) -> float | None:
        """A number."""
        raw = self.left.pop(name, None)
        if raw is None:
            return None
        try:
            return _NUMBER.decode(raw)
        except msgspec.ValidationError:
            raise WrongShape(self.at(name), "a number") from None

    def nested(self, name: str) -> "Members | None":
        """An object."""
        raw = self.left.pop(name, None)
        return None if raw is None else Members.of(raw, self.at(name))

    def items(self, name: str) -> list[msgspec.Raw]:
        """A list, none when it is absent."""
        raw = self.left.pop(name, None)
        return [] if raw is None else items(raw, self.at(name))

    def objects(self, name: str) -> "list[Members]":
        """A list of objects."""
        path = self.at(name)
        return [Members.of(raw, f"{path}[{place}]") for place, raw in enumerate(self.items(name))]

    def rest(self) -> Extra | None:
        """What nobody took."""
        return Extra(DIALECT, self.left) if self.left else None


def items(raw: msgspec.Raw, path: str) -> list[msgspec.Raw]:
    """The values of a list. Raises `WrongShape` when it is none."""
    try:
        return _LIST.decode(raw)
    except (msgspec.ValidationError, RecursionError):
        raise WrongShape(path, "a list") from None


def is_text(raw: msgspec.Raw) -> bool:
    """True for a JSON string."""
    return bytes(memoryview(raw)[:1]) == b'"'


def text_of(raw: msgspec.Raw) -> str:
    """The string that stands there."""
    return _TEXT.decode(raw)


def raw_json(value: object) -> msgspec.Raw:
    """A value as JSON text."""
    return msgspec.Raw(msgspec.json.encode(value))


def own(extra: Extra | None) -> dict[str, msgspec.Raw] | None:
    """The members kept for this dialect; `None` for a node that came from another."""
    return extra.members if extra is not None and extra.format == DIALECT else None
