"""Bodies and streams with something wrong in them, from ones that are right."""

import json
import random
from typing import Any

JSON = Any  # JSON of any shape

_ODD: tuple[JSON, ...] = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2**31,
    2**63,
    2**64,
    -(2**70),
    1e308,
    -0.0,
    1.5,
    "",
    " ",
    "0",
    "null",
    "{}",
    "[]",
    '{"a":',
    "\x00",
    "\u2028",
    "é🤔",
    "\ud800",
    "data: [DONE]\n\n",
    "\r\n",
    "<think>",
    "</think>",
    "a" * 3000,
    "data:image/png;base64,AAAA",
    "https://a.example/b.png",
    "call_1",
    [],
    {},
    [[]],
    [{}],
    {"": ""},
    [None],
    {"type": "text"},
    {"type": 5},
    {"text": None},
    {"$ref": "#"},
    {"$ref": "#/x", "x": {"$ref": "#"}},
    {"type": "object", "properties": {"a": {"allOf": [{}]}}},
)  # fmt: skip
_BYTES = (
    b"\n",
    b"\r\n",
    b"\r",
    b"\n\n",
    b"\r\n\r\n",
    b"data: ",
    b"data:",
    b"event: error\n",
    b"event:",
    b": x\n",
    b":",
    b"data: [DONE]\n\n",
    b"data: {}\n\n",
    b"{}",
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b"\\",
    b",",
    b"null",
    b"\x00",
    b"\xff",
    b"\xe2\x80\xa8",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"\\ud800",
    b"1e999",
    b"NaN",
)
_MOST_NODES = 4000
_MOST_PIECES = 400
_LONGEST_PIECE = 2000


class Mutator:
    """Spoils what it is given, and remembers pieces of it to put them elsewhere."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._pool: list[JSON] = list(_ODD)
        self._names = ["type", "content", "role", "text", "id", "index", "name", "input", "error"]

    def body(self, body: bytes) -> bytes:
        """A JSON body, spoiled in its structure or in its bytes."""
        if self._chance.random() < 0.2:
            return self._in_bytes(body)
        spoiled = self._in_structure(body)
        return self._in_bytes(spoiled) if self._chance.random() < 0.05 else spoiled

    def stream(self, wire: bytes) -> bytes:
        """A stream of lines, spoiled in the JSON of some, in their order, or in its bytes."""
        lines = wire.split(b"\n")
        for _ in range(self._chance.choice((1, 1, 1, 2, 3, 8))):
            self._spoil_a_line(lines)
        wire = b"\n".join(lines)
        return self._in_bytes(wire) if self._chance.random() < 0.25 else wire

    def pieces(self, wire: bytes) -> list[bytes]:
        """The bytes, cut anywhere."""
        if len(wire) < 2 or self._chance.random() < 0.2:
            return [wire]
        count = min(len(wire) - 1, self._chance.choice((1, 3, 10, 40)))
        cuts = sorted(self._chance.sample(range(1, len(wire)), count))
        return [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]

    def _spoil_a_line(self, lines: list[bytes]) -> None:
        place = self._chance.randrange(len(lines))
        other = self._chance.randrange(len(lines))
        match self._chance.randrange(8):
            case 0:
                del lines[place : place + self._chance.choice((1, 1, 2, 3, 9))]
                lines.append(b"")
            case 1:
                lines.insert(other, lines[place])
            case 2:
                lines[place], lines[other] = lines[other], lines[place]
            case 3:
                del lines[place:]
                lines.append(b"")
            case _:
                lines[place] = self._spoiled_line(lines[place])

    def _spoiled_line(self, line: bytes) -> bytes:
        start = line.find(b"{")
        if start < 0:
            return line
        end = line.rfind(b"}") + 1
        return line[:start] + self._in_structure(line[start:end]) + line[end:]

    def _in_structure(self, body: bytes) -> bytes:
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return self._in_bytes(body)
        for _ in range(self._chance.choice((1, 1, 1, 2, 3, 6))):
            value = self._spoiled(value)
        try:
            text = json.dumps(value, ensure_ascii=self._chance.random() < 0.5)
        except (ValueError, RecursionError):
            return body
        return text.encode("utf-8", "surrogatepass")

    def _spoiled(self, value: JSON) -> JSON:
        """With one node put away, put elsewhere, doubled or replaced."""
        places = _places(value)
        if not places:
            return self._piece()
        parent, key = self._chance.choice(places)
        self._remember(parent[key])
        match self._chance.randrange(6):
            case 0:
                del parent[key]
            case 1 if isinstance(parent, list):
                parent.insert(self._chance.randrange(len(parent) + 1), parent[key])
            case 2 if isinstance(parent, dict):
                parent[self._chance.choice(self._names)] = parent.pop(key)
            case 3:
                parent[key] = self._chance.choice(([parent[key]], {"type": parent[key]}, str(parent[key])))
            case 4 if isinstance(parent, dict):
                self._names[self._chance.randrange(9)] = key
                parent[self._chance.choice(self._names)] = self._piece()
            case _:
                parent[key] = self._piece()
        return json.loads(json.dumps(value))  # no node stands in two places

    def _piece(self) -> JSON:
        return json.loads(json.dumps(self._chance.choice(self._pool)))

    def _remember(self, node: JSON) -> None:
        text = json.dumps(node)
        if len(text) > _LONGEST_PIECE:
            return
        if len(self._pool) < _MOST_PIECES:
            self._pool.append(json.loads(text))
        else:
            self._pool[self._chance.randrange(len(_ODD), _MOST_PIECES)] = json.loads(text)

    def _in_bytes(self, body: bytes) -> bytes:
        spoiled = bytearray(body)
        for _ in range(self._chance.choice((1, 1, 2, 5))):
            place = self._chance.randrange(len(spoiled) + 1)
            match self._chance.randrange(5):
                case 0:
                    del spoiled[place : place + self._chance.choice((1, 2, 10, 500))]
                case 1:
                    spoiled[place:place] = self._chance.choice(_BYTES)
                case 2:
                    spoiled[place : place + 1] = bytes((self._chance.randrange(256),))
                case 3:
                    other = self._chance.randrange(len(spoiled) + 1)
                    spoiled[place:place] = spoiled[other : other + self._chance.choice((1, 8, 200))]
                case _:
                    del spoiled[max(place, len(spoiled) // 8) :]
        return bytes(spoiled)


def _places(value: JSON) -> list[tuple[Any, Any]]:
    """Every node but the root, as what holds it and where; of huge values the first ones."""
    places: list[tuple[Any, Any]] = []
    holders = [value] if isinstance(value, dict | list) else []
    while holders and len(places) < _MOST_NODES:
        holder = holders.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            places.append((holder, key))
            if isinstance(holder[key], dict | list):
                holders.append(holder[key])
    return places
