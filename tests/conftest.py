"""What holds for every test."""

import signal


def pytest_configure() -> None:
    """A shell that runs the tests in the background has them ignore Ctrl-C, and so all they start would."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)
