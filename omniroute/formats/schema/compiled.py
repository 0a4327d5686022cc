"""A JSON Schema as a dialect takes it, remembered: the same tools come with every request."""

from collections import OrderedDict
from typing import TypeAlias

import msgspec

from omniroute.formats.schema.rewrite import TooLarge, rewritten
from omniroute.formats.schema.rules import ANSWER, TOOL
from omniroute.formats.schema.strict import takes_strict
from omniroute.formats.schema.tree import Json, parse, write

_NOTHING = b'{"type":"object","properties":{}}'
"""What stands for no schema at all."""
MAX_BYTES = 1 << 18
"""A schema longer than this goes as it is; reading it would hold up everybody else."""

_Key: TypeAlias = tuple[bytes, str, bool, bool]
"""The schema as it came, the dialect, `strict` and `answer`."""


class Compiled(msgspec.Struct, frozen=True):
    """A schema that its dialect takes, and what had to be left out of it or is only said in words there."""

    schema: msgspec.Raw
    losses: tuple[str, ...] = ()
    """`schema.<keyword>` for constraints, `schema` when nothing could be read, `strict` when not kept."""
    wrapped: bool = False
    """It is no object's, and arguments for it stand in the member `value` of one."""


def compiled(
    schema: msgspec.Raw | None, dialect: str, *, strict: bool = False, answer: bool = False
) -> Compiled:
    """The schema as `dialect` takes it for a function, or for answers; the same bytes where it does already.

    `strict`: it is to be kept to the letter, which OpenAI and Anthropic promise for a part of JSON Schema
    only; `strict` among the losses says that it is not in that part.
    """
    text = _NOTHING if schema is None else bytes(schema)
    key = (text, dialect, strict, answer)
    return _KNOWN.get(key) or _KNOWN.put(key, _compile(text, dialect, strict=strict, answer=answer))


class _Known:
    """Results by what they were made of, those longest not asked for given up first.

    Bounded in bytes, because a schema that points to itself in many places grows a hundredfold.
    """

    def __init__(self, max_bytes: int) -> None:
        self._results: OrderedDict[_Key, Compiled] = OrderedDict()
        self._left = max_bytes

    def get(self, key: _Key) -> Compiled | None:
        """The result, if it is still known."""
        found = self._results.get(key)
        if found is not None:
            self._results.move_to_end(key)
        return found

    def put(self, key: _Key, result: Compiled) -> Compiled:
        """The result, which is known from now on."""
        self._left -= _size(key, result)
        self._results[key] = result
        while self._left < 0:
            self._left += _size(*self._results.popitem(last=False))
        return result


_KNOWN = _Known(32 << 20)


def _size(key: _Key, result: Compiled) -> int:
    return len(key[0]) + len(result.schema) + 500


def _compile(text: bytes, dialect: str, *, strict: bool, answer: bool) -> Compiled:
    if len(text) > MAX_BYTES:
        return Compiled(msgspec.Raw(text))
    rules = (ANSWER if answer else TOOL)[dialect]
    try:
        tree = parse(text)
        if tree is None:
            return _compile(_NOTHING, dialect, strict=strict, answer=answer)
        result, rewrite = rewritten(tree, rules)
    except (ValueError, RecursionError, TooLarge):
        nothing = _compile(_NOTHING, dialect, strict=strict, answer=answer)
        return Compiled(nothing.schema, ("schema", *nothing.losses))
    losses = rewrite.losses
    if strict and not _takes_strict(result, dialect):
        losses = (*losses, "strict")
    return Compiled(msgspec.Raw(text if result == tree else write(result)), losses, wrapped=rewrite.wrapped)


def _takes_strict(result: Json, dialect: str) -> bool:
    if dialect == "anthropic":
        return rewritten(result, ANSWER[dialect])[0] == result
    return takes_strict(result)
