"""What was lost on the way of one schema into one dialect."""

from omniroute.formats.schema.rules import Rules
from omniroute.formats.schema.tree import Json, Node
from omniroute.formats.schema.words import is_constraint, sentence, with_words


class Rewrite:
    """The rules a schema is rewritten by, and the constraints that became words or nothing."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.wrapped = False
        """The schema was of no object, and stands in one now."""
        self._losses: dict[str, None] = {}

    def lose(self, keyword: str) -> None:
        """Note that a constraint does not hold any more."""
        if is_constraint(keyword):
            self._losses[f"schema.{keyword}"] = None

    def lose_schema(self) -> None:
        """Note that a whole schema could not be read."""
        self._losses["schema"] = None

    @property
    def losses(self) -> tuple[str, ...]:
        """Each once, in the order met."""
        return tuple(self._losses)

    def in_words(self, node: Node, keyword: str, value: Json) -> Node:
        """The schema with a keyword it does not have any more told in its description."""
        told = sentence(keyword, value)
        if told is None:
            return node
        self.lose(keyword)
        return with_words(node, [told])
