"""One JSON object of the wire, taken apart member by member; what nobody takes is kept."""

from typing import Annotated, Literal

import msgspec

from omniroute.conversation.parts import Extra

DIALECT = "openai-responses"

MARK = Extra(DIALECT, {})
"""Set where a node of this dialect differs from what the encoder would make of it by itself."""

_NULL = msgspec.Raw(b"null")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_TEXT: msgspec.json.Decoder[str | None] = msgspec.json.Decoder(str | None)
_FLAG: msgspec.json.Decoder[bool | None] = msgspec.json.Decoder(bool | None)
_COUNT: msgspec.json.Decoder[int | None] = msgspec.json.Decoder(int | None, strict=False)
_NUMBER: msgspec.json.Decoder[float | None] = msgspec.json.Decoder(float | None, strict=False)


class WrongShape(Exception):
    """A member is not what the dialect has there."""

    def __init__(self, path: str, wanted: str) -> None:
        super().__init__(f"{path}: must be {wanted}")
        self.path = path


class Members:
    """An object whose members are taken out one by one. Null counts as absent."""

    __slots__ = ("_of", "_path", "_place", "left")

    def __init__(
        self, members: dict[str, msgspec.Raw], path: str = "", *, of: "Objects | None" = None, place: int = 0
    ) -> None:
        """`of`: the list it stands in, at `place`, instead of a path."""
        self.left = members
        self._path = path
        self._of = of
        self._place = place

    @classmethod
    def of(cls, raw: msgspec.Raw, path: str) -> "Members":
        """The object that stands there. Raises `WrongShape` when there is none."""
        try:
            return cls(_MEMBERS.decode(raw), path)
        except (msgspec.ValidationError, RecursionError):
            raise WrongShape(path, "an object") from None

    @property
    def path(self) -> str:
        """Where it stands, for people."""
        return self._path if self._of is None else f"{self._of.path}[{self._place}]"

    def at(self, name: str) -> str:
        """Where a member stands, for people."""
        path = self.path
        return f"{path}.{name}" if path else name

    def peek(self, name: str) -> msgspec.Raw | None:
        """The member as it stood, which stays."""
        raw = self.left.get(name)
        return None if raw is None or raw == _NULL else raw

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
        raw = self.raw(name)
        return None if raw is None else Members.of(raw, self.at(name))

    def objects(self, name: str) -> "Objects":
        """A list of objects, none when it is absent."""
        return Objects(self.raw(name), self, name)

    def rest(self) -> Extra | None:
        """What nobody took."""
        if not self.left:
            return None
        kept = {name: value for name, value in self.left.items() if value != _NULL}
        return Extra(DIALECT, kept) if kept else None

    def rest_json(self) -> msgspec.Raw | None:
        """The same as JSON text."""
        rest = self.rest()
        return None if rest is None else raw_json(rest.members)


class Objects:
    """A list of objects, each also to be had as it stood."""

    __slots__ = ("_name", "_owner", "_raw", "_raws", "members")

    def __init__(self, raw: msgspec.Raw | None, owner: Members, name: str) -> None:
        """The list that `owner` has under `name`. Raises `WrongShape` when it is no list of objects."""
        self._raw = raw
        self._raws: list[msgspec.Raw] | None = None
        self._owner = owner
        self._name = name
        self.members: list[Members] = []
        if raw is None:
            return
        try:
            found = _OBJECTS.decode(raw)
        except (msgspec.ValidationError, RecursionError):
            for place, value in enumerate(items(raw, self.path)):
                Members.of(value, f"{self.path}[{place}]")
            raise
        self.members = [Members(value, of=self, place=place) for place, value in enumerate(found)]

    @property
    def path(self) -> str:
        """Where it stands, for people."""
        return self._owner.at(self._name)

    def raw(self, place: int) -> msgspec.Raw:
        """One of them as it stood."""
        if self._raws is None:
            self._raws = [] if self._raw is None else _LIST.decode(self._raw)
        return self._raws[place]


def items(raw: msgspec.Raw | None, path: str) -> list[msgspec.Raw]:
    """The values of a list, none when it is absent. Raises `WrongShape` when it is no list."""
    if raw is None:
        return []
    try:
        return _LIST.decode(raw)
    except (msgspec.ValidationError, RecursionError):
        raise WrongShape(path, "a list") from None


class _TextPart(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A content part that says nothing but a text."""

    type: Literal["input_text", "output_text", "text"]
    text: str
    annotations: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=0)] | None = None
    logprobs: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=0)] | None = None


_TEXT_PARTS = msgspec.json.Decoder(list[_TextPart])


def plain_texts(raw: msgspec.Raw) -> list[str] | None:
    """What content parts say that are texts and nothing more; `None` when there are others."""
    try:
        return [part.text for part in _TEXT_PARTS.decode(raw) if part.text]
    except (msgspec.ValidationError, RecursionError):
        return None


def is_text(raw: msgspec.Raw) -> bool:
    """True for a JSON string."""
    return bytes(memoryview(raw)[:1]) == b'"'


def text_of(raw: msgspec.Raw) -> str:
    """The string that stands there."""
    return _TEXT.decode(raw) or ""


def raw_json(value: object) -> msgspec.Raw:
    """A value as JSON text."""
    return msgspec.Raw(msgspec.json.encode(value))


def own(extra: Extra | None) -> dict[str, msgspec.Raw] | None:
    """The members kept for this dialect; `None` for a node that came from another."""
    return extra.members if extra is not None and extra.format == DIALECT else None
