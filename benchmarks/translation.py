"""What a request and an event cost on their way between two dialects: `python -m benchmarks.translation`.

Microseconds of CPU. An agent's request has 40 tools and 60 messages, about 120 kB. `first`: nothing of it was
seen before; `next turn`: all but two messages were, as with every turn of an agent but the first.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import msgspec

from omniroute.conversation.abilities import Abilities
from omniroute.formats import FORMATS
from omniroute.formats.codec import ReplyFacts
from omniroute.formats.envelope import Envelope
from omniroute.formats.translate import Incoming, outgoing
from omniroute.records import FormatName

ROUNDS, CALLS = 7, 40
CHUNKS = 400
_PATHS = (
    (FormatName.ANTHROPIC, FormatName.OPENAI_CHAT),
    (FormatName.OPENAI_CHAT, FormatName.ANTHROPIC),
    (FormatName.ANTHROPIC, FormatName.OPENAI_RESPONSES),
)
T = TypeVar("T")
_WORDS = "gateway records the request, retries it and streams what the provider says back to the client. "


def measured() -> Mapping[str, float]:
    """Microseconds by what was translated."""
    results: dict[str, float] = {}
    for client, upstream in _PATHS:
        name = f"{client.value} to {upstream.value}"
        results[f"{name}: small request"] = _requests_us(client, upstream, _small())
        results[f"{name}: agent's first"] = _requests_us(client, upstream, _agents(fresh=True))
        results[f"{name}: agent's next turn"] = _requests_us(client, upstream, _agents(fresh=False))
    results["openai-chat to anthropic: event of a stream"] = _event_us()
    return results


def _requests_us(client: FormatName, upstream: FormatName, asked: Iterator[Mapping[str, object]]) -> float:
    abilities = Abilities(model="m")

    def body() -> bytes:
        return _in_dialect(client, next(asked))

    def translate(body: bytes) -> None:
        envelope = Envelope(body)
        request = FORMATS[client].decode_request(envelope.body, members=envelope.members)
        outgoing(request, abilities, upstream)

    return _cpu_us(translate, body)


def _event_us() -> float:
    said = [{"choices": [{"index": 0, "delta": {"content": _WORDS[n % 50 :][:12]}}]} for n in range(CHUNKS)]
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    chunks = [b"data: " + msgspec.json.encode(one) + b"\n\n" for one in (*said, last)]
    ask = FORMATS[FormatName.ANTHROPIC].decode_request(_in_dialect(FormatName.ANTHROPIC, next(_small())))
    facts = ReplyFacts(id="x", created_s=0, model="m", request=ask)

    def translate(chunks: list[bytes]) -> None:
        writer = FORMATS[FormatName.ANTHROPIC]
        stream = Incoming(upstream=FormatName.OPENAI_CHAT, writer=writer, facts=facts).stream()
        for chunk in chunks:
            stream.pass_on(chunk)
        stream.rest()

    return _cpu_us(translate, lambda: chunks) / len(chunks)


def _small() -> Iterator[Mapping[str, object]]:
    while True:
        yield {"messages": [{"role": "user", "content": _WORDS * 5}], "tools": []}


def _agents(*, fresh: bool) -> Iterator[Mapping[str, object]]:
    """A conversation that goes on by two messages each time; with `fresh` another one each time."""
    for number in itertools.count():
        session = number if fresh else 0
        first = 0 if fresh else 2 * number
        messages = [
            {"role": ("user", "assistant")[turn % 2], "content": f"{session} {turn}: {_WORDS * 12}"}
            for turn in range(first, first + 60)
        ]
        tools = [
            {"name": f"tool_{place}", "description": f"{session} {_WORDS * 8}", "schema": _schema()}
            for place in range(40)
        ]
        yield {"messages": messages, "tools": tools}


def _schema() -> dict[str, object]:
    members = {f"arg_{place}": {"type": "string", "description": _WORDS} for place in range(3)}
    return {"type": "object", "properties": members, "required": ["arg_0"], "additionalProperties": False}


def _in_dialect(dialect: FormatName, asked: Mapping[str, object]) -> bytes:
    declared = asked["tools"]
    tools = declared if isinstance(declared, list) else []
    told: list[dict[str, object]]
    if dialect is FormatName.ANTHROPIC:
        told = [
            {"name": t["name"], "description": t["description"], "input_schema": t["schema"]} for t in tools
        ]
    else:
        told = [
            {
                "type": "function",
                "function": {
                    "name": t["name"],
                    "description": t["description"],
                    "parameters": t["schema"],
                },
            }
            for t in tools
        ]
    return msgspec.json.encode(
        {"model": "m", "max_tokens": 99, "messages": asked["messages"], **({"tools": told} if told else {})}
    )


def _cpu_us(work: Callable[[T], None], given: Callable[[], T]) -> float:
    took: list[float] = []
    for _ in range(ROUNDS):
        ready = [given() for _ in range(CALLS)]
        began_s = time.process_time()
        for one in ready:
            work(one)
        took.append((time.process_time() - began_s) / CALLS * 1e6)
    return min(took)


if __name__ == "__main__":
    for name, us in measured().items():
        print(f"{name:52} {us:8.1f} us")  # noqa: T201
