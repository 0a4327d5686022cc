"""The demo in OpenAI Embeddings: unit vectors from hashed words (API reference, read 2026-11-22)."""

import base64
import hashlib
import math
import re
import struct

import msgspec

from omniroute.formats.envelope import Envelope
from omniroute.gateway.demo.ask import tokens_in, unreadable
from omniroute.gateway.demo.provider import DIMENSIONS

MAX_DIMENSIONS = 4096
MAX_INPUTS = 2048
_PLACES = 4  # of each word, so that two words that share one place still differ


def answer(request: Envelope, *, model: str) -> bytes:
    """The list of embeddings. Raises `Refused`."""
    inputs = _inputs(request.value("input"))
    dimensions = request.value("dimensions")
    if dimensions is None:
        dimensions = DIMENSIONS
    if not isinstance(dimensions, int) or not 1 <= dimensions <= MAX_DIMENSIONS:
        raise unreadable(f"dimensions must be a whole number from 1 to {MAX_DIMENSIONS}", "dimensions")
    encoding = request.value("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise unreadable("encoding_format must be float or base64", "encoding_format")
    vectors = (embed(words, dimensions) for words in inputs)
    rows = [
        {
            "object": "embedding",
            "index": index,
            "embedding": _packed(vector) if encoding == "base64" else vector,
        }
        for index, vector in enumerate(vectors)
    ]
    tokens = sum(_tokens(words) for words in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return msgspec.json.encode({"object": "list", "data": rows, "model": model, "usage": usage})


def embed(words: str | list[int], dimensions: int) -> list[float]:
    """A vector of length 1; texts that share words point the same way."""
    parts = re.findall(r"\w+", words.lower()) if isinstance(words, str) else [str(token) for token in words]
    vector = [0.0] * dimensions
    for part in parts:
        digest = hashlib.blake2b(part.encode("utf-8", "replace"), digest_size=4 * _PLACES).digest()
        for (place,) in struct.iter_unpack("<I", digest):
            vector[(place >> 1) % dimensions] += 1.0 if place & 1 else -1.0
    length = math.sqrt(sum(number * number for number in vector))
    if length == 0:  # no words, or words that cancel each other out
        return [1.0] + [0.0] * (dimensions - 1)
    return [number / length for number in vector]


def _inputs(given: object) -> list[str | list[int]]:
    """One text or many, as characters or as tokens."""
    if isinstance(given, str) or (isinstance(given, list) and given and _are_tokens(given)):
        given = [given]
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_INPUTS:
        raise unreadable(f"input must be a text or up to {MAX_INPUTS} of them", "input")
    inputs: list[str | list[int]] = []
    for one in given:
        if not one or not (isinstance(one, str) or (isinstance(one, list) and _are_tokens(one))):
            raise unreadable("each input must be a text or a list of tokens, and not empty", "input")
        inputs.append(one)
    return inputs


def _are_tokens(values: list[object]) -> bool:
    return all(isinstance(value, int) for value in values)


def _tokens(words: str | list[int]) -> int:
    return tokens_in(words) if isinstance(words, str) else len(words)


def _packed(vector: list[float]) -> str:
    """Little-endian 32-bit floats in base64, as the SDKs ask for by default."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
