"""Recorded exchanges on their way from every dialect to every other, and what is not the same at the end.

    python -m benchmarks.recordings [--seed 1] DIRECTORY

DIRECTORY holds exchanges as JSON Lines (see `exchanges.py`). Each answer is read, written for a client of
each dialect, as a whole and as a stream, and read again; each request likewise for an upstream of each.
Differences that have a name are counted by it; any other is printed, and the exit code says so.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from benchmarks import request_differences
from benchmarks.differences import CHANGES, OF, WHOLE_ONLY, with_ids
from benchmarks.exchanges import UNNAMED, Exchange, exchanges_in
from benchmarks.likeness import Seen, seen
from benchmarks.request_differences import Step, explained
from benchmarks.said import said
from omniroute.conversation.abilities import plain
from omniroute.conversation.events import Ended, Event, Failed
from omniroute.conversation.fold import StreamFailed, fold
from omniroute.conversation.parts import Text
from omniroute.conversation.request import Message, Request, Role, Sampling
from omniroute.conversation.response import Response
from omniroute.errors import ErrorKind, ProtocolError, Refused
from omniroute.formats import FORMATS
from omniroute.formats.codec import ReplyFacts
from omniroute.formats.translate import Incoming, outgoing
from omniroute.formats.wire_error import WireError
from omniroute.records import FormatName

FACTS = ReplyFacts(
    id="01ABCDEFGH",
    created_s=1_764_000_000,
    model="m",
    request=Request(
        model="m", messages=(Message(Role.USER, (Text("Hi"),)),), stream=True, include_usage=True
    ),
)
WAYS = ("whole", "stream", "request", "failure", "error")


@dataclass(slots=True)
class Tally:
    """What came of it."""

    alike: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Way, dialect and other dialect to the number of exchanges that arrived as they were."""
    explained: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    """How often each named difference was met."""
    unexplained: list[str] = field(default_factory=list)
    decoded: Counter[str] = field(default_factory=Counter)

    def note(self, way: str, exchange: Exchange, other: FormatName, reasons: Iterable[str]) -> None:
        """One exchange arrived, but for the differences named."""
        reasons = set(reasons)
        (self.explained if reasons else self.alike)[way, exchange.dialect, other] += 1
        self.names.update(f"{way}: {reason}" for reason in reasons)

    def wrong(self, way: str, exchange: Exchange, other: FormatName | None, what: str) -> None:
        """One did not."""
        to = "" if other is None else f" to {other}"
        self.unexplained.append(f"{way} {exchange.dialect}{to}: {exchange.id}: {what}")


WAYS_WHOLE = frozenset(name for names in OF.values() for name in names)
WAYS_STREAM = WAYS_WHOLE - WHOLE_ONLY


@dataclass(frozen=True, slots=True)
class Expected:
    """What a client of a dialect is to get of an answer."""

    seen: Seen
    reasons: tuple[str, ...]
    """Names of the differences."""
    losses: frozenset[str]
    """Those that have to be told."""

    @classmethod
    def of(cls, told: Response, other: FormatName, names: frozenset[str]) -> "Expected":
        """Of all differences of the dialect those named are expected."""
        response = with_ids(told, FACTS)
        reasons: list[str] = []
        losses: list[str] = []
        for name in OF[other]:
            if name in names:
                changed = CHANGES[name].change(response, other)
                losses += CHANGES[name].losses(response, other)
                if seen(changed) != seen(response):
                    reasons.append(name)
                response = changed
        return cls(seen(response), tuple(reasons), frozenset(losses))

    def differing(self, arrived: Response) -> list[str]:
        """What is not as expected."""
        is_ = seen(arrived)
        return [
            f"{name}: {_short(value)} is {_short(is_.get(name))}"
            for name, value in self.seen.items()
            if value != is_.get(name)
        ]


