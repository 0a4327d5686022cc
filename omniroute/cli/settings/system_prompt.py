"""The text that the gateway puts before every system prompt."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omniroute.cli import output, words
from omniroute.cli.failures import UsageError
from omniroute.cli.gateway import client

if TYPE_CHECKING:
    from omniroute.api.settings import SystemPrompt, SystemPromptChange


def register(settings: typer.Typer) -> None:
    """Add `system-prompt`."""
    group = typer.Typer(no_args_is_help=True, help="A text of your own before every system prompt.")
    group.command("show")(_show)
    group.command("set")(_set)
    group.command("clear")(_clear)
    settings.add_typer(group, name="system-prompt")


def _show(*, as_json: output.Json = False) -> None:
    """Print the text that stands before every system prompt.

    \b
    Example:
      omniroute settings system-prompt show
    """
    from omniroute.client.settings import system_prompt

    with client() as gateway:
        found = system_prompt(gateway)
    if as_json:
        output.document(found)
        return
    if found.prompt:
        output.line(found.prompt)
    output.say(_state(found))


def _set(
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help="The text; leave it out with --file.")
    ] = None,
    *,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read the text from a file; - is standard input.")
    ] = None,
    as_json: output.Json = False,
) -> None:
    """Put a text before the system prompt of every conversation, from the next request on.

    \b
    Example:
      omniroute settings system-prompt set "Answer in British English."
    """
    from omniroute.api.settings import SystemPromptChange

    prompt = _text(text, file)
    if not prompt.strip():
        raise UsageError("the text is empty; to have none: omniroute settings system-prompt clear")
    _change(SystemPromptChange(enabled=True, prompt=prompt), as_json=as_json)


def _clear(*, as_json: output.Json = False) -> None:
    """Leave system prompts as the clients send them.

    \b
    Example:
      omniroute settings system-prompt clear
    """
    from omniroute.api.settings import SystemPromptChange

    _change(SystemPromptChange(enabled=False, prompt=""), as_json=as_json)


def _change(change: "SystemPromptChange", *, as_json: bool) -> None:
    from omniroute.client.settings import change_system_prompt

    with client() as gateway:
        now = change_system_prompt(gateway, change)
    if as_json:
        output.document(now)
    else:
        output.say(_state(now))


def _text(text: str | None, file: Path | None) -> str:
    if text is not None and file is None:
        return text
    if file is None or text is not None:
        raise UsageError("give either the text or --file")
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from error


def _state(prompt: "SystemPrompt") -> str:
    if prompt.enabled and prompt.prompt.strip():
        return f"in force: {words.counted(len(prompt.prompt), 'character')} before every system prompt"
    return "off: system prompts stay as the clients send them"
