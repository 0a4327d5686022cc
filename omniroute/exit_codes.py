"""What the exit code of the program says; scripts may rely on these numbers."""

from enum import IntEnum


class ExitCode(IntEnum):
    """One number for each thing a caller can do something about."""

    OK = 0
    FAILED = 1
    """An error without a number of its own."""
    USAGE = 2
    """The command line is not understood."""
    NOT_RUNNING = 3
    """No gateway runs for this data directory."""
    UNREACHABLE = 4
    """A gateway runs, or should, but does not answer."""
    REFUSED = 5
    """The gateway answered with an error."""
    NOT_FOUND = 6
    """There is no such thing: connection, key, model, request."""
    CONFIG = 7
    """An option, a variable or the settings file holds what cannot be used."""
    ALREADY_RUNNING = 8
    """Another gateway has the lock of this data directory."""
    PORT_TAKEN = 9
    """Another program listens on the port."""
    NOT_WRITABLE = 10
    """The data directory, or a file in it, cannot be used by this user."""
    NEWER_DATABASE = 11
    """The database was written by a newer version; nothing was changed."""
    DATABASE = 12
    """The database cannot be used: damaged, locked, no space."""
    SECRETS = 13
    """The master key, or a secret under it, is not to be had."""
    BIND_REFUSED = 14
    """An address other machines can reach, and no key that protects it."""
    START_TIMEOUT = 15
    """The gateway was started, and did not answer in time."""
    UPSTREAM = 16
    """A provider refused or failed."""
    INTERRUPTED = 130
    """Ctrl-C."""


def exit_code_of(error: BaseException) -> ExitCode:
    """The code that the error's class names."""
    code = getattr(error, "exit_code", None)
    return code if isinstance(code, ExitCode) else ExitCode.FAILED
