"""Where an answer has something from: grounding and citation metadata, there and back."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from omniroute.conversation.parts import Citation


class _Source(msgspec.Struct):
    uri: str | None = None
    title: str | None = None
    text: str | None = None


class _Chunk(msgspec.Struct):
    web: _Source | None = None
    retrievedContext: _Source | None = None
    maps: _Source | None = None


class _Segment(msgspec.Struct):
    startIndex: int | None = None
    endIndex: int | None = None
    text: str | None = None


class _Support(msgspec.Struct):
    segment: _Segment | None = None
    groundingChunkIndices: list[int] | None = None


class _Grounding(msgspec.Struct):
    groundingChunks: list[_Chunk] | None = None
    groundingSupports: list[_Support] | None = None


class _Cited(msgspec.Struct):
    uri: str | None = None
    title: str | None = None
    startIndex: int | None = None
    endIndex: int | None = None


class _Citations(msgspec.Struct):
    citations: list[_Cited] | None = None
    citationSources: list[_Cited] | None = None


_GROUNDING = msgspec.json.Decoder(_Grounding)
_CITATIONS = msgspec.json.Decoder(_Citations)

Placed = tuple[int, Citation]
"""Which of the texts a citation stands in, and the citation."""


def grounded(raw: msgspec.Raw, texts: Sequence[str]) -> Iterator[Placed]:
    """The sources of `groundingMetadata`, and where in the texts each is used."""
    try:
        told = _GROUNDING.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    sources = [chunk.web or chunk.retrievedContext or chunk.maps for chunk in told.groundingChunks or ()]
    used: set[int] = set()
    for support in told.groundingSupports or ():
        number, start, end = _located(support.segment or _Segment(), texts)
        for place in support.groundingChunkIndices or ():
            source = sources[place] if 0 <= place < len(sources) else None
            if source is not None:
                used.add(place)
                yield number, Citation(source.uri, source.title, source.text, start, end)
    for place, source in enumerate(sources):
        if source is not None and place not in used:
            yield len(texts) - 1, Citation(source.uri, source.title, source.text)


def cited(raw: msgspec.Raw, texts: Sequence[str]) -> Iterator[Placed]:
    """The sources of `citationMetadata`: what the answer repeats from elsewhere."""
    try:
        told = _CITATIONS.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    for each in told.citations or told.citationSources or ():
        number, start, end = _located(_Segment(each.startIndex, each.endIndex), texts)
        yield number, Citation(each.uri, each.title, start=start, end=end)


def _located(segment: _Segment, texts: Sequence[str]) -> tuple[int, int | None, int | None]:
    """Which text a segment stands in, and its first and last offset in characters; Google counts bytes.

    A segment whose place cannot be told stands in the last text, without offsets.
    """
    last = len(texts) - 1
    if segment.endIndex is None:
        return last, None, None
    for number, text in enumerate(texts):
        octets = text.encode("utf-8", "replace")
        start, end = segment.startIndex or 0, segment.endIndex
        if not 0 <= start <= end <= len(octets):
            continue
        piece = octets[start:end].decode("utf-8", "replace")
        if segment.text is None or segment.text == piece:
            before = len(octets[:start].decode("utf-8", "replace"))
            return number, before, before + len(piece)
    for number, text in enumerate(texts):
        start = text.find(segment.text) if segment.text else -1
        if start >= 0:
            return number, start, start + len(segment.text or "")
    return last, None, None


def grounding_metadata(texts: Sequence[tuple[int, str, Sequence[Citation]]]) -> dict[str, Any] | None:
    """The citations of texts, each with its place among the parts; `None` when there are none."""
    chunks: list[dict[str, Any]] = []
    supports: list[dict[str, Any]] = []
    for place, text, citations in texts:
        for citation in citations:
            chunk = _chunk(citation)
            if chunk not in chunks:
                chunks.append(chunk)
            if citation.start is not None and citation.end is not None:
                segment = _segment(place, text, citation.start, citation.end)
                supports.append({"segment": segment, "groundingChunkIndices": [chunks.index(chunk)]})
    if not chunks:
        return None
    return {"groundingChunks": chunks} | ({"groundingSupports": supports} if supports else {})


def _chunk(citation: Citation) -> dict[str, Any]:
    source = {"uri": citation.url, "title": citation.title, "text": citation.cited_text}
    known = {name: value for name, value in source.items() if value is not None}
    return {"web" if citation.cited_text is None else "retrievedContext": known}


def _segment(place: int, text: str, start: int, end: int) -> dict[str, Any]:
    before = len(text[:start].encode("utf-8", "replace"))
    inside = text[start:end]
    segment: dict[str, Any] = {"startIndex": before} if before else {}
    segment["endIndex"] = before + len(inside.encode("utf-8", "replace"))
    segment["text"] = inside
    return segment | ({"partIndex": place} if place else {})
