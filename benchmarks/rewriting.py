"""Rewrites answers part by part."""

from collections.abc import Callable, Iterable

import msgspec

from omniroute.conversation.parts import Part
from omniroute.conversation.response import Candidate, Response


def each_candidate(response: Response, change: Callable[[Candidate], Candidate]) -> Response:
    return msgspec.structs.replace(response, candidates=tuple(map(change, response.candidates)))


def each_part(response: Response, change: Callable[[Part], Part | None]) -> Response:
    def changed(candidate: Candidate) -> Candidate:
        parts = (change(part) for part in candidate.parts)
        return msgspec.structs.replace(candidate, parts=tuple(part for part in parts if part is not None))

    return each_candidate(response, changed)


def parts_of(response: Response) -> Iterable[Part]:
    return (part for candidate in response.candidates for part in candidate.parts)
