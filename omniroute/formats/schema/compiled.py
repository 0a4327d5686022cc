"""A JSON Schema as a dialect takes it, remembered: the same tools come with every request."""

from functools import lru_cache

import msgspec

from omniroute.formats.schema.rewrite import TooLarge, rewritten
from omniroute.formats.schema.rules import ANSWER, TOOL
from omniroute.formats.schema.strict import takes_strict
from omniroute.formats.schema.tree import Json, parse, write

_NOTHING = b'{"type":"object","properties":{}}'
"""What stands for no schema at all."""
MAX_BYTES = 1 << 18
"""A schema longer than this goes as it is; reading it would hold up everybody else."""


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
    if schema is None:
        return _compiled(_NOTHING, dialect, strict=False, answer=answer)
    return _compiled(bytes(schema), dialect, strict=strict, answer=answer)


@lru_cache(maxsize=4096)
def _compiled(text: bytes, dialect: str, *, strict: bool, answer: bool) -> Compiled:
    if len(text) > MAX_BYTES:
        return Compiled(msgspec.Raw(text))
    rules = (ANSWER if answer else TOOL)[dialect]
    try:
        tree = parse(text)
        if tree is None:
            return _compiled(_NOTHING, dialect, strict=False, answer=answer)
        result, rewrite = rewritten(tree, rules)
    except (ValueError, RecursionError, TooLarge):
        return Compiled(_compiled(_NOTHING, dialect, strict=False, answer=answer).schema, ("schema",))
    losses = rewrite.losses
    if strict and not _takes_strict(result, dialect):
        losses = (*losses, "strict")
    return Compiled(msgspec.Raw(text if result == tree else write(result)), losses, wrapped=rewrite.wrapped)


def _takes_strict(result: Json, dialect: str) -> bool:
    if dialect == "anthropic":
        return rewritten(result, ANSWER[dialect])[0] == result
    return takes_strict(result)
