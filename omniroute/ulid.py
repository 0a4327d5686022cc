"""Identifiers that sort by time (ULID specification, read 2026-11-22)."""

import secrets

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_ulid(now_ms: int) -> str:
    """26 characters: 48 bits of milliseconds, 80 random bits."""
    number = now_ms << 80 | secrets.randbits(80)
    return "".join([_ALPHABET[number >> shift & 31] for shift in range(125, -5, -5)])
