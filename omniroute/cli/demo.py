"""One request through the gateway, step by step."""

from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.gateway import ANSWER_TIMEOUT_S, client

if TYPE_CHECKING:
    from omniroute.api.usage import CallLog
    from omniroute.cli.ask import Told
    from omniroute.client.http import Client

_MODEL = "demo/echo"
_PROMPT = "Hello from the command line."
_SHOWN_HEADERS = ("x-request-id", "x-omniroute-model", "x-omniroute-attempts", "content-type")


def register(app: typer.Typer) -> None:
    """Add `demo`."""
    app.command("demo")(_demo)


def _demo(
    model: Annotated[str, typer.Option("--model", "-m", help="Ask this model instead.")] = _MODEL,
    *,
    as_json: output.Json = False,
) -> None:
    """Send one request and show what happened. The model demo/echo needs no provider, no key and no internet.

    \b
    Example:
      omniroute demo
    """
    from omniroute.cli.ask import ask
    from omniroute.cli.dialects import Question
    from omniroute.client.connect import find_server
    from omniroute.paths import find_paths

    running = find_server(find_paths()) is not None
    question = Question(model=model, prompt=_PROMPT, system=None, stream=True)
    with client(timeout_s=ANSWER_TIMEOUT_S) as gateway:
        if not as_json:
            _tell_request(gateway.url, model, running=running)
        told = ask(gateway, question, _quiet if as_json else output.fragment)
        row = _row(gateway, told)
    if as_json:
        output.document(
            {
                "model": model,
                "running": running,
                "text": told.text,
                "headers": dict(told.headers),
                "request": row,
            }
        )
        return
    _tell_answer(told, row, running=running)


def _tell_request(url: str, model: str, *, running: bool) -> None:
    where = url if running else f"{url} (no gateway runs, so one was started for this request)"
    output.line(output.paint("1. The request", "bold"))
    output.line(
        f"   POST {where}/v1/chat/completions" if running else f"   POST /v1/chat/completions at {where}"
    )
    output.line(f'   model "{model}", streaming, one message: "{_PROMPT}"')
    output.line()
    output.line(output.paint("2. The answer, as it arrives", "bold"))


def _tell_answer(told: "Told", row: "CallLog | None", *, running: bool) -> None:
    output.line("" if told.text.endswith("\n") else "\n")
    output.line(output.paint("3. Headers of the answer", "bold"))
    for name in _SHOWN_HEADERS:
        if name in told.headers:
            output.line(f"   {name}: {told.headers[name]}")
    output.line()
    output.line(output.paint("4. What was counted", "bold"))
    if row is None:
        output.line("   nothing yet; see: omniroute requests")
    else:
        counted = " (counted here)" if row.tokens.estimated else ""
        output.line(
            f"   tokens: {words.count(row.tokens.input)} in, {words.count(row.tokens.output)} out{counted}"
        )
        output.line(f"   cost: {words.money(row.cost_usd)}")
        first, whole = words.milliseconds(row.ttft_ms), words.milliseconds(row.duration)
        output.line(f"   time: {first} to the first byte, {whole} in all")
        output.line(f"   kept as request {row.id}")
    _tell_next(row, running=running)


def _tell_next(row: "CallLog | None", *, running: bool) -> None:
    output.say("")
    output.say("next:")
    if not running:
        output.say("  omniroute serve                        start the gateway")
    output.say("  omniroute providers add PROVIDER       connect a provider")
    output.say("  omniroute models                       see what clients can ask for")
    output.say('  omniroute chat -m MODEL "question"     ask one')
    if row is not None:
        output.say(f"  omniroute requests show {row.id[:12]:<14} look into this request")


def _row(gateway: "Client", told: "Told") -> "CallLog | None":
    """The row this request left; it is written within 250 ms of the answer's end."""
    import time

    from omniroute.client.usage import call_logs

    wanted = told.headers.get("x-request-id")
    for _ in range(20):
        for log in call_logs(gateway, limit=20):
            if log.request_id == wanted:
                return log
        time.sleep(0.1)
    return None


def _quiet(text: str) -> None:
    """Where the answer goes that is printed as a whole."""