class Checker:
    """Takes exchanges through all pairs."""

    def __init__(self, seed: int) -> None:
        self.tally = Tally()
        self._chance = random.Random(seed)  # noqa: S311 - a seed makes runs repeatable

    def check(self, exchange: Exchange) -> None:
        """One exchange: its request, and its answer or its error."""
        if exchange.request is not None:
            self._request(exchange, exchange.request)
        if exchange.status >= 400:
            self._error(exchange)
            return
        try:
            told = self._told(exchange)
        except StreamFailed as failed:
            self.tally.decoded[f"{exchange.dialect} failed stream"] += 1
            self._failure(exchange, failed)
        except ProtocolError as error:
            self.tally.wrong("decode", exchange, None, str(error))
        else:
            self.tally.decoded[f"{exchange.dialect} {'stream' if exchange.stream else 'whole'}"] += 1
            for other in FORMATS:
                self._answer(exchange, told, other)

    def _told(self, exchange: Exchange) -> Response:
        """The answer; of a stream, the same however it is cut. Raises StreamFailed, ProtocolError."""
        incoming = _incoming(exchange.dialect, exchange.dialect)
        if not exchange.stream:
            return incoming._tidied(FORMATS[exchange.dialect].decode_response(exchange.answer))
        at_once = fold(_events([exchange.answer], incoming))
        for _ in range(3):
            if fold(_events(self._cut(exchange.answer), incoming)) != at_once:
                self.tally.wrong("decode", exchange, None, "the answer depends on how its bytes arrive")
        return at_once

    def _cut(self, wire: bytes) -> list[bytes]:
        cuts = sorted(
            {self._chance.randrange(len(wire) + 1) for _ in range(self._chance.choice((3, 40, 400)))}
        )
        return [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]

    def _answer(self, exchange: Exchange, told: Response, other: FormatName) -> None:
        """To a client of another dialect, as a whole and as a stream."""
        incoming = _incoming(exchange.dialect, other)
        whole = (incoming.gathered if exchange.stream else incoming.whole)(exchange.answer)
        stream = incoming.stream() if exchange.stream else incoming.replayed(exchange.answer)
        pieces = self._cut(exchange.answer) if exchange.stream else []
        wire = b"".join([*map(stream.pass_on, pieces), stream.rest()])
        reader = FORMATS[other].stream_decoder()
        events = [event for piece in self._cut(wire) for event in reader.feed(piece)] + reader.close()
        arrived = FORMATS[other].decode_response(whole.body)
        self._compare("whole", exchange, other, Expected.of(told, other, WAYS_WHOLE), arrived, whole.losses)
        arrived = fold(events)
        expected = Expected.of(told, other, WAYS_STREAM)
        if expected.differing(arrived):  # arguments that are no object are wrapped where there is time for it
            expected = Expected.of(told, other, WAYS_WHOLE - {"by_kind"})
        self._compare("stream", exchange, other, expected, arrived, stream.losses)

    def _compare(
        self,
        way: str,
        exchange: Exchange,
        other: FormatName,
        expected: "Expected",
        arrived: Response,
        losses: tuple[str, ...],
    ) -> None:
        differing = expected.differing(arrived)
        for what in differing:
            self.tally.wrong(way, exchange, other, what)
        untold = expected.losses - set(losses)
        if untold:
            self.tally.wrong(way, exchange, other, f"lost in silence: {untold}")
        if not differing and not untold:
            self.tally.note(way, exchange, other, expected.reasons)

    def _failure(self, exchange: Exchange, failed: StreamFailed) -> None:
        """A stream that failed never looks finished."""
        for other in FORMATS:
            stream = _incoming(exchange.dialect, other).stream()
            wire = b"".join([*map(stream.pass_on, self._cut(exchange.answer)), stream.rest()])
            message = failed.failure.message
            wire += stream.fail(ErrorKind.BAD_GATEWAY, message, request_id="r1")
            reader = FORMATS[other].stream_decoder()
            events = [*reader.feed(wire), *reader.close()]
            last = events[-1]
            if stream.seen.finished or any(isinstance(event, Ended) for event in events):
                self.tally.wrong("failure", exchange, other, "looks finished")
            elif not isinstance(last, Failed) or message not in last.failure.message:
                self.tally.wrong("failure", exchange, other, f"does not say {message!r}: {last}")
            else:
                self.tally.note("failure", exchange, other, ())

    def _error(self, exchange: Exchange) -> None:
        """The upstream's words reach the client in its own dialect."""
        message = WireError.of(exchange.answer).message
        if not message:
            self.tally.wrong("error", exchange, None, f"says nothing: {exchange.answer[:200]!r}")
            return
        for other in FORMATS:
            body = FORMATS[other].encode_error(ErrorKind.BAD_GATEWAY, message, request_id="r1")
            if WireError.of(body).message != message:
                self.tally.wrong("error", exchange, other, f"{message!r} is {body!r}")
            else:
                self.tally.note("error", exchange, other, ())

    def _request(self, exchange: Exchange, body: bytes) -> None:
        """To an upstream of each dialect."""
        try:
            asked = _decoded(exchange.dialect, body, exchange.model, stream=exchange.stream)
        except Refused as refused:
            if refused.param in REFUSED_ON_SIGHT:
                self.tally.names[f"request: refused {refused.param}"] += 1
            else:
                self.tally.wrong("request", exchange, None, str(refused))
            return
        self.tally.decoded[f"{exchange.dialect} request"] += 1
        for other in FORMATS:
            try:
                sent = outgoing(asked, plain(asked.model), other, same=other is exchange.dialect)
            except Refused as refused:
                self._refused(exchange, other, refused)
                continue
            arrived = _decoded(other, sent.body, asked.model, stream=asked.stream)
            self._explain(exchange, Step(asked, arrived, other), sent.losses)

    def _refused(self, exchange: Exchange, other: FormatName, refused: Refused) -> None:
        if refused.kind is ErrorKind.UNSUPPORTED and refused.param and other is not exchange.dialect:
            what = refused.message.partition(": ")[2].partition(" cannot")[0] or refused.message
            self.tally.note("request", exchange, other, (f"refused {what}",))
        else:
            self.tally.wrong("request", exchange, other, f"refused: {refused.message}")

    def _explain(self, exchange: Exchange, step: Step, losses: tuple[str, ...]) -> None:
        reasons = [f"lost {name}" for name in losses]
        unexplained = False
        for name, values in _unlike(step.asked, step.arrived).items():
            reason = explained(name, step, losses)
            if reason is None:
                unexplained = True
                self.tally.wrong("request", exchange, step.other, f"{name}: {values} (lost {losses})")
            else:
                reasons.append(reason)
        if not unexplained:
            self.tally.note("request", exchange, step.other, reasons)


