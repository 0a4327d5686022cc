"""What holds for every test."""

import functools
import signal
from collections.abc import Iterator

import pytest

from omniroute.providers import load


def pytest_configure() -> None:
    """A shell that runs the tests in the background has them ignore Ctrl-C, and so all they start would."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def shipped_files_are_read_once() -> Iterator[None]:
    """Taking the catalogue's files apart is half the start of a gateway, and always comes out the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "_shipped", functools.cache(load._shipped))
        yield
