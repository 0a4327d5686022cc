"""Taking a provider's key from where it does not leave traces."""

import os
import stat
import sys
from typing import Annotated

import typer

from omniroute.cli import output
from omniroute.cli.failures import UsageError
from omniroute.errors import ConfigError
from omniroute.paths import variable

_MOST_CHARACTERS = 10_000


def _never(value: str | None) -> None:
    if value is not None:
        raise UsageError(
            "a key in the command line can be read by other users and stays in the shell's history; "
            "give it by --api-key-env NAME, on standard input, or at the prompt"
        )


KeyVariable = Annotated[
    str | None,
    typer.Option("--api-key-env", metavar="NAME", help="Take the key from this environment variable."),
]
KeyOnCommandLine = Annotated[
    str | None, typer.Option("--api-key", "--key", hidden=True, callback=_never, is_eager=True)
]
"""Refused with the reason, instead of `No such option`."""


def read_key(variable_name: str | None, *, what: str, required: bool = True) -> str | None:
    """The key from the variable, else from standard input, else from a hidden prompt.

    `None` when it is not `required`, no variable was named and nothing was piped in. Raises `ConfigError`
    when a key is wanted and there is none.
    """
    if variable_name is not None:
        return _checked(variable(variable_name), f"the variable {variable_name} is not set, or empty")
    if not required:
        return _piped_key()
    if sys.stdin.isatty():
        return _checked(output.hidden(f"Key for {what}"), "no key was typed")
    return _checked(
        sys.stdin.read(_MOST_CHARACTERS + 2),
        f"no key for {what}: give it by --api-key-env NAME, on standard input, or at the prompt",
    )


def _piped_key() -> str | None:
    """A key that was piped in though none is needed; a terminal or `/dev/null` says nothing."""
    try:
        kind = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):
        return None  # standard input is closed
    if not (stat.S_ISFIFO(kind) or stat.S_ISREG(kind) or stat.S_ISSOCK(kind)):
        return None
    text = sys.stdin.read(_MOST_CHARACTERS + 2)
    return _checked(text, "") if text.strip() else None


def _checked(key: str | None, absent: str) -> str:
    key = (key or "").strip()
    if not key:
        raise ConfigError(absent)
    if len(key) > _MOST_CHARACTERS or not key.isprintable() or len(key.splitlines()) != 1:
        raise ConfigError(
            "what was given as the key is not one: it has line ends or control characters in it"
        )
    return key
