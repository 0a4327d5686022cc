"""One question through the gateway's data plane, whichever way the model's provider can be asked."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from omniroute.cli.dialects import BY_PATH, CHAT, Dialect, Question, encode, failure_in
from omniroute.cli.failures import NotFound, UpstreamFailed
from omniroute.client.http import Answer, ApiRefused, Client
from omniroute.errors import ErrorKind, OmniRouteError, ProtocolError
from omniroute.formats.sse import FrameReader

_PATH = re.compile(r"/v1/[a-z/]+")
_OK = 200
_NOT_FOUND = 404
_UPSTREAM_FROM = 429
"""From here on a status tells of a provider, or of a limit, and not of the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came back."""

    path: str
    headers: Mapping[str, str]
    text: str
    usage: object
    """As the provider gave it; `None`: it did not."""


def ask(gateway: Client, question: Question, write: Callable[[str], None], *, key: str | None = None) -> Told:
    """The answer, written piece by piece as it arrives.

    A model whose provider speaks another dialect is asked in that one. Raises `ApiRefused`, `NotFound` or
    `UpstreamFailed` with what the gateway said.
    """
    dialect = CHAT
    while True:
        with gateway.ask(dialect.path, encode(dialect, question), key=key) as answer:
            if answer.status == _OK:
                return _read(dialect, answer, write)
            refusal = _refusal(answer)
        other = _other_way(refusal)
        if other is None or dialect is not CHAT:
            raise _sorted_out(refusal)
        dialect = other


def _read(dialect: Dialect, answer: Answer, write: Callable[[str], None]) -> Told:
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        text, usage = _read_stream(dialect, answer, write)
    else:
        whole = _json(b"".join(answer.chunks))
        text, usage = dialect.text(whole), dialect.usage(whole)
        write(text)
    return Told(path=dialect.path, headers=answer.headers, text=text, usage=usage)


def _read_stream(dialect: Dialect, answer: Answer, write: Callable[[str], None]) -> tuple[str, object]:
    reader = FrameReader()
    pieces: list[str] = []
    usage: dict[str, object] = {}
    for chunk in answer.chunks:
        for frame in reader.feed(chunk):
            if frame.data == b"[DONE]":
                continue
            event = _json(frame.data)
            if (failure := failure_in(event)) is not None:
                raise UpstreamFailed(failure)
            if piece := dialect.delta(event):
                pieces.append(piece)
                write(piece)
            counted = dialect.usage(event)
            # Anthropic counts the prompt at the start and the answer at the end.
            usage |= counted if isinstance(counted, dict) else {}
    return "".join(pieces), usage or None


def _refusal(answer: Answer) -> ApiRefused:
    """The error of whichever dialect, as one sentence."""
    body = b"".join(answer.chunks)
    try:
        error = msgspec.json.decode(body)["error"]
        code = error.get("code") or error.get("type") or ""
        return ApiRefused(answer.status, str(code), " ".join(str(error["message"]).split()))
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return ApiRefused(answer.status, "", f"the gateway answered with status {answer.status}")


def _other_way(refusal: ApiRefused) -> Dialect | None:
    """The dialect that the gateway names when a provider cannot be asked in this one."""
    if refusal.code != ErrorKind.UNSUPPORTED:
        return None
    named = (BY_PATH.get(path) for path in _PATH.findall(refusal.message))
    return next((dialect for dialect in named if dialect is not None and dialect is not CHAT), None)


def _sorted_out(refusal: ApiRefused) -> OmniRouteError:
    """The error whose exit code says whose fault it is."""
    if refusal.status == _NOT_FOUND:
        hint = "" if "omniroute " in refusal.message else "; see: omniroute models"
        return NotFound(refusal.message.rstrip(".") + hint)
    return UpstreamFailed(refusal.message) if refusal.status >= _UPSTREAM_FROM else refusal


def _json(body: bytes) -> Any:  # Any: JSON from outside, looked at with care
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise ProtocolError("the answer is not JSON") from None
