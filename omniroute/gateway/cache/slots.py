"""What two questions must have in common to be taken for the same, however near their vectors are."""

import re
from collections import Counter


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORD = re.compile(r"[^\s]+")
_QUOTED = re.compile(r"`[^`]*`|\"[^\"]*\"|“[^”]*”|'[^'\s][^']*'(?!\w)")
_EDGES = ".,;:!?()[]{}\"'`“”"
_NEGATIONS = frozenset(
    {"not", "no", "never", "without", "none", "nor", "neither", "except", "cannot", "unlike"}
)
_DIRECTIONS = _words(
    "to from into than before after over under above below in out up down on off left right first last "
    "north south east west min max minimum maximum most least more less fewer larger smaller greater lower "
    "higher longest shortest biggest smallest largest lowest highest increase decrease add remove insert "
    "delete enable disable start stop open close encode decode encrypt decrypt compress decompress import "
    "export upload download push pull read write row rows column columns ascending descending asc desc "
    "horizontal vertical old new oldest newest early late true false yes no allow deny public private buy "
    "sell love hate best worst good bad advantages disadvantages pros cons always sometimes all any some "
    "every each both either"
)
_NUMBERS = _words(
    "zero one two three four five six seven eight nine ten eleven twelve dozen hundred thousand million "
    "half third quarter double triple once twice second"
)
_LANGUAGES = _words(
    "python java javascript typescript go golang rust c c++ c# ruby php perl swift kotlin scala haskell sql "
    "bash shell lua r julia dart elixir erlang clojure html css json yaml xml toml csv markdown english "
    "german french spanish italian dutch russian chinese japanese korean arabic portuguese polish turkish "
    "hindi latin greek"
)
_CLOSED = _NEGATIONS | _DIRECTIONS | _NUMBERS | _LANGUAGES


def slots(text: str) -> Counter[str]:
    """Numbers, names, identifiers, quotations, negations, directions and languages of a text."""
    found = Counter(_QUOTED.findall(text))
    starts = True
    for whole in _WORD.findall(text):
        word = whole.strip(_EDGES)
        lower = word.lower()
        if lower in _CLOSED or lower.endswith("n't"):
            found[lower] += 1
        elif _is_named(word, at_start=starts):
            found[word] += 1
        starts = whole.endswith((".", "!", "?", ":"))
    return found


def _is_named(word: str, *, at_start: bool) -> bool:
    """Whether the word names one thing and no other: a number, a proper noun, an identifier, a path."""
    if any(mark.isdigit() or mark in "_/\\.@#$%&=+*<>~^|-" for mark in word):
        return True
    return any(mark.isupper() for mark in (word[1:] if at_start else word))
