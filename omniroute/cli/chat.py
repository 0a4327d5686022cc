"""Asking a model from the shell."""

import sys
from typing import Annotated

import typer

from omniroute.cli import output
from omniroute.cli.failures import UsageError
from omniroute.cli.gateway import ANSWER_TIMEOUT_S, client
from omniroute.errors import ConfigError
from omniroute.paths import variable

KeyFrom = Annotated[
    str | None,
    typer.Option("--key-env", metavar="NAME", help="Use the gateway key in this environment variable."),
]


def register(app: typer.Typer) -> None:
    """Add `chat`."""
    app.command("chat")(_chat)


def _chat(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="PROMPT", help="The question; standard input is added to it."),
    ] = None,
    *,
    model: Annotated[str, typer.Option("--model", "-m", help="A model of `omniroute models`.")],
    system: Annotated[str | None, typer.Option("--system", "-s", help="How the model shall answer.")] = None,
    no_stream: Annotated[bool, typer.Option("--no-stream", help="Wait for the whole answer.")] = False,
    key_env: KeyFrom = None,
    as_json: output.Json = False,
) -> None:
    """Ask a model. Only the answer goes to standard output, as it arrives.

    \b
    Examples:
      omniroute chat -m demo/echo "hello"
      git diff | omniroute chat -m groq/llama-3.3-70b-versatile "review this"
    """
    from omniroute.cli.ask import ask
    from omniroute.cli.dialects import Question

    question = Question(
        model=model, prompt=_prompt(words or []), system=system, stream=not (no_stream or as_json)
    )
    key = gateway_key(key_env)
    with client(timeout_s=ANSWER_TIMEOUT_S) as gateway:
        told = ask(gateway, question, _nowhere if as_json else output.fragment, key=key)
    if as_json:
        output.document(
            {
                "model": told.headers.get("x-omniroute-model", model),
                "text": told.text,
                "usage": told.usage,
                "requestId": told.headers.get("x-request-id"),
                "path": told.path,
            }
        )
    elif not told.text.endswith("\n"):
        output.line()


def gateway_key(variable_name: str | None) -> str | None:
    """The key in that variable; `None` when no variable is named: the local token does."""
    if variable_name is None:
        return None
    key = (variable(variable_name) or "").strip()
    if not key:
        raise ConfigError(f"the variable {variable_name} is not set, or empty")
    return key


def _prompt(words: list[str]) -> str:
    """The words, and what was piped in below them."""
    piped = "" if sys.stdin.isatty() else sys.stdin.read().strip()
    prompt = "\n\n".join(part for part in (" ".join(words).strip(), piped) if part)
    if not prompt:
        raise UsageError('nothing was asked: omniroute chat -m MODEL "question"')
    return prompt


def _nowhere(text: str) -> None:
    """Where an answer goes that is printed as a whole."""
