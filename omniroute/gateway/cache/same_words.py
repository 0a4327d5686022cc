"""Which questions say the same in nearly the same words, by rules that never guess.

Only what cannot change a meaning is taken away: greetings, politeness, the way of asking. Endings stay
(`boiled eggs` are not `boiling eggs`), articles stay (`what is matter` is not `what is the matter`), and
words keep their order (`a house cat` is no `cat house`) but for a clause such as `In Python, …`.
"""

import re

MAX_CHARS = 1000
_NOT_PROSE = re.compile(r"""[`"“”{}<>\\|=\n\t]""")
"""Code, quotations, markup: here every character counts."""
_WORD = re.compile(r"\S+")

_GREETINGS = frozenset(f"{word}{mark}" for word in ("hi", "hello", "hey") for mark in ",!")
"""With the mark that parts them from the rest: `hello world` greets nobody here."""
_POLITE = (("please",), ("kindly",))
_THANKS = (("please",), ("thanks",), ("thank", "you"))
_REQUESTS: tuple[tuple[str, ...], ...] = (
    ("can", "you"), ("could", "you"), ("would", "you"), ("will", "you"), ("i", "want", "you", "to"),
    ("i", "would", "like", "you", "to"), ("i'd", "like", "you", "to"),
)  # fmt: skip
_ASKING: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    ("how", (("how", "do", "i"), ("how", "can", "i"), ("tell", "me", "how", "to"),
             ("show", "me", "how", "to"), ("explain", "how", "to"),
             ("how", "to"))),
    ("what is", (("what", "is"), ("what's",), ("tell", "me", "what", "is"))),
    ("what are", (("what", "are"), ("what're",))),
    ("who is", (("who", "is"), ("who's",), ("tell", "me", "who", "is"))),
    ("where is", (("where", "is"), ("where's",), ("tell", "me", "where", "is"))),
    ("when is", (("when", "is"), ("when's",), ("tell", "me", "when", "is"))),
    ("why", (("why",), ("tell", "me", "why"))),
    ("make", (("write",), ("create",), ("make",), ("generate",))),
    ("explain", (("explain", "to", "me"), ("explain",))),
    ("list", (("list",), ("give", "me", "a", "list", "of"), ("make", "a", "list", "of"))),
)  # fmt: skip
_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven")
    )
}
_CLAUSES = frozenset({"in", "with", "using", "for"})
_RELATIONS = frozenset({"to", "from", "into", "than", "before", "after", "over", "under"})


def same_words(text: str) -> list[str] | None:
    """What equals that of every text that says the same; `None` for texts that only equal themselves."""
    if len(text) > MAX_CHARS or _NOT_PROSE.search(text):
        return None
    words: list[str] = _WORD.findall(text)
    if not words:
        return None
    words, mark = _without_mark(_without_thanks(words))
    words = _clause_last(_without_manners(words))
    asking, words = _asking(words)
    if not words:
        return None
    if not asking and mark == "?":
        words = [*words, mark]  # `You are sure?` asks what `You are sure.` says
    return [asking, *map(_plain, words, [*words[1:], ""])]


def _without_mark(words: list[str]) -> tuple[list[str], str]:
    last = words[-1].rstrip(".?!")
    mark = "?" if "?" in words[-1][len(last) :] else ""
    return [*words[:-1], *([last] if last else [])], mark


def _without_manners(words: list[str]) -> list[str]:
    if len(words) > 1 and words[0].lower() in _GREETINGS:
        words = words[1:]
    words = _without_start(words, _POLITE)
    asked = _without_start(words, _REQUESTS)
    if asked is not words and _asking(rest := _without_start(asked, _POLITE))[0]:
        words = rest  # `can you swim` is no request, `can you explain` is one
    return words


def _without_thanks(words: list[str]) -> list[str]:
    told = [*words[:-1], words[-1].rstrip(".?!")]
    for ending in _THANKS:
        rest = told[: -len(ending)]
        if [word.lower() for word in told[-len(ending) :]] == list(ending) and rest and rest[-1][-1] != ":":
            mark = words[-1][len(told[-1]) :]
            return [*rest[:-1], rest[-1].rstrip(",") + mark]
    return words


def _without_start(words: list[str], starts: tuple[tuple[str, ...], ...]) -> list[str]:
    for start in starts:
        if len(words) > len(start) and tuple(word.lower() for word in words[: len(start)]) == start:
            return words[len(start) :]
    return words


def _clause_last(words: list[str]) -> list[str]:
    """`In Python, how do I sort` as `how do I sort in Python`."""
    commas = [place for place, word in enumerate(words) if word.endswith(",")]
    if not commas or words[0].lower() not in _CLAUSES or len(commas) > 1 or commas[0] == len(words) - 1:
        return words
    if any(word.lower().rstrip(",") in _RELATIONS for word in words):
        return words
    end = commas[0] + 1
    clause = [words[0].lower(), *words[1 : end - 1], words[end - 1].rstrip(",")]
    return [*words[end:], *clause]


def _asking(words: list[str]) -> tuple[str, list[str]]:
    """The way of asking, and what is asked for."""
    found, length = "", 0
    for name, ways in _ASKING:
        for way in ways:
            if len(way) > length and tuple(word.lower() for word in words[: len(way)]) == way:
                found, length = name, len(way)
    return found, words[length:]


def _plain(word: str, following: str) -> str:
    """`three examples` as `3 examples`; alone, a number word may be meant as a word."""
    counts = len(following) > 3 and following.endswith("s")
    return _NUMBERS.get(word, word) if counts else word
