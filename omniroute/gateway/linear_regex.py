"""Patterns whose search takes time in proportion to the text, whatever both are.

Python's own `re` has no limit of time, and some short patterns take it years. This one knows less: letters,
`.`, classes such as `[a-z]` and `\\d`, groups, `|`, and `?`, `*`, `+`, `{2,5}`. Case does not count.
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_CHARACTERS = 200
"""Of a pattern."""
MOST_STATES = 2000
MOST_STEPS = 400_000
"""Of one search, about 50 ms; a search that needs more finds nothing."""
_MOST_KEPT = 20_000
_REPEAT = re.compile(r"\{(\d{1,3})(,(\d{0,3}))?\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")
_KNOWN_ESCAPES = "dDwWsS"

Fits = Callable[[str], object]


class PatternRefused(ValueError):
    """The pattern holds something that is not known here; the text says what."""


@dataclass(slots=True)
class _State:
    fits: Fits | None = None
    """`None`: costs no character."""
    next: list[int] = field(default_factory=list)


class LinearPattern:
    """One pattern, ready to be searched for. Raises `PatternRefused`."""

    def __init__(self, pattern: str) -> None:
        if not pattern or len(pattern) > MOST_CHARACTERS:
            raise PatternRefused(f"must have 1 to {MOST_CHARACTERS} characters")
        self._pattern = pattern
        self._at = 0
        self._states: list[_State] = []
        start, end = self._alternatives()
        if self._at != len(pattern):
            raise PatternRefused("has a ) too many")
        self._end = end
        self._start = self._reached(frozenset({start}))
        if self._end in self._start:
            raise PatternRefused("would be found in every text")
        self._kept: dict[tuple[frozenset[int], str], frozenset[int]] = {}

    def is_in(self, text: str) -> bool:
        """True when it is found; False also when that would take more than `MOST_STEPS`."""
        now, kept, steps = self._start, self._kept, 0
        for letter in text[:MOST_STEPS]:
            key = (now, letter)
            then = kept.get(key)
            if then is None:
                steps += len(now)
                if steps > MOST_STEPS:
                    return False
                then = self._step(now, letter)
                if len(kept) >= _MOST_KEPT:
                    kept.clear()
                kept[key] = then
            now = then
            if self._end in now:
                return True
        return False

    def _step(self, now: frozenset[int], letter: str) -> frozenset[int]:
        found = {
            target
            for state in map(self._states.__getitem__, now)
            if state.fits is not None and state.fits(letter)
            for target in state.next
        }
        return self._reached(frozenset(found)) | self._start  # it may begin anywhere

    def _reached(self, states: frozenset[int]) -> frozenset[int]:
        """These and all that are reached without a character."""
        found, waiting = set(states), list(states)
        while waiting:
            state = self._states[waiting.pop()]
            if state.fits is not None:
                continue
            for target in state.next:
                if target not in found:
                    found.add(target)
                    waiting.append(target)
        return frozenset(found)

    # The grammar, outermost first; each gives its first and its last state.

    def _alternatives(self) -> tuple[int, int]:
        start, end = self._new(), self._new()
        while True:
            first, last = self._sequence()
            self._states[start].next.append(first)
            self._states[last].next.append(end)
            if not self._taken("|"):
                return start, end

    def _sequence(self) -> tuple[int, int]:
        start = end = self._new()
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            begin = self._at
            first, last = self._atom()
            atom_end = self._at
            lowest, highest = self._repeats()
            after = self._at
            self._states[end].next.append(first)
            end = self._repeated(begin, atom_end, (first, last), lowest, highest)
            self._at = after
        return start, end

    def _repeated(
        self, begin: int, atom_end: int, made: tuple[int, int], lowest: int, highest: int | None
    ) -> int:
        """The last state after an atom that may stand `lowest` to `highest` times; it is written out."""
        exit_ = self._new()
        first, last = made
        if lowest == 0:
            self._states[first].next.append(exit_)
        count = 1
        while True:
            if count >= lowest:
                self._states[last].next.append(exit_)
            if highest is None and count >= lowest:
                self._states[last].next.append(first)
                return exit_
            if highest is not None and count >= highest:
                return exit_
            self._at = begin
            again, after = self._atom()
            if self._at != atom_end:
                raise PatternRefused("cannot be repeated so")
            self._states[last].next.append(again)
            first, last = again, after
            count += 1

    def _repeats(self) -> tuple[int, int | None]:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._taken(sign):
                self._refuse_second()
                return bounds
        counted = _REPEAT.match(self._pattern, self._at)
        if counted is None:
            return 1, 1
        self._at = counted.end()
        self._refuse_second()
        lowest = int(counted[1])
        highest = lowest if counted[2] is None else int(counted[3]) if counted[3] else None
        if highest is not None and not 0 < highest >= lowest:
            raise PatternRefused("has a {} whose bounds make no sense")
        return lowest, highest

    def _refuse_second(self) -> None:
        if self._pattern[self._at : self._at + 1] in ("*", "+", "?", "{"):
            raise PatternRefused("repeats a repetition; put it into brackets")

    def _atom(self) -> tuple[int, int]:
        """One thing that may be repeated; its first state costs nothing."""
        letter = self._pattern[self._at]
        if letter == "(":
            self._at += 1
            if self._taken("?") and not self._taken(":"):
                raise PatternRefused("has a (? that is not known here; only (?: is")
            inner = self._alternatives()
            if not self._taken(")"):
                raise PatternRefused("has a ( without its )")
            return inner
        first, middle, last = self._new(), self._new(), self._new()
        self._states[first].next.append(middle)
        self._states[middle].fits = self._letter(letter)
        self._states[middle].next.append(last)
        return first, last

    def _letter(self, letter: str) -> Fits:
        if letter in "*+?{":
            raise PatternRefused(f"has a {letter} with nothing before it")
        if letter in "^$":
            raise PatternRefused(f"has a {letter}: beginnings and ends are not known here")
        if letter == "[":
            return self._class()
        self._at += 1
        if letter == ".":
            return lambda read: read != "\n"
        if letter == "\\":
            return self._escaped()
        return _either_case(letter)

    def _class(self) -> Fits:
        found = _CLASS.match(self._pattern, self._at)
        if found is None:
            raise PatternRefused("has a [ without its ]")
        self._at = found.end()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # it could mean something else one day
                return re.compile(found[0], re.IGNORECASE).fullmatch
        except (re.error, FutureWarning):
            raise PatternRefused(f"has a class that cannot be read: {found[0]}") from None

    def _escaped(self) -> Fits:
        if self._at == len(self._pattern):
            raise PatternRefused("ends in a backslash")
        letter = self._pattern[self._at]
        self._at += 1
        if letter in _KNOWN_ESCAPES:
            return re.compile(f"\\{letter}").fullmatch
        if letter in "nt":
            return _either_case({"n": "\n", "t": "\t"}[letter])
        if letter.isalnum():
            raise PatternRefused(f"has a \\{letter}, which is not known here")
        return _either_case(letter)

    def _taken(self, sign: str) -> bool:
        if self._pattern.startswith(sign, self._at):
            self._at += 1
            return True
        return False

    def _new(self) -> int:
        if len(self._states) >= MOST_STATES:
            raise PatternRefused("is too long when its repetitions are written out")
        self._states.append(_State())
        return len(self._states) - 1


def _either_case(letter: str) -> Fits:
    wanted = letter.casefold()
    return lambda read: read.casefold() == wanted
