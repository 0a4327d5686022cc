"""Spoiled requests, answers and streams for every decoder: only typed errors may come out.

    python -m benchmarks.fuzz [--seconds 600] [--seed 1] [--format anthropic] [--findings DIR] [DIRECTORY]

DIRECTORY holds recorded exchanges as JSON Lines (see `exchanges.py`); without it the seeds are what our own
encoders write. Each minute a line tells executions, findings and memory; a finding is kept as a file.
"""

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psutil

from benchmarks.exchanges import exchanges_in
from benchmarks.mutate import Mutator
from omniroute.conversation.abilities import plain
from omniroute.conversation.events import Cited, Delta, Ended, Event, Failed, PartEnded, PartStarted
from omniroute.conversation.fold import StreamFailed, unfold
from omniroute.conversation.parts import Base64, Media, MediaKind, Text, Thinking, ToolResult, ToolUse
from omniroute.conversation.request import FunctionTool, Message, Request, Role
from omniroute.conversation.response import Candidate, Finish, FinishReason, Response
from omniroute.conversation.usage import Usage
from omniroute.errors import ErrorKind, ProtocolError, Refused
from omniroute.formats import FORMATS
from omniroute.formats.codec import ReplyFacts
from omniroute.formats.tool_bridge import bridge
from omniroute.formats.translate import Incoming, outgoing
from omniroute.records import FormatName

_TYPED = (Refused, ProtocolError, StreamFailed)
_SLOW_S = 2.0
_BIG_BYTES = 40_000
"""Seeds above are taken one time in ten: most of the time would go into a few of them."""

_REQUEST = Request(
    model="m",
    messages=(
        Message(Role.SYSTEM, (Text("Be brief."),)),
        Message(Role.USER, (Text("Weather?"), Media(MediaKind.IMAGE, Base64("image/png", "iVBORw0KGgo=")))),
        Message(Role.ASSISTANT, (Text("Looking."), ToolUse("call_a1b2c3", "look", '{"city":"Oslo"}'))),
        Message(Role.USER, (ToolResult("call_a1b2c3", (Text("4 degrees"),), name="look"),)),
    ),
    tools=(FunctionTool("look", "Looks.", msgspec.Raw(b'{"type":"object","properties":{"city":{}}}')),),
    stream=True,
)
_FACTS = ReplyFacts(id="01ABCDEFGH", created_s=1_764_000_000, model="m", request=_REQUEST)
_RESPONSE = Response(
    model="m",
    candidates=(
        Candidate(
            (
                Thinking("Hm."),
                Text("Here <think>x</think> é."),
                ToolUse("call_a1b2c3", "look", '{"city":"Oslo"}'),
            ),
            Finish(FinishReason.TOOL_USE),
        ),
    ),
    usage=Usage(input=9, output=4),
)


class BrokenGrammarError(Exception):
    """A decoder told a stream that has no end, or goes on after it."""


@dataclass(slots=True)
class Seeds:
    """What is spoiled, of one dialect."""

    requests: list[bytes] = field(default_factory=list)
    wholes: list[bytes] = field(default_factory=list)
    streams: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """What came of it."""

    executions: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    findings: dict[str, tuple[str, bytes, str]] = field(default_factory=dict)
    """By where the exception came from: the case, its bytes, the traceback."""


def seeds(directory: Path | None) -> Mapping[FormatName, Seeds]:
    """What our own encoders write, and what was recorded."""
    found = {dialect: Seeds() for dialect in FORMATS}
    for dialect, wire in FORMATS.items():
        found[dialect].requests.append(wire.encode_request(_REQUEST, plain("m")).body)
        found[dialect].wholes.append(wire.encode_response(_RESPONSE, _FACTS).body)
        found[dialect].streams.append(wire.stream_encoder(_FACTS).encode(list(unfold(_RESPONSE))))
    for exchange in exchanges_in(directory) if directory is not None else ():
        of_dialect = found[exchange.dialect]
        if exchange.request is not None:
            of_dialect.requests.append(exchange.request)
        (of_dialect.streams if exchange.stream else of_dialect.wholes).append(exchange.answer)
    return found


class Fuzzer:
    """Runs one case after the other."""

    def __init__(self, seed: int, found: Mapping[FormatName, Seeds]) -> None:
        self.tally = Tally()
        self._chance = random.Random(seed)  # noqa: S311 - a seed makes runs repeatable
        self._mutator = Mutator(self._chance)
        self._seeds = found

    def run_one(self, dialect: FormatName) -> None:
        """One spoiled body or stream through its decoder, and on to another dialect."""
        of_dialect = self._seeds[dialect]
        other = self._chance.choice(list(FORMATS))
        kind = self._chance.choice(("request", "whole", "stream", "stream"))
        if kind == "request":
            case = self._mutator.body(self._pick(of_dialect.requests))
            self._try(f"{dialect} request to {other}", case, lambda: _request(case, dialect, other))
        elif kind == "whole":
            case = self._mutator.body(self._pick(of_dialect.wholes))
            self._try(f"{dialect} whole to {other}", case, lambda: _whole(case, dialect, other))
        else:
            case = self._mutator.stream(self._pick(of_dialect.streams))
            pieces = self._mutator.pieces(case)
            self._try(f"{dialect} stream to {other}", case, lambda: _stream(pieces, dialect, other))

    def _pick(self, choices: Sequence[bytes]) -> bytes:
        while True:
            choice = self._chance.choice(choices)
            if len(choice) < _BIG_BYTES or self._chance.random() < 0.1:
                return choice

    def _try(self, name: str, case: bytes, run: Callable[[], None]) -> None:
        dialect = name.partition(" ")[0]
        started_s = time.process_time()  # other programs may have the machine
        try:
            run()
            self.tally.accepted[dialect] += 1
        except _TYPED:
            pass
        except Exception as error:  # noqa: BLE001 - these are what is looked for
            frames = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} at {Path(frames.filename).name}:{frames.lineno}"
            self.tally.findings.setdefault(where, (name, case, traceback.format_exc()))
        taken_s = time.process_time() - started_s
        if taken_s > _SLOW_S:
            self.tally.findings.setdefault(f"slow {name}", (name, case, f"{taken_s:.1f} s"))
        self.tally.executions[dialect] += 1
        self.tally.seconds[dialect] += taken_s  # type: ignore[assignment]  # a Counter counts floats as well