REFUSED_ON_SIGHT = MappingProxyType(
    {
        "background": "answers in the background are not offered",
        "model": "a prompt stored at a provider names its model there",
    }
)
"""Fields of requests that are refused whatever the upstream, and why."""


def _incoming(upstream: FormatName, client: FormatName) -> Incoming:
    return Incoming(upstream=upstream, writer=FORMATS[client], facts=FACTS)


def _events(pieces: list[bytes], incoming: Incoming) -> list[Event]:
    decoder = incoming._decoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


def _decoded(dialect: FormatName, body: bytes, model: str, *, stream: bool) -> Request:
    if dialect is FormatName.GEMINI:
        return FORMATS[dialect].decode_request(body, model=model, stream=stream)
    in_path = b'"model":' not in body and model != UNNAMED  # so some vendors have it, whatever the dialect
    return FORMATS[dialect].decode_request(body, model=model if in_path else None)


def _unlike(before: Request, after: Request) -> dict[str, str]:
    """Names of what differs, and how."""
    was, is_ = _all_said(before), _all_said(after)
    return {name: f"{_short(was[name])} is {_short(is_[name])}" for name in was if was[name] != is_[name]}


def _all_said(request: Request) -> Seen:
    return {
        **said(request),
        **{name: getattr(request.sampling, name) for name in Sampling.__struct_fields__},
        "end user": request.user,
    }


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 300 else f"{text[:140]} ... {text[-140:]}"


def _table(tally: Tally, way: str) -> str:
    """Alike and explained, a row for what was recorded and a column for where it went."""
    rows = [f"{way:18}" + "".join(f"{name:>18}" for name in FORMATS)]
    for dialect in FORMATS:
        cells = (
            f"{tally.alike[way, dialect, other]} + {tally.explained[way, dialect, other]}"
            for other in FORMATS
        )
        rows.append(f"{dialect:18}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(rows) + "\n\n"


def _why(name: str) -> str:
    """What is known of a difference beyond its name."""
    short = name.partition(": ")[2]
    if short in request_differences.CHANGES:
        return f" ({request_differences.CHANGES[short].why})"
    if short in CHANGES:
        return f" ({CHANGES[short].why})"
    reason = REFUSED_ON_SIGHT.get(short.removeprefix("refused "))
    return f" ({reason})" if reason else ""


def main() -> None:
    """Check all exchanges of a directory, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    checker = Checker(options.seed)
    exchanges = exchanges_in(options.directory)
    for exchange in exchanges:
        checker.check(exchange)
    tally = checker.tally
    write = sys.stdout.write
    write(f"{len(exchanges)} exchanges\n")
    for name, count in sorted(tally.decoded.items()):
        write(f"{count:6} {name} decoded\n")
    write("\nalike + different by name\n\n")
    for way in WAYS:
        write(_table(tally, way))
    for name, count in sorted(tally.names.items()):
        write(f"{count:6} {name}{_why(name)}\n")
    write(f"\n{len(tally.unexplained)} without a name\n")
    for line in tally.unexplained:
        write(f"{line}\n")
    sys.exit(1 if tally.unexplained else 0)


if __name__ == "__main__":
    main()
