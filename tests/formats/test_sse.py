"""Frames of a stream, however its bytes arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniroute.errors import ProtocolError
from omniroute.formats import sse
from omniroute.formats.sse import Frame, FrameReader, RawFrameReader, frame_data, parse_frame
from tests.formats.cuts import cut_lists, split

_LINES = st.sampled_from(
    [
        b"data: {}",
        b'data: {"a":"b"}',
        b"data:x",
        b"data",
        b"event: ping",
        b": note",
        b"id: 7",
        b"odd",
        b"data:  two",
    ]
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Frames with one spelling of line ends, and perhaps a last one without its end."""
    newline = draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    frames = draw(st.lists(st.lists(_LINES, min_size=1, max_size=4), max_size=6))
    tail = draw(st.sampled_from([b"", b"data: cut", b"data: cut" + newline]))
    return b"".join(newline.join(lines) + newline * 2 for lines in frames) + tail


def raw_frames(chunks: list[bytes]) -> tuple[list[bytes], bytes]:
    reader = RawFrameReader()
    return [frame for chunk in chunks for frame in reader.feed(chunk)], reader.rest


@given(wire=streams(), cuts=cut_lists())
def test_frames_do_not_depend_on_how_the_bytes_arrive(wire: bytes, cuts: list[int]) -> None:
    assert raw_frames(split(wire, cuts)) == raw_frames([wire])


@given(wire=streams())
def test_frames_do_not_depend_on_drips(wire: bytes) -> None:
    assert raw_frames([bytes([byte]) for byte in wire]) == raw_frames([wire])


@given(
    wire=st.lists(st.sampled_from([b"\r", b"\n", b"d", b"data: x"]), max_size=20).map(b"".join),
    cuts=cut_lists(),
)
def test_no_byte_is_lost_or_made_up(wire: bytes, cuts: list[int]) -> None:
    frames, rest = raw_frames(split(wire, cuts))
    assert b"".join(frames) + rest == wire


@pytest.mark.parametrize(
    ("raw", "frame"),
    [
        (b"data: {}\n\n", Frame(None, b"{}")),
        (b"data:{}\r\n\r\n", Frame(None, b"{}")),
        (b"data: {}\r\r", Frame(None, b"{}")),
        (b"data:  kept\n\n", Frame(None, b" kept")),
        (b"event: ping\ndata: {}\n\n", Frame("ping", b"{}")),
        (b"data: {}\nevent:ping\n\n", Frame("ping", b"{}")),
        (b"data: one\ndata: two\n\n", Frame(None, b"one\ntwo")),
        (b"id: 1\nretry: 5\ndata: x\n\n", Frame(None, b"x")),
        (b"data: a:b\n\n", Frame(None, b"a:b")),
        (b"data:\n\n", Frame(None, b"")),
        (b"data: odd\x0c\x0bstays\n\n", Frame(None, b"odd\x0c\x0bstays")),
        ("data: \u2028 \x85\n\n".encode(), Frame(None, "\u2028 \x85".encode())),
        (b": keep-alive\n\n", None),
        (b"event: ping\n\n", None),
        (b"\n\n", None),
    ],
)
def test_a_frame_is_read_as_the_standard_says(raw: bytes, frame: Frame | None) -> None:
    assert parse_frame(raw) == frame


def test_a_byte_order_mark_before_the_first_frame_hides_nothing() -> None:
    assert FrameReader().feed(b"\xef\xbb\xbfdata: {}\n\ndata: 2\n\n") == [
        Frame(None, b"{}"),
        Frame(None, b"2"),
    ]


def test_an_event_without_end_is_refused_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_FRAME_BYTES", 64)
    reader = RawFrameReader()
    reader.feed(b"data: " + b"x" * 58)
    with pytest.raises(ProtocolError, match="64 bytes"):
        reader.feed(b"y")


@given(wire=streams())
def test_the_short_way_to_the_bytes_of_an_event_is_the_long_one(wire: bytes) -> None:
    for raw in RawFrameReader().feed(wire):
        frame = parse_frame(raw)
        assert frame_data(raw) == (frame.data or None if frame is not None else None)


def test_mixed_line_ends_are_no_part_of_the_data() -> None:
    assert frame_data(b"data: [DONE]\r\n\n") == b"[DONE]"
