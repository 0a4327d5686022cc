"""A shell for tests."""

from typing import Protocol

from typer.testing import Result


class Run(Protocol):
    """Runs one command; its result holds the exit code and what it wrote where."""

    def __call__(self, *words: str, typed: str = "") -> Result: ...
