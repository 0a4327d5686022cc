"""What becomes of a request or an answer in another format, with no server."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from omniroute.cli import output
from omniroute.cli.failures import UpstreamFailed
from omniroute.errors import ConfigError, ErrorKind
from omniroute.records import FormatName

if TYPE_CHECKING:
    from omniroute.formats.translate import Incoming

_FORMATS = ", ".join(FormatName)
_ID = "0"
"""Stands where the gateway would put an id of its own, so that one input has one output."""


def register(app: typer.Typer) -> None:
    """Add `translate`."""
    app.command("translate")(_translate)


class _Shown(NamedTuple):
    body: bytes
    losses: tuple[str, ...]
    failure: str | None = None
    """Why a stream did not end."""


def _translate(  # noqa: PLR0913  # every option is an argument
    file: Annotated[str, typer.Argument(metavar="FILE", help="The body of a request; - is standard input.")],
    *,
    source: Annotated[FormatName, typer.Option("--from", metavar="FORMAT", help=f"One of {_FORMATS}.")],
    to: Annotated[FormatName, typer.Option("--to", metavar="FORMAT", help="One of the same.")],
    response: Annotated[bool, typer.Option("--response", help="FILE is an answer.")] = False,
    stream: Annotated[bool, typer.Option("--stream", help="FILE is the stream of an answer.")] = False,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="The model's name there; else the one in FILE.")
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Show a request, or an answer, as the gateway would translate it.

    The translation goes to standard output, what the other format cannot hold to standard error. No server
    is asked, and nothing is known of the model: what only this model refuses is not taken out.

    \b
    Examples:
      omniroute translate --from anthropic --to openai-chat request.json
      omniroute translate --from openai-chat --to anthropic --stream answer.sse
    """
    content = _read(file)
    if stream:
        shown = _stream(content, source, to, model)
    elif response:
        shown = _answer(content, source, to, model)
    else:
        shown = _request(content, source, to, model)
    _print(shown, is_text=stream, as_json=as_json)
    if shown.failure is not None:
        raise UpstreamFailed(f"the stream did not end: {shown.failure}")


def _request(content: bytes, source: FormatName, to: FormatName, model: str | None) -> _Shown:
    import msgspec

    from omniroute.conversation.abilities import plain
    from omniroute.formats import FORMATS
    from omniroute.formats.translate import outgoing

    in_path = source is FormatName.GEMINI  # its bodies name no model
    request = FORMATS[source].decode_request(content, model=model or "model" if in_path else None)
    if model is not None:
        request = msgspec.structs.replace(request, model=model)
    out = outgoing(request, plain(request.model), to, same=source is to)
    return _Shown(out.body, out.losses)


def _answer(content: bytes, source: FormatName, to: FormatName, model: str | None) -> _Shown:
    from omniroute.formats import FORMATS

    named = model or FORMATS[source].decode_response(content).model
    whole = _incoming(source, to, named).whole(content)
    return _Shown(whole.body, whole.losses)


def _stream(content: bytes, source: FormatName, to: FormatName, model: str | None) -> _Shown:
    from omniroute.errors import ProtocolError

    translated = _incoming(source, to, model or _model_of_stream(content, source)).stream()
    body, failure = b"", None
    try:
        body = translated.pass_on(content)
        body += translated.rest()
    except ProtocolError as error:
        failure = str(error)
    if translated.seen.failure is not None:
        failure = translated.seen.failure.message
    if failure is not None:
        body += translated.fail(ErrorKind.BAD_GATEWAY, failure, request_id=_ID)
    return _Shown(body, translated.losses, failure)


def _model_of_stream(content: bytes, source: FormatName) -> str | None:
    from omniroute.conversation.events import Started
    from omniroute.errors import ProtocolError
    from omniroute.formats import FORMATS

    try:
        events = FORMATS[source].stream_decoder().feed(content)
    except ProtocolError:
        return None  # told when it is translated
    return next((event.model for event in events if isinstance(event, Started)), None)


def _incoming(source: FormatName, to: FormatName, model: str | None) -> "Incoming":
    from omniroute.conversation.request import Request
    from omniroute.formats import FORMATS
    from omniroute.formats.codec import ReplyFacts
    from omniroute.formats.translate import Incoming

    name = model or "model"
    asked = Request(model=name, messages=(), include_usage=True)
    facts = ReplyFacts(id=_ID, created_s=0, model=name, request=asked)
    return Incoming(upstream=source, writer=FORMATS[to], facts=facts)


def _print(shown: _Shown, *, is_text: bool, as_json: bool) -> None:
    import msgspec

    if as_json:
        body = shown.body.decode("utf-8", "replace") if is_text else msgspec.Raw(shown.body)
        output.document({"body": body, "losses": shown.losses})
        return
    if is_text:
        output.fragment(shown.body.decode("utf-8", "replace"))
    else:
        output.document(msgspec.Raw(shown.body))
    output.say(f"Lost: {', '.join(shown.losses)}" if shown.losses else "Nothing was lost.")


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
