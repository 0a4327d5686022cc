"""An answer on its way from an upstream of one dialect to a client of another: all 25 pairs.

The answer is written by the upstream (in dialect A), read, written for the client (in dialect B), and read
by the client. What comes out is what went in, but for the differences named in `differences.py`.
"""

import pytest
from hypothesis import given, settings

from benchmarks.differences import through, with_ids
from benchmarks.likeness import Seen, seen
from omniroute.conversation.fold import fold
from omniroute.conversation.response import Response
from omniroute.formats import FORMATS
from omniroute.records import FormatName
from tests.formats.laws.answers import ANSWERS, FACTS
from tests.formats.laws.grammar import CHECKS
from tests.formats.laws.strategies import answers
from tests.formats.laws.ways import read, streamed, whole, written

PAIRS = [(upstream, client) for upstream in FORMATS for client in FORMATS]
pairs = pytest.mark.parametrize(("upstream", "client"), PAIRS, ids=[f"{up} to {to}" for up, to in PAIRS])
all_answers = pytest.mark.parametrize("name", ANSWERS)


def expected(answer: Response, upstream: FormatName, client: FormatName, *, stream: bool) -> Seen:
    """What the client gets of it."""
    told = through(with_ids(answer, FACTS), upstream, stream=stream)
    return seen(through(with_ids(told, FACTS), client, stream=stream))


@pairs
@all_answers
def test_a_whole_answer_arrives(upstream: FormatName, client: FormatName, name: str) -> None:
    answer = ANSWERS[name]
    told, _ = whole(answer, upstream)
    arrived, _ = whole(told, client)
    assert seen(arrived) == expected(answer, upstream, client, stream=False)


@pairs
@all_answers
def test_a_streamed_answer_arrives(upstream: FormatName, client: FormatName, name: str) -> None:
    answer = ANSWERS[name]
    _, wire = streamed(answer, upstream)
    events = read([wire], upstream)
    translated, _ = written(events, client)
    assert CHECKS[client](translated).ended
    arrived = fold(read([translated], client))
    assert seen(arrived) == expected(answer, upstream, client, stream=True)


@pairs
@pytest.mark.parametrize("name", ["text_and_call", "interleaved", "thinking", "unicode"])
def test_a_stream_in_small_pieces_arrives(upstream: FormatName, client: FormatName, name: str) -> None:
    _, wire = streamed(ANSWERS[name], upstream)
    decoder = FORMATS[upstream].stream_decoder()
    encoder = FORMATS[client].stream_encoder(FACTS)
    pieces = [encoder.encode(decoder.feed(wire[place : place + 3])) for place in range(0, len(wire), 3)]
    translated = b"".join([*pieces, encoder.encode(decoder.close())])
    assert CHECKS[client](translated).ended
    at_once, _ = written(read([wire], upstream), client)
    assert fold(read([translated], client)) == fold(read([at_once], client))


@pairs
@given(answer=answers())
@settings(max_examples=15)
def test_any_answer_arrives(upstream: FormatName, client: FormatName, answer: Response) -> None:
    told, _ = whole(answer, upstream)
    arrived, _ = whole(told, client)
    assert seen(arrived) == expected(answer, upstream, client, stream=False)
    _, wire = streamed(answer, upstream)
    translated, _ = written(read([wire], upstream), client)
    assert CHECKS[client](translated).ended
    arrived = fold(read([translated], client))
    assert seen(arrived) == expected(answer, upstream, client, stream=True)