def _request(body: bytes, dialect: FormatName, other: FormatName) -> None:
    in_path = dialect is FormatName.GEMINI
    wire = FORMATS[dialect]
    request = wire.decode_request(body, model="m", stream=True) if in_path else wire.decode_request(body)
    outgoing(request, plain("m"), other, same=other is dialect)


def _incoming(dialect: FormatName, other: FormatName) -> Incoming:
    _, restoring = bridge(_REQUEST, dialect)
    return Incoming(upstream=dialect, writer=FORMATS[other], facts=_FACTS, bridge=restoring)


def _whole(body: bytes, dialect: FormatName, other: FormatName) -> None:
    FORMATS[dialect].decode_response(body)
    _incoming(dialect, other).whole(body)
    stream = _incoming(dialect, other).replayed(body)
    stream.rest()


def _stream(pieces: Iterable[bytes], dialect: FormatName, other: FormatName) -> None:
    decoder = FORMATS[dialect].stream_decoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    _check(events + decoder.close())
    decoder.feed(b"data: {}\n\n")
    stream = _incoming(dialect, other).stream()
    for piece in pieces:
        stream.pass_on(piece)
    stream.rest()
    if not stream.seen.finished:
        stream.fail(ErrorKind.BAD_GATEWAY, "the upstream broke off", request_id="r1")
    _incoming(dialect, other).gathered(b"".join(pieces))


def _check(events: list[Event]) -> None:
    """One end, at the end; nothing of a part before it starts and after it ends."""
    ends = [place for place, event in enumerate(events) if isinstance(event, Ended | Failed)]
    if ends != [len(events) - 1]:
        raise BrokenGrammarError(f"ends at {ends} of {len(events)} events")
    open_parts = set[int]()
    for event in events:
        if isinstance(event, PartStarted):
            open_parts.add(event.index)
        elif isinstance(event, Delta | Cited | PartEnded) and event.index not in open_parts:
            raise BrokenGrammarError(f"{type(event).__name__} of a part that is not open")
        if isinstance(event, PartEnded):
            open_parts.remove(event.index)
    if open_parts and isinstance(events[-1], Ended):
        raise BrokenGrammarError("a part has no end")


def _told(tally: Tally, memory: psutil.Process, elapsed_s: float) -> str:
    rss_mb = memory.memory_info().rss / 2**20
    counts = " ".join(f"{name}={count}" for name, count in sorted(tally.executions.items()))
    return f"{elapsed_s:7.0f} s  rss {rss_mb:6.1f} MB  findings {len(tally.findings)}  {counts}\n"


def _keep(tally: Tally, directory: Path | None, told: set[str]) -> None:
    for where, (name, case, trace) in tally.findings.items():
        if where in told:
            continue
        told.add(where)
        sys.stdout.write(f"FINDING {name}: {where}\n{trace}\n")
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / f"{len(told)}-{name.replace(' ', '-')}.bin").write_bytes(case)


def main() -> None:
    """Run for the time given, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", choices=[name.value for name in FORMATS])
    parser.add_argument("--findings", type=Path)
    options = parser.parse_args()
    dialects = [FormatName(options.format)] if options.format else list(FORMATS)
    fuzzer = Fuzzer(options.seed, seeds(options.directory))
    memory, told = psutil.Process(), set[str]()
    started_s = time.monotonic()
    next_s = started_s
    while (now_s := time.monotonic()) < started_s + options.seconds:
        if now_s >= next_s or len(fuzzer.tally.findings) > len(told):
            _keep(fuzzer.tally, options.findings, told)
            sys.stdout.write(_told(fuzzer.tally, memory, now_s - started_s))
            sys.stdout.flush()
            next_s = max(next_s, now_s + 60) if now_s >= next_s else next_s
        for dialect in dialects:
            fuzzer.run_one(dialect)
    _keep(fuzzer.tally, options.findings, told)
    sys.stdout.write(_told(fuzzer.tally, memory, time.monotonic() - started_s))
    sys.stdout.write(f"accepted: {dict(fuzzer.tally.accepted)}\n")
    sys.exit(1 if told else 0)


if __name__ == "__main__":
    main()
