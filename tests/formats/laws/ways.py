"""The ways of an answer through one dialect."""

from omniroute.conversation.events import Event
from omniroute.conversation.fold import fold, unfold
from omniroute.conversation.response import Response
from omniroute.formats import FORMATS
from omniroute.formats.codec import ReplyFacts
from omniroute.records import FormatName
from tests.formats.laws.answers import FACTS


def whole(
    response: Response, dialect: FormatName, facts: ReplyFacts = FACTS
) -> tuple[Response, tuple[str, ...]]:
    """Written as a whole and read again, and what was reported as lost."""
    encoded = FORMATS[dialect].encode_response(response, facts)
    return FORMATS[dialect].decode_response(encoded.body), encoded.losses


def written(
    events: list[Event], dialect: FormatName, *, by_one: bool = False
) -> tuple[bytes, tuple[str, ...]]:
    """A stream for a client, and what was reported as lost. `by_one`: each event is given alone."""
    encoder = FORMATS[dialect].stream_encoder(FACTS)
    wire = b"".join(encoder.encode([event]) for event in events) if by_one else encoder.encode(events)
    return wire, encoder.losses


def streamed(response: Response, dialect: FormatName) -> tuple[Response, bytes]:
    """Written as a stream and read again, and the stream."""
    wire, _ = written(list(unfold(response)), dialect)
    return fold(read([wire], dialect)), wire


def read(pieces: list[bytes], dialect: FormatName) -> list[Event]:
    """All events of a stream that comes in pieces."""
    decoder = FORMATS[dialect].stream_decoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()
