"""One connection: bytes to an answer, and the limits on waiting for it."""

import asyncio
from collections.abc import Callable
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from omniroute.errors import Failure, FailureKind
from omniroute.gateway.http1.answer import MAX_WAITING_BYTES, Answer

MAX_HEAD_BYTES = 64 * 1024
_JOINED_BYTES = 64 * 1024  # a copy of less costs less than a second write

_CUT = Failure(kind=FailureKind.CUT, message="the upstream broke off in the middle of its answer")
_SILENT = Failure(kind=FailureKind.SILENT, message="the upstream fell silent inside its answer")
_BROKEN = Failure(kind=FailureKind.PROTOCOL, message="the upstream's answer is not valid HTTP")


class Connection(asyncio.Protocol):
    """Carries one request at a time. It may carry another when `is_reusable`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, place: str) -> None:
        self._loop = loop
        self._place = place
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._transport: asyncio.Transport | None = None
        self._answer: Answer | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline_s: float | None = None
        self._first_byte_s = 0.0
        self._idle_s = 0.0
        self._head_room = 0
        self._is_bodiless = False
        self._is_paused = False
        self._keeps_alive = False
        self.is_closed = False
        self.was_used = False
        """It has carried a request before this one."""
        self.is_answered = False
        """At least one byte has come for the present request."""
        self.on_closed: Callable[[Connection], None] | None = None
        """Told once."""
        self._resting_since_s = 0.0

    @property
    def is_reusable(self) -> bool:
        """True when the last answer was read to its end and the connection stays open."""
        return self._keeps_alive and not self.is_closed

    def send(
        self, method: str, head: bytes, body: bytes | None, *, first_byte_s: float, idle_s: float | None
    ) -> Answer:
        """Write a request; the answer fills by itself."""
        transport = self._transport
        answer = Answer(self._loop, self._read_on)
        if transport is None or self.is_closed:
            self._fail(answer, self._closed())
            return answer
        self._answer = answer
        self._first_byte_s = first_byte_s
        self._idle_s = first_byte_s if idle_s is None else idle_s
        self._head_room = MAX_HEAD_BYTES
        self._is_bodiless = method == "HEAD"
        self._keeps_alive = self.is_answered = False
        if not body:
            transport.write(head)
        elif len(body) < _JOINED_BYTES:
            transport.write(head + body)
        else:
            transport.writelines((head, body))
        self._limit(first_byte_s)
        return answer

    def rest(self) -> None:
        """The answer is done with; nothing is awaited until the next `send`."""
        self._answer = None
        self._deadline_s = None
        self.was_used = True
        self._resting_since_s = self._loop.time()

    def rested_s(self) -> float:
        """How long ago the last answer was done with."""
        return self._loop.time() - self._resting_since_s

    def close(self) -> None:
        """Close at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()
        self._ended()

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own are not of that class

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer."""
        answer, parser = self._answer, self._parser
        if answer is None or parser is None:
            self.close()  # nobody asked
            return
        self.is_answered = True
        try:
            if answer.has_head:
                parser.feed_data(data)
            else:
                self._feed_head(parser, data)
        except (HttpParserError, HttpParserUpgrade):
            if answer.is_over:
                self._keeps_alive = False  # the answer is whole, and something follows that should not
            else:
                self._fail(answer, _BROKEN if answer.has_head else self._not_http())
        if answer.is_over:
            self._deadline_s = None
        elif answer.has_head:
            self._follow(answer)
        answer.wake()

    def eof_received(self) -> bool:
        """The other side sends no more; the transport closes itself."""
        self._ended()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._ended(is_clean=error is None)
        # The parser and the answer hold our methods: cycles, which nothing needs any more.
        self._parser = self._transport = self._answer = None

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A status line begins."""
        if self._answer is None or self._answer.is_over:
            raise ValueError("a second answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or one trailer."""
        if self._answer is not None and not self._answer.has_head:
            self._answer.headers.add(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole; one with 1xx only announces another."""
        assert self._parser is not None  # noqa: S101 - it is what calls
        assert self._answer is not None  # noqa: S101 - else nothing is parsed
        status = self._parser.get_status_code()
        if status == 101:
            raise ValueError("nobody asked for another protocol")
        if status < 200:
            self._answer.headers.clear()
            return
        self._answer.begin(status)
        if self._is_bodiless:
            self._answer.end()

    def on_body(self, part: bytes) -> None:
        """Some of the body."""
        if self._answer is not None and not self._answer.is_over:
            self._answer.add(part)

    def on_message_complete(self) -> None:
        """The last byte of an answer, or of an interim one."""
        if self._answer is None or self._parser is None or not self._answer.has_head:
            return
        self._answer.end()
        self._keeps_alive = (
            not self._is_bodiless
            and self._parser.should_keep_alive()
            and self._transport is not None
            and not self._transport.get_write_buffer_size()  # answered before the request was read
        )

    def _feed_head(self, parser: HttpResponseParser, data: bytes) -> None:
        assert self._answer is not None  # noqa: S101 - the caller has it
        room = self._head_room
        self._head_room = room - len(data)
        if len(data) <= room:
            parser.feed_data(data)
            return
        parser.feed_data(data[:room])
        if not self._answer.has_head:
            raise HttpParserError("the head is too long")
        parser.feed_data(data[room:])

    def _follow(self, answer: Answer) -> None:
        """Bytes came and more are to come: wait for these, unless the reader is behind."""
        if answer.waiting_bytes > MAX_WAITING_BYTES and self._transport is not None:
            self._is_paused = True
            self._deadline_s = None
            self._transport.pause_reading()
        else:
            self._limit(self._idle_s)

    def _read_on(self) -> None:
        """The reader took what was there."""
        if self._is_paused and self._transport is not None and not self.is_closed:
            self._is_paused = False
            self._transport.resume_reading()
            self._limit(self._idle_s)

    def _limit(self, wait_s: float) -> None:
        """The next bytes have to come within `wait_s`; 0: whenever they come.

        The timer stays armed for the earliest time there was to watch, over requests even, and looks
        at the deadline when it goes off: moving a deadline costs nothing.
        """
        if not wait_s:
            self._deadline_s = None
            return
        self._deadline_s = deadline_s = self._loop.time() + wait_s
        if self._timer is None:
            self._timer = self._loop.call_at(deadline_s, self._look)
        elif self._timer.when() > deadline_s:
            self._timer.cancel()
            self._timer = self._loop.call_at(deadline_s, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._deadline_s is None or self._answer is None:
            return
        if self._loop.time() < self._deadline_s:
            self._timer = self._loop.call_at(self._deadline_s, self._look)
            return
        self._fail(self._answer, _SILENT if self._answer.has_head else self._slow())

    def _fail(self, answer: Answer, failure: Failure) -> None:
        answer.end(failure)
        self._keeps_alive = False
        self.close()
        answer.wake()

    def _ended(self, *, is_clean: bool = True) -> None:
        """No more bytes come, from whichever side that is."""
        self.is_closed = True
        self._deadline_s = None
        if self.on_closed is not None:
            self.on_closed(self)
            self.on_closed = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        answer = self._answer
        if answer is None or answer.is_over:
            return
        if not answer.has_head:
            answer.end(self._closed())
        elif is_clean and _ends_with_connection(answer):
            answer.end()
        else:
            answer.end(_CUT)
        answer.wake()

    def _closed(self) -> Failure:
        message = f"{self._place} closed the connection without an answer"
        return Failure(kind=FailureKind.CONNECT, message=message)

    def _slow(self) -> Failure:
        message = f"{self._place} sent nothing within {self._first_byte_s:g} s"
        return Failure(kind=FailureKind.SLOW, message=message)

    def _not_http(self) -> Failure:
        return Failure(kind=FailureKind.PROTOCOL, message=f"{self._place} did not answer in HTTP")


def _ends_with_connection(answer: Answer) -> bool:
    """True when the body's end is the connection's (RFC 9112, section 6.3)."""
    if "content-length" in answer.headers:
        return False
    coding = answer.headers.get("transfer-encoding")
    return coding is None or coding.rpartition(",")[2].strip().lower() != "chunked"
