"""Byte strings cut anywhere."""

from hypothesis import strategies as st


def split(wire: bytes, cuts: list[int]) -> list[bytes]:
    """The same bytes in pieces that end at these offsets, counted round the end."""
    ends = sorted({cut % (len(wire) + 1) for cut in cuts} | {len(wire)})
    starts = [0, *ends]
    return [wire[start:end] for start, end in zip(starts, ends, strict=False)]


def cut_lists() -> st.SearchStrategy[list[int]]:
    """Offsets to cut at."""
    return st.lists(st.integers(0, 1 << 16), max_size=12)
